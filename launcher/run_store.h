// One run is one folder of plain files, each with one writer, appended or renamed into place:
//
//   spec.textproto     the resolved spec: what `hadal train` of the same program repeats bit by bit
//   environment.json   versions, host, command; no environment variables but a few harmless ones
//   metrics.jsonl      one object a line, as the run goes on:
//     {"kind":"epoch","epoch":1,"step":390,"learning_rate":0.1,"train_loss":2.1,"train_error":85.2,
//      "validation_loss":2.0,"validation_error":81.0,"test_loss":…,"test_error":…,
//      "images_per_second":412.0,"seconds":94.2,"bytes_sent":1234,"macs":5678}
//     {"kind":"gates","names":["stage1.block1.gate",…],"survival":[0.98,…]}
//                        once an attempt where a net has gates
//     {"kind":"open_gates","epoch":1,"steps":390,"open":[384,…]}   in how many of the epoch's steps
//                        each of them was open; before the epoch's line
//     {"kind":"event","what":"resumed","step":780,"detail":"…","time":1795394810.5}
//     {"kind":"times","step":100,"steps":50,"hosts":{"n1":{"data":[0.001,0.002,0.004],
//      "forward":[…],"backward":[…],"exchange":[…],"optimizer":[…],"checkpoint":[…]},"n2":{…}}}
//                        where the time of the last `steps` steps went: least, median and most
//                        seconds a step over the ranks of each host. "exchange" is waiting for sums
//                        of other ranks, "checkpoint" saving and waiting for it, spread over the
//                        steps; evaluation counts nowhere. Read and shown; no training writes
//                        such lines yet
//   trace.jsonl        the bits after every step, for `hadal diff` (step_trace.h)
//   progress.json      where a living run is; replaced about once a second
//   checkpoints/       the trainer's
//   result.json        last, once: finished, failed, drained or paused (trained as far as it was
//                      told to, no further); a run without one is unfinished
//   attempts/, job.*   claim.h, schedulers/slurm_job.h: of jobs that outlive the launcher
//   log.txt            standard output and error of all ranks, attempt after attempt
//
// Errors are in percent of the images, losses in nats per image, times in seconds, bytes sent and
// multiply-adds (macs) of rank 0.
// What does not exist (no validation split) is absent; what is not finite is null and reads as NaN.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hadal {
class LineAppender;
}

namespace hadal::launcher {

struct EpochMetrics {
  int epoch = 0;       // epochs done, from 1
  long long step = 0;  // optimizer steps done
  double learning_rate = 0;
  double train_loss = 0;
  double train_error = 0;
  std::optional<double> validation_loss = {}, validation_error = {};
  std::optional<double> test_loss = {}, test_error = {};
  double images_per_second = 0;
  double seconds = 0;        // of this epoch
  long long bytes_sent = 0;  // for gradients and statistics
  long long macs = 0;
};

/// Least, median and most seconds a step over the ranks of a host.
struct TimeSpread {
  double min = 0, median = 0, max = 0;
};

/// Where the time of some steps went.
struct StepTimesRecord {
  long long step = 0;   // steps done
  long long steps = 0;  // told of here
  /// By host, then by phase: "data", "forward", "backward", "exchange", "optimizer", "checkpoint".
  std::map<std::string, std::map<std::string, TimeSpread>> hosts = {};
};

/// How often the gates of a net were open: stochastic depth's blocks, the inputs of drop-path's
/// joins.
struct GateRecord {
  struct Epoch {
    int epoch = 0;
    long long steps = 0;
    std::vector<long long> open;  // as names
  };
  std::vector<std::string> names;
  std::vector<double> survival;  // probability to be open, as names
  std::vector<Epoch> epochs;     // ascending
};

struct RunEvent {
  std::string what = {};  // "resumed", "drained", "rewound", "straggler", …
  long long step = 0;
  std::string detail = {};
  double time = 0;  // seconds since 1970
};

/// Where a run that is under way has got to.
struct Progress {
  int epoch = 0, epochs = 0;
  long long step = 0, steps = 0;
  double loss = 0;
  double images_per_second = 0;
  double seconds_left = 0;
};

enum class RunStatus { kFinished, kFailed, kDrained, kPaused };

/// "finished", "failed", "drained", "paused".
std::string name_of(RunStatus status);

struct RunResult {
  struct Last {
    int epoch = 0;
    double train_loss = 0;
    double train_error = 0;
    std::optional<double> validation_error = {}, test_error = {};
  };
  struct BestValidation {
    int epoch = 0;
    double validation_error = 0;
    std::optional<double> test_error = {};
  };

  /// A loss that was not finite, and the way back from it.
  struct Rewind {
    long long step = 0, to = 0;  // steps done when it happened, and in the state gone back to
    double rate_factor = 1;      // of all learning rates from then on
    std::string reason;
  };

  RunStatus status = RunStatus::kFinished;
  int exit_code = 0;
  std::string reason;  // one line; "" when finished
  std::string spec_hash;
  std::string name;
  int ranks = 1;
  int epochs = 0;
  long long steps = 0;
  double seconds = 0;
  std::optional<Last> last;
  std::optional<BestValidation> best_validation;
  std::optional<double> deepest_column_test_error;  // FractalNet
  std::string weights_hash;
  long long parameters = 0;
  long long bytes_sent = 0;
  long long macs = 0;
  std::vector<Rewind> rewinds;  // oldest first
};

/// All that a folder says about a run.
struct RunRecord {
  std::filesystem::path folder;
  std::string name;
  std::string spec_hash;
  std::string spec_text;
  std::map<std::string, std::string> environment;
  std::vector<EpochMetrics> epochs;  // ascending; what a resumed run repeated counts once
  std::vector<RunEvent> events;
  std::vector<StepTimesRecord> times;  // ascending
  std::optional<GateRecord> gates;     // none: a net without gates
  std::optional<Progress> progress;
  std::optional<RunResult> result;  // none: unfinished

  bool finished() const { return result && result->status == RunStatus::kFinished; }
};

/// Makes the folder of a run ready, or checks that it is this run's: writes spec.textproto and
/// environment.json, keeps what is there otherwise. Throws ConfigError when the folder belongs to
/// another spec, IoError when it cannot be written.
void prepare_run_folder(const std::filesystem::path& folder, const std::string& spec_text,
                        const std::string& spec_hash,
                        std::map<std::string, std::string> environment);

/// Appends to metrics.jsonl. A line that a killed writer left torn is cut off first.
class MetricsWriter {
 public:
  explicit MetricsWriter(const std::filesystem::path& folder);
  ~MetricsWriter();
  /// Written through to the disk, so that an epoch once reported is not lost.
  void epoch(const EpochMetrics& metrics);
  void times(const StepTimesRecord& times);
  void event(const RunEvent& event);
  void gates(const std::vector<std::string>& names, const std::vector<double>& survival);
  void open_gates(const GateRecord::Epoch& epoch);

 private:
  std::unique_ptr<LineAppender> lines_;
};

void write_progress(const std::filesystem::path& folder, const Progress& progress);
/// None when there is no (whole) progress.json.
std::optional<Progress> read_progress(const std::filesystem::path& folder);

/// Replaces result.json in one step, written through to the disk.
void write_result(const std::filesystem::path& folder, const RunResult& result);
/// None when there is no result.json; DataError when it is damaged.
std::optional<RunResult> read_result(const std::filesystem::path& folder);

/// The epochs of metrics.jsonl, as in RunRecord; none where there is no such file. Throws
/// DataError.
std::vector<EpochMetrics> read_epochs(const std::filesystem::path& folder);

/// Only progress and result, which is all that it takes to say how far a run is; none when there is
/// no such folder.
std::optional<RunRecord> read_run_state(const std::filesystem::path& folder);

/// All but metrics.jsonl: what a table is made from. None when the folder holds no spec.textproto.
/// What cannot be read is a DataError that names the file.
std::optional<RunRecord> read_run_result(const std::filesystem::path& folder);

/// With metrics.jsonl, whose torn last line is left out; anything else in it that cannot be read is
/// a DataError that names file and line.
std::optional<RunRecord> read_run(const std::filesystem::path& folder);

/// "resnet20_seed-1-0123456789abcdef". Throws ConfigError unless `name` is made of letters, digits,
/// '.', '_', '+' and '-' (at most 200, no '.' or '-' in front): names come from spec files, and a
/// folder must not escape its parent.
std::string run_folder_name(const std::string& name, const std::string& spec_hash);

/// Throws ConfigError as above; `what` is "run", "sweep".
void require_safe_name(const std::string& what, const std::string& name);

}  // namespace hadal::launcher
