// What lstsq, pinv and project have in common: ranks and threads, files that hold matrices, and a
// folder of results that is whole or not there.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "core/base/clock.h"
#include "core/matrix/row_source.h"
#include "dist/world.h"
#include "launcher/arguments.h"

namespace hadal::launcher {

struct MatrixJobOptions {
  std::string out;
  int threads = 0;     // of each rank; 0: its share of the cores
  double cutoff = -1;  // relative to the largest singular value; negative: the default
};

/// --out, --cutoff, --threads.
void declare_matrix_job(Arguments& app, MatrixJobOptions& options);

class MatrixJob {
 public:
  /// `command`: as it is typed, for summary.json. Throws ConfigError when --out is there already,
  /// IoError when it could not be made.
  MatrixJob(const MatrixJobOptions& options, std::string command);

  dist::Communicator& comm() { return world_.communicator(); }
  bool is_root() { return comm().rank() == 0; }
  int threads() const { return threads_; }
  /// "2 ranks x 1 thread"
  std::string workers();

  std::unique_ptr<matrix::RowSource> open(const std::string& file);

  /// A line on standard output, from one rank.
  void say(const std::string& line);

  /// Collective: `fill` puts files into the folder that becomes --out (shared_folder.h) and returns
  /// what summary.json says; rank 0's is written.
  void write(const std::function<nlohmann::ordered_json(const std::filesystem::path&)>& fill);

  /// Waits for all ranks; ends the job.
  void finish() { world_.finish(); }

 private:
  std::filesystem::path out_;
  std::string command_;
  SystemClock clock_;
  const double started_ = clock_.now_s();
  dist::World world_;
  int threads_ = 1;
};

}  // namespace hadal::launcher
