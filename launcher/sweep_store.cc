#include "launcher/sweep_store.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/json.h"
#include "core/base/strings.h"
#include "launcher/environment.h"
#include "launcher/privacy.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr const char* kSweep = "sweep.textproto";
constexpr const char* kPlan = "plan.json";
constexpr const char* kJournal = "sweep.jsonl";
constexpr const char* kLock = "sweep.lock";

// The folder of this spec under whatever name, else the one it will have.
fs::path find_run_folder(const fs::path& sweep, const PlannedRun& run) {
  const fs::path usual = sweep / run_folder_name(run.name, run.hash);
  if (fs::exists(usual)) return usual;
  for (const auto& entry : fs::directory_iterator(sweep)) {
    const std::string name = entry.path().filename().string();
    if (name == run.hash || name.ends_with("-" + run.hash)) return entry.path();
  }
  return usual;
}

int take_lock(const fs::path& path) {
  const int lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock < 0) throw io_error("cannot write", path.string(), errno);
  if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
  const int error = errno;
  ::close(lock);
  if (error != EWOULDBLOCK) throw io_error("cannot lock", path.string(), error);
  throw IoError(
      ExitCode::kCannotWrite,
      fmt::format("{}: another launcher is at work here ({}); see hadal sweep status {}",
                  path.parent_path().string(), trim(read_file(path)), path.parent_path().string()));
}

bool is_locked(const fs::path& path) {
  const int lock = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (lock < 0) return false;
  const bool locked = ::flock(lock, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(lock);
  return locked;
}

}  // namespace

SweepFolder::SweepFolder(const fs::path& folder) : folder_(fs::absolute(folder)) {
  require_writable_folder(folder_);
  lock_ = take_lock(folder_ / kLock);
  const std::string holder =
      fmt::format("pid {} of {} on {}\n", ::getpid(), user_name(), host_name());
  // For the message above only; the lock does not depend on it.
  if (::ftruncate(lock_, 0) != 0 ||
      ::pwrite(lock_, holder.data(), holder.size(), 0) != static_cast<ssize_t>(holder.size())) {
    const int error = errno;
    ::close(lock_);
    throw io_error("cannot write", (folder_ / kLock).string(), error);
  }
  journal_ = std::make_unique<LineAppender>(folder_ / kJournal);
}

SweepFolder::~SweepFolder() { ::close(lock_); }

void SweepFolder::write_plan(const SweepPlan& plan) {
  json runs = json::array();
  for (const PlannedRun& run : plan.runs) {
    json labels = json::array();
    for (const auto& [label, value] : run.labels) labels.push_back({label, value});
    runs.push_back({{"name", run.name},
                    {"labels", labels},
                    {"seed", run.seed},
                    {"hash", run.hash},
                    {"folder", run_folder(run).filename().string()}});
  }
  json cells = json::array();
  for (const PlannedCell& cell : plan.cells)
    cells.push_back({{"row", cell.row}, {"column", cell.column}, {"runs", cell.hashes}});
  write_file_atomically(folder_ / kSweep, plan.sweep_text);
  write_file_atomically(
      folder_ / kPlan,
      json{{"name", plan.name}, {"ranks", plan.ranks}, {"runs", runs}, {"cells", cells}}.dump(1) +
          "\n");
}

fs::path SweepFolder::run_folder(const PlannedRun& run) const {
  return find_run_folder(folder_, run);
}

void SweepFolder::journal(const std::string& what, const std::string& run,
                          const std::string& detail) {
  json line = {{"time", utc_now()}, {"what", what}, {"run", run}};
  if (!detail.empty()) line["detail"] = detail;
  journal_->append(line.dump(-1, ' ', false, json::error_handler_t::replace));
  journal_->sync();
}

SweepRecord read_sweep(const fs::path& folder) {
  if (!fs::exists(folder / kPlan))
    throw IoError(ExitCode::kMissingInput,
                  fmt::format("{}: no sweep here ({} not found); hadal sweep run makes one",
                              folder.string(), kPlan));
  SweepRecord sweep;
  sweep.folder = folder;
  sweep.sweep_text = fs::exists(folder / kSweep) ? read_file(folder / kSweep) : "";
  sweep.locked = is_locked(folder / kLock);
  try {
    const json plan = parse_json(read_file(folder / kPlan), (folder / kPlan).string());
    sweep.name = plan.at("name");
    sweep.ranks = plan.at("ranks");
    for (const json& run : plan.at("runs")) {
      PlannedRun planned{.name = run.at("name"), .seed = run.at("seed"), .hash = run.at("hash")};
      for (const json& label : run.at("labels"))
        planned.labels.emplace_back(label.at(0), label.at(1));
      sweep.runs.push_back({planned, find_run_folder(folder, planned), std::nullopt});
    }
    for (const json& cell : plan.at("cells"))
      sweep.cells.push_back({cell.at("row"), cell.at("column"), cell.at("runs")});
  } catch (const json::exception& error) {
    throw DataError(fmt::format("{}: damaged ({})", (folder / kPlan).string(), error.what()));
  }
  for (SweepRecord::Run& run : sweep.runs) run.record = read_run(run.folder);
  return sweep;
}

}  // namespace hadal::launcher
