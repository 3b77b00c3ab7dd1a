#include "launcher/decomposition/scores_file.h"

#include <type_traits>

#include "core/base/clock.h"

namespace hadal::launcher {
namespace fs = std::filesystem;

ScoresFile::ScoresFile(fs::path path, std::int64_t rows) : path_(std::move(path)), rows_(rows) {}

// Making a folder succeeds for one of those who try. The others wait for the file to be whole; if
// its maker fails, the job ends, and they with it.
void ScoresFile::open(matrix::NpyType type, int k) {
  if (fs::create_directory(claim())) {
    matrix::NpyRowWriter::create(claim() / "scores.npy", type, rows_, k);
    fs::rename(claim() / "scores.npy", path_);
  }
  SystemClock clock;
  while (!fs::exists(path_)) clock.sleep(0.002);
  writer_.emplace(path_);
}

template <typename Real>
void ScoresFile::write(std::int64_t first_row, std::int64_t rows, int k, const Real* scores) {
  std::call_once(opened_, [&] {
    open(std::is_same_v<Real, float> ? matrix::NpyType::kF32 : matrix::NpyType::kF64, k);
  });
  writer_->write(first_row, rows, scores);
}

void ScoresFile::take(std::int64_t first_row, std::int64_t rows, int k, const float* scores) {
  write(first_row, rows, k, scores);
}

void ScoresFile::take(std::int64_t first_row, std::int64_t rows, int k, const double* scores) {
  write(first_row, rows, k, scores);
}

void ScoresFile::finish(dist::Communicator& comm) {
  if (writer_) writer_->sync();
  comm.barrier();
  if (comm.rank() == 0) fs::remove(claim());
}

}  // namespace hadal::launcher
