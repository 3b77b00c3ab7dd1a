#include "launcher/sweep_wishes.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

using What = SweepRequest::What;
constexpr std::size_t kShortestPrefix = 4;
constexpr double kPatience_s = 10;
constexpr double kQueuePatience_s = 60;

bool is_finished(const SweepRecord::Run& run) { return run.record && run.record->finished(); }

bool has_failed(const SweepRecord::Run& run) {
  return run.record && run.record->result && run.record->result->status == RunStatus::kFailed;
}

bool is_called(const PlannedRun& run, const std::string& word) {
  if (word == run.name || word == run.hash || word == run_folder_name(run.name, run.hash))
    return true;
  return word.size() >= kShortestPrefix && run.hash.starts_with(word);
}

// "" when the wish makes sense for the run.
std::string objection(const SweepRecord::Run& run, What what) {
  if (is_finished(run)) return "is finished";
  if (what == What::kCancel) return run.cancelled ? "was cancelled before" : "";
  return run.cancelled || has_failed(run) ? "" : "has neither failed nor been cancelled";
}

std::unique_ptr<SweepFolder> try_to_open(const fs::path& folder) {
  try {
    return std::make_unique<SweepFolder>(folder);
  } catch (const IoError&) {
    return nullptr;  // a launcher is at work, or nothing can be written: the request tells which
  }
}

Job job_of(const SweepRecord::Run& run) {
  return {.id = run.planned.hash, .folder = fs::absolute(run.folder), .command = {}};
}

// Jobs of these runs that are in a queue without a launcher.
void take_back(const std::vector<const SweepRecord::Run*>& runs, Scheduler& queue, Clock& clock,
               std::ostream& out) {
  std::size_t left = 0;
  for (const SweepRecord::Run* run : runs) {
    if (!fs::exists(run->folder / "job.json") || !queue.adopt(job_of(*run))) continue;
    queue.drain(run->planned.hash);
    ++left;
  }
  const double began = clock.now_s();
  for (; left > 0 && clock.now_s() - began < kQueuePatience_s; clock.sleep(0.2))
    for (const JobExit& ended : queue.poll()) {
      --left;
      out << fmt::format("taken back from the queue: {}\n", ended.id);
    }
  if (left > 0)
    out << fmt::format("{} jobs in the queue were asked to save and end, and still do\n", left);
}

}  // namespace

std::vector<std::size_t> named_runs(const SweepRecord& sweep,
                                    const std::vector<std::string>& words) {
  std::vector<bool> chosen(sweep.runs.size());
  std::vector<std::string> known;
  for (const SweepRecord::Run& run : sweep.runs) known.push_back(run.planned.name);
  for (const std::string& word : words) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < sweep.runs.size(); ++i)
      if (is_called(sweep.runs[i].planned, word)) found.push_back(i);
    if (found.empty()) {
      const std::string near = did_you_mean(word, known);
      throw ConfigError(fmt::format("unknown run '{}'; {}see hadal sweep status {} --all", word,
                                    near.empty() ? "" : fmt::format("did you mean '{}'? ", near),
                                    sweep.folder.string()));
    }
    if (found.size() > 1)
      throw ConfigError(fmt::format("'{}' may be {} ({}) or {} ({}); give more of the hash", word,
                                    sweep.runs[found[0]].planned.hash, known[found[0]],
                                    sweep.runs[found[1]].planned.hash, known[found[1]]));
    chosen[found[0]] = true;
  }
  std::vector<std::size_t> runs;
  for (std::size_t i = 0; i < chosen.size(); ++i)
    if (chosen[i]) runs.push_back(i);
  return runs;
}

std::vector<std::size_t> runs_meant(const SweepRecord& sweep, What what, bool only_failed) {
  std::vector<std::size_t> runs;
  for (std::size_t i = 0; i < sweep.runs.size(); ++i)
    if (objection(sweep.runs[i], what).empty() && (!only_failed || has_failed(sweep.runs[i])))
      runs.push_back(i);
  return runs;
}

void hand_over(const fs::path& folder, What what, const std::vector<std::string>& words,
               bool only_failed, Scheduler* queue, Clock& clock, std::ostream& out) {
  const SweepRecord sweep = read_sweep(folder, ReadRuns::kState);
  const std::vector<std::size_t> chosen =
      words.empty() ? runs_meant(sweep, what, only_failed) : named_runs(sweep, words);
  const char* done = what == What::kCancel ? "cancelled" : "retry";
  SweepRequest request{.what = what, .hashes = {}};
  std::vector<const SweepRecord::Run*> runs;
  for (const std::size_t i : chosen) {
    if (const std::string no = objection(sweep.runs[i], what); !no.empty())
      throw ConfigError(fmt::format("run {} {}; nothing to {}", sweep.runs[i].planned.name, no,
                                    what == What::kCancel ? "cancel" : "retry"));
    request.hashes.push_back(sweep.runs[i].planned.hash);
    runs.push_back(&sweep.runs[i]);
  }
  if (runs.empty()) {
    out << fmt::format("{}: nothing to {}\n", sweep.name,
                       what == What::kCancel ? "cancel" : "retry");
    return;
  }

  if (const auto open = try_to_open(folder)) {
    for (const SweepRecord::Run* run : runs) {
      open->journal({.what = done, .run = run->planned.name, .hash = run->planned.hash});
      out << fmt::format("{}  {}\n", done, run->planned.name);
    }
    if (what == What::kCancel && queue != nullptr) take_back(runs, *queue, clock, out);
    if (what == What::kRetry) out << "hadal sweep run with the sweep's file starts them\n";
    return;
  }
  const fs::path left = leave_request(folder, request);
  const double began = clock.now_s();
  while (fs::exists(left) && clock.now_s() - began < kPatience_s) clock.sleep(0.1);
  for (const SweepRecord::Run* run : runs) out << fmt::format("{}  {}\n", done, run->planned.name);
  out << (fs::exists(left)
              ? fmt::format("the launcher ({}) has not taken this yet; it will\n", sweep.holder)
              : fmt::format("taken by the launcher ({})\n", sweep.holder));
}

}  // namespace hadal::launcher
