// The numbers of a table, before anybody chooses how to print them.
//
// What holds: only finished runs enter a mean; failed and unfinished ones are counted in the cell
// they belong to. The test error at the last epoch and at the best validation epoch are two
// quantities and stay two. Every cell knows its runs. What was not measured is absent.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "launcher/paired_test.h"
#include "launcher/run_store.h"
#include "launcher/statistic.h"
#include "launcher/sweep_store.h"

namespace hadal::spec {
class SweepSpec;
}

namespace hadal::launcher {

enum class Metric {
  kTestError,                  // percent, last epoch
  kTestErrorAtBestValidation,  // percent, epoch of the lowest validation error
  kDeepestColumnTestError,     // percent, FractalNet's deepest column alone
  kTrainingError,              // percent, last epoch
  kTrainingTime,               // seconds
};

/// "test_error", "test_error_at_best_validation", "deepest_column_test_error", "training_error",
/// "training_time_s": as in the `expect` of a sweep.
std::string name_of(Metric metric);
const std::vector<Metric>& all_metrics();

/// "top1_error" is the test error at the last epoch. None for "top5_error", which runs do not
/// measure, and for names nobody knows.
std::optional<Metric> metric_named(const std::string& name);

/// What a finished run measured; none where it has no such quantity.
std::optional<double> value_of(const RunResult& result, Metric metric);

/// kStoppedEarly: paused by its strategy, which chose others by validation error.
enum class RunState { kFinished, kFailed, kStoppedEarly, kCancelled, kUnfinished };

/// "finished", "failed", "stopped early", "cancelled", "unfinished".
std::string name_of(RunState state);

struct TableRun {
  std::string id;  // hash of the resolved spec
  std::string name;
  std::optional<long long> seed;
  RunState state = RunState::kUnfinished;
  /// Why it failed, where it stopped, "not started"; when finished, where it went back from a loss
  /// that was not finite, or "".
  std::string detail;
  std::optional<RunRecord> record;
};

/// A number that somebody printed.
struct Expected {
  std::string metric_name;       // as in the sweep
  std::optional<Metric> metric;  // none: not measured by runs
  double value = 0;
  double deviation = 0;  // 0: not printed
  std::string source;    // "He et al. 2016, Table 6"
  std::string status;    // "verified", "lecture", …: how the figure came here
  std::string note;
  /// Ours minus theirs: of means, for times of medians. None without a finished run.
  std::optional<double> difference;
};

struct Cell {
  std::string row;
  std::string column;             // "" where there is one column
  std::vector<std::size_t> runs;  // into Table::runs
  int finished = 0, failed = 0, stopped_early = 0, cancelled = 0, unfinished = 0;
  std::map<Metric, Statistic> measured;
  std::vector<Expected> expected;
  /// The test error that the paper's number is about; the last epoch's where there is none. In a
  /// layout what its cell shows.
  Metric headline = Metric::kTestError;
  bool is_built = true;  // false: of a layout, a method that there is no experiment of

  const Statistic* find(Metric metric) const;
  /// The first figure about the headline; nullptr without one.
  const Expected* headline_expected() const;
};

/// Two rows of one column, over the seeds that finished in both.
struct Comparison {
  std::string row, against, column;
  Metric metric = Metric::kTestError;  // the headline of `row`
  PairedTest test;                     // row minus against
};

struct Table {
  std::string name;
  std::string title;  // "" where there is none
  std::string note;
  std::filesystem::path folder;
  std::vector<TableRun> runs = {};  // each once, also when several cells share it
  std::vector<Cell> cells = {};
  std::vector<std::string> rows = {}, columns = {};  // in order of first appearance
  std::vector<Comparison> comparisons = {};          // where asked for: table_view.h
  bool is_layout = false;                            // a published one: table_layout.h
  /// A strategy chose among its runs by validation error, so nothing may be picked by test error.
  bool is_search = false;
  std::optional<std::size_t> chosen = {};  // of a search the run of the lowest validation error
};

/// What a folder says of how the run ended, or how far it is.
TableRun table_run(std::optional<RunRecord> record, const std::string& id, const std::string& name,
                   std::optional<long long> seed);

/// What the sweep expects of this cell.
std::vector<Expected> expected_of(const spec::SweepSpec& sweep, const std::string& row,
                                  const std::string& column);

/// Adds a cell over runs of the table, with its counts, statistics and differences.
void add_cell(Table& table, const std::string& row, const std::string& column,
              std::vector<std::size_t> runs, std::vector<Expected> expected = {});

/// Of a sweep whose strategy chose among its runs, the note says so, and which has the lowest
/// validation error. Throws ConfigError when the sweep's own text cannot be read.
Table table_of(const SweepRecord& sweep);

}  // namespace hadal::launcher
