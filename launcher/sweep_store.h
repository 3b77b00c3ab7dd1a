// A sweep is a folder of runs:
//
//   sweep.textproto   the sweep as it was run, expected figures included: tables need only the
//   folder plan.json         its runs (name, labels, seed, hash of the spec, folder) and the
//   table's cells sweep.jsonl       journal, appended:
//   {"time":"…Z","what":"started","run":"…","detail":"…"} sweep.lock        held (flock) by the
//   launcher that is at work here NAME-HASH/        a run (run_store.h), found by HASH: renaming a
//   run repeats nothing
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "launcher/run_store.h"

namespace hadal::launcher {

/// One run of a sweep, with every choice made.
struct PlannedRun {
  std::string name = {};
  /// What tells it from the others: row, column and axis values, in the order of the sweep.
  std::vector<std::pair<std::string, std::string>> labels = {};
  long long seed = 0;
  std::string hash = {};       // of the resolved spec
  std::string spec_text = {};  // the resolved spec; "" when read back from plan.json
};

/// One place of the sweep's table.
struct PlannedCell {
  std::string row = {};
  std::string column = {};               // "" where there is one column
  std::vector<std::string> hashes = {};  // of its runs, in order of seed
};

struct SweepPlan {
  std::string name = {};
  std::string sweep_text = {};  // sweep.textproto
  std::vector<PlannedRun> runs = {};
  std::vector<PlannedCell> cells = {};
  int ranks = 1;           // of each run
  int cores_per_rank = 1;  // threads of each rank
  int gpus_per_rank = 0;
  int attempts = 3;  // at one run without progress
  bool stop_on_failure = false;
  double time_limit_s = 0;  // of one attempt; 0: none
};

/// A sweep folder opened for work. Only one launcher has it open at a time.
class SweepFolder {
 public:
  /// Makes the folder if needed and takes the lock. Throws IoError that names the holder when
  /// another launcher is at work here, or when the folder cannot be written.
  explicit SweepFolder(const std::filesystem::path& folder);
  ~SweepFolder();
  SweepFolder(const SweepFolder&) = delete;
  SweepFolder& operator=(const SweepFolder&) = delete;

  const std::filesystem::path& path() const { return folder_; }
  void write_plan(const SweepPlan& plan);
  /// Where the run is or will be; never made here.
  std::filesystem::path run_folder(const PlannedRun& run) const;
  /// One line in the journal, written through to the disk. Throws IoError.
  void journal(const std::string& what, const std::string& run, const std::string& detail = "");

 private:
  std::filesystem::path folder_;
  int lock_ = -1;
  std::unique_ptr<LineAppender> journal_;
};

/// What a sweep folder holds: what tables and status are made from.
struct SweepRecord {
  struct Run {
    PlannedRun planned;
    std::filesystem::path folder;
    std::optional<RunRecord> record;  // none: not started
  };
  std::filesystem::path folder;
  std::string name;
  std::string sweep_text;
  int ranks = 1;
  std::vector<Run> runs;  // in the order of the plan
  std::vector<PlannedCell> cells;
  bool locked = false;  // a launcher is at work here
};

/// Throws IoError (missing input) when there is no sweep in `folder`, DataError when plan.json or a
/// run is damaged. Takes no lock.
SweepRecord read_sweep(const std::filesystem::path& folder);

}  // namespace hadal::launcher
