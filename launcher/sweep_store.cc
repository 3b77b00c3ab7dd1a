#include "launcher/sweep_store.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <future>
#include <map>
#include <set>

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

// Finds the folder of a spec under whatever name by one look at the sweep's.
class RunFolders {
 public:
  explicit RunFolders(fs::path sweep) : sweep_(std::move(sweep)) {
    for (const auto& entry : fs::directory_iterator(sweep_)) {
      const std::string name = entry.path().filename().string();
      if (name.size() >= kHash) by_hash_.emplace(name.substr(name.size() - kHash), name);
      names_.insert(name);
    }
  }

  /// The one there is, else the one it will have.
  fs::path of(const PlannedRun& run) const {
    const std::string usual = run_folder_name(run.name, run.hash);
    if (const auto at = by_hash_.find(run.hash); at != by_hash_.end() && !names_.contains(usual))
      return sweep_ / at->second;
    return sweep_ / usual;
  }

 private:
  static constexpr std::size_t kHash = 16;
  fs::path sweep_;
  std::set<std::string> names_;
  std::map<std::string, std::string> by_hash_;
};

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
  if (fs::is_regular_file(folder_ / kJournal)) cut_torn_line(folder_ / kJournal);
  journal_ = std::make_unique<LineAppender>(folder_ / kJournal);
}

SweepFolder::~SweepFolder() { ::close(lock_); }

void SweepFolder::write_plan(const SweepPlan& plan) {
  json runs = json::array();
  const RunFolders folders(folder_);
  for (const PlannedRun& run : plan.runs) {
    json labels = json::array();
    for (const auto& [label, value] : run.labels) labels.push_back({label, value});
    runs.push_back({{"name", run.name},
                    {"labels", labels},
                    {"seed", run.seed},
                    {"hash", run.hash},
                    {"folder", folders.of(run).filename().string()}});
  }
  json cells = json::array();
  for (const PlannedCell& cell : plan.cells)
    cells.push_back({{"row", cell.row}, {"column", cell.column}, {"runs", cell.hashes}});
  write_file_atomically(folder_ / kSweep, plan.sweep_text);
  write_file_atomically(folder_ / kPlan, json{{"name", plan.name},
                                              {"strategy", plan.strategy},
                                              {"ranks", plan.ranks},
                                              {"runs", runs},
                                              {"cells", cells}}
                                                 .dump(1) +
                                             "\n");
}

std::vector<fs::path> SweepFolder::run_folders(const std::vector<PlannedRun>& runs) const {
  const RunFolders folders(folder_);
  std::vector<fs::path> paths;
  for (const PlannedRun& run : runs) paths.push_back(folders.of(run));
  return paths;
}

void SweepFolder::journal(const JournalLine& line) {
  journal_->append(to_text(line));
  journal_->sync();
}

namespace {

/// A thousand runs are a hundred thousand lines: all cores read, but not for a handful.
void read_runs(SweepRecord& sweep, ReadRuns how) {
  constexpr std::size_t kRunsPerReader = 32;
  if (how == ReadRuns::kNothing) return;
  std::atomic<std::size_t> next = 0;
  const auto read = [&] {
    for (std::size_t i; (i = next++) < sweep.runs.size();) {
      SweepRecord::Run& run = sweep.runs[i];
      run.record = how == ReadRuns::kState    ? read_run_state(run.folder)
                   : how == ReadRuns::kResult ? read_run_result(run.folder)
                                              : read_run(run.folder);
    }
  };
  const std::size_t readers =
      std::min<std::size_t>(usable_cores().size(), sweep.runs.size() / kRunsPerReader + 1);
  std::vector<std::future<void>> others;
  for (std::size_t i = 1; i < readers; ++i) others.push_back(std::async(std::launch::async, read));
  read();
  for (std::future<void>& other : others) other.get();
}

}  // namespace

SweepRecord read_sweep(const fs::path& folder, ReadRuns runs) {
  if (!fs::exists(folder / kPlan))
    throw IoError(ExitCode::kMissingInput,
                  fmt::format("{}: no sweep here ({} not found); hadal sweep run makes one",
                              folder.string(), kPlan));
  SweepRecord sweep;
  sweep.folder = folder;
  sweep.sweep_text = fs::exists(folder / kSweep) ? read_file(folder / kSweep) : "";
  sweep.locked = is_locked(folder / kLock);
  if (sweep.locked) sweep.holder = trim(read_file(folder / kLock));
  const JournalState journal = replay(read_journal(folder));
  sweep.over = journal.over;
  const RunFolders folders(folder);
  try {
    const json plan = parse_json(read_file(folder / kPlan), (folder / kPlan).string());
    sweep.name = plan.at("name");
    sweep.ranks = plan.at("ranks");
    sweep.strategy = plan.value("strategy", "all");
    for (const json& run : plan.at("runs")) {
      PlannedRun planned{.name = run.at("name"), .seed = run.at("seed"), .hash = run.at("hash")};
      for (const json& label : run.at("labels"))
        planned.labels.emplace_back(label.at(0), label.at(1));
      const auto again = journal.again.find(planned.hash);
      sweep.runs.push_back(
          {.planned = planned,
           .folder = folders.of(planned),
           .record = std::nullopt,
           .cancelled = journal.cancelled.contains(planned.hash),
           .running = sweep.locked && journal.running.contains(planned.hash),
           .again = again == journal.again.end() || !sweep.locked ? "" : again->second});
    }
    for (const json& cell : plan.at("cells"))
      sweep.cells.push_back({cell.at("row"), cell.at("column"), cell.at("runs")});
  } catch (const json::exception& error) {
    throw DataError(fmt::format("{}: damaged ({})", (folder / kPlan).string(), error.what()));
  }
  read_runs(sweep, runs);
  return sweep;
}

}  // namespace hadal::launcher
