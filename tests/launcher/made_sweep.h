// A folder of runs whose numbers are known, written through the stores that real runs use.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/base/files.h"
#include "core/base/hash.h"
#include "launcher/run_store.h"
#include "launcher/sweep_store.h"

namespace hadal::launcher {

struct MadeRun {
  double last = 0;  // test error
  double best = 0;  // test error at the best validation epoch
  double seconds = 60;
  double train_error = 1;
};

/// A finished result with these figures; no best validation epoch where `best` is 0.
inline RunResult finished(const MadeRun& made) {
  RunResult result;
  result.seconds = made.seconds;
  result.epochs = 2;
  result.last = RunResult::Last{.epoch = 2,
                                .train_loss = 0.5,
                                .train_error = made.train_error,
                                .validation_error = {},
                                .test_error = made.last};
  if (made.best > 0)
    result.best_validation =
        RunResult::BestValidation{.epoch = 1, .validation_error = 9, .test_error = made.best};
  return result;
}

class MadeSweep {
 public:
  explicit MadeSweep(std::string sweep_text = "name: \"made\"\n") {
    plan_.name = "made";
    plan_.sweep_text = std::move(sweep_text);
  }

  const std::filesystem::path& path() const { return folder_->path(); }

  /// A run of this cell that has not started.
  std::string plan(const std::string& row, const std::string& column, int seed) {
    const std::string hash = hex64(hash64(fmt::format("{}/{}/{}", row, column, seed)));
    plan_.runs.push_back({.name = fmt::format("run{}", plan_.runs.size()),
                          .labels = {},
                          .seed = seed,
                          .hash = hash,
                          .spec_text = {}});
    for (PlannedCell& cell : plan_.cells)
      if (cell.row == row && cell.column == column) {
        cell.hashes.push_back(hash);
        return hash;
      }
    plan_.cells.push_back({row, column, {hash}});
    return hash;
  }

  /// One that has.
  std::filesystem::path start(const std::string& row, const std::string& column, int seed) {
    const std::string hash = plan(row, column, seed);
    const std::filesystem::path run = path() / run_folder_name(plan_.runs.back().name, hash);
    prepare_run_folder(run, "model { name: \"resnet\" }\n", hash, {{"host", "reef"}});
    return run;
  }

  std::string finish(const std::string& row, const std::string& column, int seed,
                     const MadeRun& made) {
    write_result(start(row, column, seed), finished(made));
    return plan_.runs.back().hash;
  }

  std::string fail(const std::string& row, const std::string& column, int seed,
                   const std::string& reason) {
    RunResult result;
    result.status = RunStatus::kFailed;
    result.exit_code = 87;
    result.reason = reason;
    write_result(start(row, column, seed), result);
    return plan_.runs.back().hash;
  }

  SweepRecord read() {
    SweepFolder(path()).write_plan(plan_);
    return read_sweep(path());
  }

 private:
  std::unique_ptr<TemporaryFolder> folder_ = std::make_unique<TemporaryFolder>();
  SweepPlan plan_;
};

}  // namespace hadal::launcher
