// A sweep is a folder of runs:
//
//   sweep.textproto   the sweep as it was run, expected figures included
//   plan.json         its runs (name, labels, seed, hash of the spec) and the table's cells
//   sweep.jsonl       the journal (sweep_journal.h)
//   sweep.lock        held (flock) by the launcher that is at work here
//   requests/         what people ask of it meanwhile (sweep_requests.h)
//   NAME-HASH/        a run (run_store.h), found by HASH: renaming a run repeats nothing
//
// Tables need nothing else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "launcher/run_store.h"
#include "launcher/sweep_journal.h"

namespace hadal::launcher {

/// One run of a sweep, with every choice made.
struct PlannedRun {
  std::string name = {};
  /// What tells it from the others: row, column and axis values, in the order of the sweep.
  std::vector<std::pair<std::string, std::string>> labels = {};
  long long seed = 0;
  std::string hash = {};       // of the resolved spec
  std::string spec_text = {};  // the resolved spec
  int epochs = 0;              // its length; 0: given in steps
  int validated_every = 0;     // epochs between two validations; 0: holds out no images
  /// Which draw of the random axes, and as a point for a model of the results.
  std::optional<std::uint64_t> draw = {};
  std::vector<double> coordinates = {};
};
// Read back from plan.json a run has its name, labels, seed and hash.

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
  int attempts = 3;         // at one run without progress
  double time_limit_s = 0;  // of one attempt; 0: none
  int stop_after = 0;       // failed runs; 0: never
  bool canary = false;      // the first run alone first
  std::string strategy = "all";
  std::map<std::string, std::string> strategy_options = {};
  int seeds = 1;                      // of every combination
  bool varies_besides_draws = false;  // rows or axes multiply the draws
  int samples = 0;                    // draws of the random axes, those a strategy adds included
  std::uint64_t sample_seed = 1;
  std::string space = {};  // hash of what is drawn from, and of all else that makes a run
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
  /// Where the runs are or will be; never made here.
  std::vector<std::filesystem::path> run_folders(const std::vector<PlannedRun>& runs) const;
  /// One line in the journal, written through to the disk. Throws IoError.
  void journal(const JournalLine& line);

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
    bool cancelled = false;           // by people, and not asked for again
    bool running = false;             // started by the launcher at work, or in its queue
    std::string again = {};           // why it waits for another attempt
  };
  std::filesystem::path folder;
  std::string name;
  std::string sweep_text;
  std::string strategy;
  int ranks = 1;
  std::vector<Run> runs;  // in the order of the plan
  std::vector<PlannedCell> cells;
  bool locked = false;  // a launcher is at work here
  std::string holder;   // "pid 12 on reef": of that launcher
  bool over = false;    // its strategy has nothing more to start
};

/// How much of every run is read: read_run_state(), read_run_result(), read_run().
enum class ReadRuns { kNothing, kState, kResult, kAll };

/// Throws IoError (missing input) when there is no sweep in `folder`, DataError when plan.json, the
/// journal or a run is damaged. Takes no lock.
SweepRecord read_sweep(const std::filesystem::path& folder, ReadRuns runs = ReadRuns::kAll);

}  // namespace hadal::launcher
