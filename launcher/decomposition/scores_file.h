// Where the scores go while a decomposition hands them out: one .npy file that all ranks write.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>

#include "core/matrix/npy_writer.h"
#include "dist/linalg/svd.h"

namespace hadal::launcher {

/// How many components there are is known only when the first rows come; whoever has them first, on
/// whichever rank, makes the file.
class ScoresFile final : public dist::ScoreSink {
 public:
  /// `path` is in a folder that is there and empty, the same for all ranks. `rows`: of the whole
  /// matrix.
  ScoresFile(std::filesystem::path path, std::int64_t rows);

  void take(std::int64_t first_row, std::int64_t rows, int k, const float* scores) override;
  void take(std::int64_t first_row, std::int64_t rows, int k, const double* scores) override;

  /// Collective: the file is on the disk.
  void finish(dist::Communicator& comm);

 private:
  std::filesystem::path claim() const { return path_.string() + ".claim"; }
  void open(matrix::NpyType type, int k);
  template <typename Real>
  void write(std::int64_t first_row, std::int64_t rows, int k, const Real* scores);

  std::filesystem::path path_;
  std::int64_t rows_;
  std::once_flag opened_;
  std::optional<matrix::NpyRowWriter> writer_;
};

}  // namespace hadal::launcher
