#include "tests/faults/story.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"
#include "launcher/mpirun.h"

namespace hadal::faults {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

/// Far beyond what a busy machine needs; reaching it is a hang that nobody ended.
constexpr double kHang_s = 120;
constexpr double kOrphans_s = 20;

std::string contents_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<fs::path> checkpoints_of(const fs::path& run) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints", ignored))
    if (entry.path().filename().string().starts_with("step-")) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

/// result.json without what depends on time and on the number of ranks.
std::string result_of(const fs::path& run) {
  json result = json::parse(contents_of(run / "result.json"), nullptr, false);
  if (!result.is_object()) return "";
  for (const char* key : {"seconds", "ranks", "bytes_sent", "macs"}) result.erase(key);
  return result.dump();
}

bool is_finished(const fs::path& run) {
  const std::string result = result_of(run);
  return result.find("\"status\":\"finished\"") != std::string::npos;
}

std::map<std::string, std::string> last_checkpoint_of(const fs::path& run) {
  std::map<std::string, std::string> files;
  const std::vector<fs::path> all = checkpoints_of(run);
  if (all.empty()) return files;
  for (const char* name : {"weights.safetensors", "optimizer.safetensors"})
    files[fmt::format("{}/{}", all.back().filename().string(), name)] =
        contents_of(all.back() / name);
  return files;
}

using ShardsOfEpoch = std::map<std::pair<long long, long long>, std::string>;

/// Images of each shard by epoch, then step and shard; what was repeated must repeat itself.
std::map<long long, ShardsOfEpoch> images_of(const fs::path& ids, std::vector<std::string>& wrong) {
  std::map<long long, ShardsOfEpoch> epochs;
  std::istringstream text(contents_of(ids));
  for (std::string line; std::getline(text, line);) {
    long long epoch = 0, step = 0, shard = 0;
    char colon = 0;
    std::istringstream words(line);
    words >> epoch >> step >> shard >> colon;
    std::string images;
    std::getline(words, images);
    const auto [known, is_new] = epochs[epoch].try_emplace({step, shard}, images);
    if (!is_new && known->second != images)
      wrong.push_back(fmt::format("epoch {} step {} shard {} has other images when repeated", epoch,
                                  step, shard));
  }
  return epochs;
}

std::multiset<std::int64_t> images_in(const ShardsOfEpoch& shards) {
  std::multiset<std::int64_t> images;
  for (const auto& [place, text] : shards) {
    std::istringstream words(text);
    for (std::int64_t image = 0; words >> image;) images.insert(image);
  }
  return images;
}

/// Damages a file of the newest checkpoint, and says which: "step-000000010/manifest.pb".
std::string damage(const fs::path& run, const Fault& fault) {
  const std::vector<fs::path> all = checkpoints_of(run);
  if (all.empty()) return {};
  static const std::vector<std::string> names = {"weights.safetensors", "optimizer.safetensors",
                                                 "manifest.pb"};
  const fs::path file = all.back() / names[static_cast<std::size_t>(fault.step) % names.size()];
  const auto size = static_cast<std::int64_t>(fs::file_size(file));
  const std::int64_t place = size * (1 + fault.step % 7) / 8;
  if (fault.kind == Kind::kRemoved) fs::remove(file);
  if (fault.kind == Kind::kTruncated) fs::resize_file(file, static_cast<std::uintmax_t>(place));
  if (fault.kind == Kind::kFlipped) {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    const char byte = static_cast<char>(bytes.seekg(place).get());
    bytes.seekp(place).put(static_cast<char>(byte ^ (1 << fault.step % 8)));
  }
  return all.back().filename().string() + "/" + file.filename().string();
}

std::vector<int> expected_codes(Kind kind) {
  // Messages of a collective that only one rank calls may hang, or meet others that do not fit.
  if (kind == Kind::kExtraCollective) return {85, 89};
  if (is_hang(kind)) return {85};
  if (is_flip(kind)) return {86};
  switch (kind) {
    case Kind::kInterrupt:
    case Kind::kDrainAll:
    case Kind::kDrainOne:
    case Kind::kTerminate:
    case Kind::kSuperseded:
      return {75};
    case Kind::kNoSpace:
    case Kind::kIoError:
      return {74};
    case Kind::kNanImage:
    case Kind::kNanGradient:
      return {87};
    case Kind::kNanWeight:
      return {86, 87};  // whichever is looked for first
    default:
      return {};  // whatever mpirun makes of it, but no success
  }
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// What lines say from "hadal: " on that are no warnings; it may stand behind a line of progress,
/// which takes another way through mpirun.
std::string complaints_in(const std::string& log) {
  std::string lines;
  for (const std::string& line : split(log, '\n'))
    if (const auto at = line.find("hadal: ");
        at != std::string::npos && !line.substr(at).starts_with("hadal: warning"))
      lines += line.substr(at) + "\n";
  return lines;
}

/// A net with two seeds.
std::string sweep_of(std::size_t net) {
  return fmt::format(
      "name: \"s\"\nbase: \"../{}.textproto\"\nseed: 1 seed: 2\n"
      "resources {{ ranks: 2 }}\n",
      nets()[net].name);
}

/// Runs a command of the system; true when it succeeded.
bool system_says_yes(launcher::Processes& processes, Clock& clock, const fs::path& log,
                     const std::vector<std::string>& arguments) {
  const int pid = processes.start({.arguments = arguments, .log = log});
  std::optional<int> code;
  while (!(code = processes.try_wait(pid))) clock.sleep(0.01);
  return *code == 0;
}

}  // namespace

Storyteller::Storyteller(Setup setup, launcher::Processes& processes, Clock& clock)
    : setup_(std::move(setup)), processes_(processes), clock_(clock) {}

int Storyteller::wait(int pid, double limit_s) {
  for (const double end = clock_.now_s() + limit_s; clock_.now_s() < end; clock_.sleep(0.01))
    if (const auto code = processes_.try_wait(pid)) return *code;
  return -1;
}

/// Nothing of a job may outlive it.
void Storyteller::end_all(const fs::path& marked, std::vector<std::string>& wrong) {
  const auto left = [&] { return processes_.find_marked(launcher::kRunVariable, marked.string()); };
  for (const double end = clock_.now_s() + kOrphans_s; clock_.now_s() < end; clock_.sleep(0.05))
    if (left().empty()) return;
  for (const int pid : left()) {
    wrong.push_back(fmt::format("process {} was left behind", pid));
    processes_.send_signal(pid, SIGKILL);
  }
}

int Storyteller::start_and_wait(const Net& net, int ranks, int compare_every, Running& running) {
  const fs::path spec = setup_.folder / (net.name + ".textproto");
  const std::string beside = running.beside();
  const fs::path scratch = beside + ".mpi";
  fs::create_directories(scratch);
  const launcher::Job job{
      .id = "0",
      .folder = running.folder,
      .command = {setup_.trainer, "train", spec, "--out", running.folder, "--resume", "--patience",
                  fmt::to_string(setup_.patience / kPatience_s), "--set",
                  fmt::format("checks.replicas_every_steps={}", compare_every)},
      .ranks = ranks};
  running.result_before = contents_of(running.folder / "result.json");
  running.log = fmt::format("{}.log{}", beside, running.number++);
  launcher::ProcessSpec process{
      .arguments = launcher::mpirun_on_one_host(setup_.mpirun, job, scratch, true),
      .environment = launcher::rank_environment(job),
      .log = running.log,
      .signal_when_orphaned = SIGKILL};
  process.environment.insert({{"OMPI_ALLOW_RUN_AS_ROOT", "1"},
                              {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
                              {"HADAL_ATTEMPT", fmt::to_string(running.attempt)},
                              {"HADAL_FAULTS_IDS", beside + ".ids"}});
  if (!running.faults.empty()) process.environment[kFaultsVariable] = running.faults;
  const int pid = processes_.start(process);
  const int code = wait(pid, kHang_s);
  if (code < 0) {
    processes_.send_signal(pid, SIGKILL);
    wait(pid, kHang_s);
  }
  return code;
}

Outcome Storyteller::attempt(const Story& story, const Attempt& planned, Running& running) {
  Outcome outcome{planned.fault};
  Fault made = planned.fault;
  // Damage wants an attempt that ended; then it is the next one that meets it.
  if (is_damage(made.kind)) made.kind = Kind::kKill;
  running.faults = fmt::format("{}.faults{}", running.beside(), running.number);
  write_faults(running.faults, {made});
  outcome.exit_code =
      start_and_wait(nets()[story.net], planned.ranks, planned.compare_every, running);
  const fs::path mark = fmt::format("{}.{}", running.faults.string(), made.id);
  std::error_code ignored;
  if (const auto at = fs::last_write_time(mark, ignored); !ignored)
    outcome.seconds = std::chrono::duration<double>(fs::file_time_type::clock::now() - at).count();
  end_all(running.folder, outcome.wrong);
  check_outcome(planned, running, outcome);
  if (made.kind == Kind::kSuperseded) ++running.attempt;
  return outcome;
}

void Storyteller::check_outcome(const Attempt& planned, const Running& running, Outcome& outcome) {
  const Fault& fault = planned.fault;
  const auto require = [&](bool holds, const std::string& what) {
    if (!holds) outcome.wrong.push_back(what);
  };
  const auto happened = read_happened(running.faults, fault.id);
  const std::string log = contents_of(running.log);
  const std::string complaint = complaints_in(log);
  require(outcome.exit_code >= 0, fmt::format("hung for {} s without a word", kHang_s));
  if (!happened) return require(false, "it did not happen: " + complaint);
  const bool done = is_finished(running.folder);
  if (done) return;  // it came after the result
  const std::vector<int> codes = expected_codes(fault.kind);
  require(outcome.exit_code != 0, "exit code 0 without a result");
  require(codes.empty() || std::count(codes.begin(), codes.end(), outcome.exit_code) > 0,
          fmt::format("exit code {}, wanted {}", outcome.exit_code, fmt::join(codes, " or ")));
  if (is_hang(fault.kind)) {
    require(contains(complaint, fmt::format("rank {} ({}, pid {})", happened->rank, happened->host,
                                            happened->pid)),
            "the rank and its host are not named: " + complaint);
    require(contains(complaint, fmt::format("of step {}", happened->step)) ||
                contains(complaint, fmt::format("at step {}", happened->step)),
            "the step is not named: " + complaint);
  }
  if (is_flip(fault.kind)) {
    require(std::regex_search(complaint, std::regex("after step [0-9]+, the bits of .*'")),
            "no tensor is named: " + complaint);
    require(planned.ranks < 3 ||
                contains(complaint, fmt::format("on rank {} ({}", happened->rank, happened->host)),
            "the rank is not named: " + complaint);
  }
  if (row_of(fault.kind) == "R10" && outcome.exit_code == 87)
    require(contains(complaint, "first in") || contains(complaint, "is not finite after step"),
            "no layer is named: " + complaint);
  if (row_of(fault.kind) == "R8")
    require(contains(complaint, "No space left") || contains(complaint, "Input/output error"),
            "the reason is not named: " + complaint);
  const std::string result = contents_of(running.folder / "result.json");
  if (fault.kind == Kind::kSuperseded)
    require(result.empty() || result == running.result_before, "it wrote a result all the same");
}

// Whoever comes after damage says what it found, where, and goes on from the checkpoint before.
void Storyteller::check_damage(const fs::path& log, std::string& damaged, Told& told) {
  if (damaged.empty()) return;
  const std::string text = contents_of(log);
  static const std::regex said("wanted|cut short|No such file|no manifest|cannot be read");
  bool named = false;
  for (const std::string& line : split(text, '\n'))
    named = named || (line.starts_with("hadal: warning") && contains(line, damaged) &&
                      std::regex_search(line, said));
  if (!named) told.wrong.push_back(damaged + " was damaged, and nobody said so");
  damaged.clear();
}

void Storyteller::attempts_of(const Story& story, Running& running, Told& told) {
  fs::create_directories(running.folder / "attempts" / "0001");
  std::string damaged;
  for (const Attempt& planned : story.attempts) {
    if (is_finished(running.folder)) break;
    told.outcomes.push_back(attempt(story, planned, running));
    check_damage(running.log, damaged, told);
    if (is_damage(planned.fault.kind)) {
      damaged = damage(running.folder, planned.fault);
      if (damaged.empty()) told.outcomes.back().wrong.emplace_back("there was nothing to damage");
    }
    if (planned.fault.kind == Kind::kPowerCut) remount(running, told.outcomes.back());
  }
  if (!is_finished(running.folder)) {
    running.faults.clear();
    const int code = start_and_wait(nets()[story.net], story.last_ranks, 1, running);
    end_all(running.folder, told.wrong);
    check_damage(running.log, damaged, told);
    if (code != 0)
      told.wrong.push_back(fmt::format("the last attempt, left alone, ended with exit code {}: {}",
                                       code, complaints_in(contents_of(running.log))));
  }
  const std::size_t before = told.wrong.size();
  compare(running.folder, story.net, told.wrong);
  told.finished = told.wrong.size() == before;
  count_images(running.beside() + ".ids", story.net, told);
}

void Storyteller::compare(const fs::path& run, std::size_t net, std::vector<std::string>& wrong) {
  const Undisturbed& same = undisturbed_[net];
  if (!is_finished(run)) return wrong.push_back("it did not finish");
  if (result_of(run) != same.result)
    wrong.push_back(fmt::format("another result: {}, wanted {}", result_of(run), same.result));
  for (const auto& [name, bytes] : last_checkpoint_of(run))
    if (!same.files.contains(name) || same.files.at(name) != bytes)
      wrong.push_back(name + " has other bits");
}

void Storyteller::count_images(const fs::path& ids, std::size_t net, Told& told) {
  const std::size_t before = told.wrong.size();
  const auto epochs = images_of(ids, told.wrong);
  if (static_cast<std::int64_t>(epochs.size()) * kStepsPerEpoch != kSteps)
    told.wrong.push_back(fmt::format("images of {} epochs", epochs.size()));
  for (const auto& [epoch, shards] : epochs)
    if (images_in(shards) != undisturbed_[net].images)
      told.wrong.push_back(fmt::format("epoch {} saw other images, or some not once", epoch));
  told.images_counted = told.wrong.size() == before;
}

void Storyteller::train_undisturbed() {
  for (const Net& net : nets()) {
    write_file_atomically(setup_.folder / (net.name + ".textproto"), net.spec);
    Running running{.folder = setup_.folder / net.name};
    fs::create_directories(running.folder / "attempts" / "0001");
    const int code = start_and_wait(net, 1, 1, running);
    if (code != 0)
      throw DataError(fmt::format("{} does not train undisturbed (exit code {}): {}", net.name,
                                  code, contents_of(running.log)));
    Undisturbed& whole = undisturbed_.emplace_back();
    whole.result = result_of(running.folder);
    whole.files = last_checkpoint_of(running.folder);
    std::vector<std::string> wrong;
    const auto epochs = images_of(running.beside() + ".ids", wrong);
    for (const auto& [epoch, shards] : epochs) {
      const auto images = images_in(shards);
      if (epoch == 0) whole.images = images;
      if (images != whole.images || std::set(images.begin(), images.end()).size() != images.size())
        throw DataError(net.name + ": not every image once in every epoch");
    }
  }
}

void Storyteller::train_undisturbed_sweeps() {
  for (std::size_t net = 0; net < nets().size(); ++net) {
    const fs::path folder = setup_.folder / (nets()[net].name + ".sweep");
    fs::create_directories(folder);
    write_file_atomically(folder / "s.textproto", sweep_of(net));
    const int code = run_sweep(folder, "", "log");
    auto& results = undisturbed_sweeps_.emplace_back();
    std::error_code ignored;
    for (const auto& run : fs::directory_iterator(folder / "runs" / "s", ignored))
      if (is_finished(run.path())) results[run.path().filename()] = result_of(run.path());
    if (code != 0 || results.size() != 2)
      throw DataError(fmt::format("a sweep of {} does not finish undisturbed (exit code {}): {}",
                                  nets()[net].name, code, contents_of(folder / "log")));
  }
}

Told Storyteller::tell(const Story& story) {
  switch (story.stage) {
    case Stage::kMpirun:
      return tell_attempts(story);
    case Stage::kSweep:
      return tell_sweep(story);
    case Stage::kPowerCut:
      return tell_power_cuts(story);
  }
  return {};
}

Told Storyteller::tell_attempts(const Story& story) {
  Told told{story};
  Running running{.folder = setup_.folder / fmt::format("story{}", story.number)};
  attempts_of(story, running, told);
  return told;
}

// Two runs, one after the other, by a launcher that is ended in the first or the second; the same
// command goes on until all is finished.
Told Storyteller::tell_sweep(const Story& story) {
  Told told{story};
  const fs::path folder = setup_.folder / fmt::format("story{}", story.number);
  fs::create_directories(folder);
  write_file_atomically(folder / "s.textproto", sweep_of(story.net));
  const fs::path faults = folder / "faults";
  std::vector<Fault> list;
  for (const Attempt& attempt : story.attempts) list.push_back(attempt.fault);
  write_faults(faults, list);
  std::vector<int> codes;
  while (codes.size() < 5 && (codes.empty() || codes.back() != 0))
    codes.push_back(run_sweep(folder, faults, fmt::format("log{}", codes.size())));
  for (const Fault& fault : list) {
    Outcome outcome{fault, codes.front()};
    if (!read_happened(faults, fault.id)) outcome.wrong.emplace_back("it did not happen");
    const int wanted = fault.kind == Kind::kInterrupt ? 130 : 137;
    if (codes.front() != wanted && codes.front() != 0)
      outcome.wrong.push_back(fmt::format("exit code {}, wanted {}", codes.front(), wanted));
    told.outcomes.push_back(outcome);
  }
  const std::size_t before = told.wrong.size();
  if (codes.back() != 0) told.wrong.push_back("the sweep does not come to an end");
  compare_sweep(folder / "runs" / "s", story.net, told.wrong);
  told.finished = told.wrong.size() == before;
  return told;
}

int Storyteller::run_sweep(const fs::path& folder, const fs::path& faults, const std::string& log) {
  launcher::ProcessSpec process{
      .arguments = {setup_.trainer, "sweep", "run", folder / "s.textproto", "--runs",
                    folder / "runs", "--slots", "1", "--trainer", setup_.trainer, "--mpirun",
                    setup_.mpirun},
      .log = folder / log};
  if (!faults.empty()) process.environment[kFaultsVariable] = faults;
  const int pid = processes_.start(process);
  const int code = wait(pid, kHang_s);
  if (code < 0) processes_.send_signal(pid, SIGKILL);
  return code;
}

// A run that was finished when the launcher died may not be trained again: its log has one start.
void Storyteller::compare_sweep(const fs::path& sweep, std::size_t net,
                                std::vector<std::string>& wrong) {
  for (const auto& [name, result] : undisturbed_sweeps_[net]) {
    if (result_of(sweep / name) != result)
      wrong.push_back(
          fmt::format("{}: another result: {}, wanted {}", name, result_of(sweep / name), result));
    end_all(fs::absolute(sweep / name), wrong);
  }
}

// ext4 on a file: what it has not written by the cut is gone.
Told Storyteller::tell_power_cuts(const Story& story) {
  Told told{story};
  const fs::path disk = setup_.folder / fmt::format("story{}.disk", story.number);
  const fs::path mounted = setup_.folder / fmt::format("story{}.mounted", story.number);
  fs::create_directories(mounted);
  std::ofstream(disk).close();
  fs::resize_file(disk, 64 << 20);
  const auto run = [&](const std::vector<std::string>& command) {
    return system_says_yes(processes_, clock_, disk.string() + ".log", command);
  };
  if (!run({"mkfs.ext4", "-q", "-F", disk}) || !run({"mount", "-o", "loop", disk, mounted})) {
    told.wrong.push_back("no disk to cut the power of: " + contents_of(disk.string() + ".log"));
    return told;
  }
  Running running{.folder = mounted / "run"};
  running.outside = setup_.folder / fmt::format("story{}", story.number);
  running.disk = disk;
  attempts_of(story, running, told);
  run({"umount", mounted});
  return told;
}

// The journal is replayed; what was there when the power went must be there again, or newer.
void Storyteller::remount(const Running& running, Outcome& outcome) {
  const fs::path mounted = running.folder.parent_path();
  const auto run = [&](const std::vector<std::string>& command) {
    return system_says_yes(processes_, clock_, running.disk.string() + ".log", command);
  };
  if (!run({"umount", mounted}) || !run({"mount", "-o", "loop", running.disk, mounted})) {
    outcome.wrong.push_back("the disk cannot be mounted again");
    return;
  }
  const auto happened = read_happened(running.faults, outcome.fault.id);
  const std::vector<fs::path> all = checkpoints_of(running.folder);
  const long long newest = all.empty() ? -1 : std::stoll(all.back().filename().string().substr(5));
  if (happened && newest < happened->saved)
    outcome.wrong.push_back(fmt::format("the newest checkpoint is of step {}, step {} was saved",
                                        newest, happened->saved));
}

}  // namespace hadal::faults
