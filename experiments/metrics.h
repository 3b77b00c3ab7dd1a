// What a run leaves behind for tables: metrics.jsonl, one object a line, appended; result.json,
// written once at the end. Errors are in percent, as papers print them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "core/base/error.h"
#include "core/base/files.h"

namespace hadal::experiments {

struct EpochMetrics {
  int epoch = 0;          // finished epochs
  std::int64_t step = 0;  // finished steps
  double learning_rate = 0;
  double train_loss = 0;  // means over the epoch's batches as they were trained on, augmented
  double train_error = 0;
  std::optional<double> validation_loss, validation_error;
  double images_per_second = 0;
  double seconds = 0;           // of the epoch, evaluation not counted
  std::int64_t bytes_sent = 0;  // by rank 0, for gradients and statistics
  std::int64_t macs = 0;        // multiply-adds of rank 0
};

/// Appends to metrics.jsonl.
class MetricsLog {
 public:
  explicit MetricsLog(const std::filesystem::path& file);
  void epoch(const EpochMetrics& metrics);
  /// {"kind":"event","what":...,"detail":...,"time":...}
  void event(const std::string& what, const std::string& detail = {});

 private:
  LineAppender file_;
};

/// Drops what metrics.jsonl says of steps after `step`: they are about to be run again.
void rewind_metrics(const std::filesystem::path& file, std::int64_t step);

struct SplitErrors {
  int epoch = 0;
  std::optional<double> train_loss, train_error, validation_error, test_error;
};

struct RunResult {
  std::string status = "finished";  // or "failed", "drained"
  ExitCode exit_code = ExitCode::kOk;
  std::string reason;  // one line, for failed and drained
  std::string spec_hash, name;
  int ranks = 1;
  int epochs = 0;
  std::int64_t steps = 0;
  double seconds = 0;  // of training, over all attempts
  SplitErrors last;
  std::optional<SplitErrors> best_validation;
  std::optional<double> deepest_column_test_error;  // FractalNet
  std::string weights_hash;
  std::int64_t parameters = 0;
  std::int64_t bytes_sent = 0;
  std::int64_t macs = 0;
};

void write_result(const std::filesystem::path& file, const RunResult& result);

}  // namespace hadal::experiments
