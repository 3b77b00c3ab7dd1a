#include "launcher/decomposition/left_vectors.h"

#include "core/matrix/npy.h"
#include "core/matrix/npy_writer.h"
#include "launcher/decomposition/row_share.h"

namespace hadal::launcher {
namespace {

constexpr std::int64_t kBlock = 4096;  // rows

template <typename Real>
void divide(const RowShare& share, const matrix::RowSource& scores,
            const std::vector<double>& sigma, matrix::NpyRowWriter& u) {
  std::vector<Real> block(static_cast<std::size_t>(kBlock * scores.cols()));
  for_blocks(share, kBlock, [&](std::int64_t first, std::int64_t rows) {
    scores.read(first, rows, 0, scores.cols(), reinterpret_cast<std::byte*>(block.data()));
    for (std::int64_t i = 0; i < rows * scores.cols(); ++i) {
      const double s = sigma[static_cast<std::size_t>(i % scores.cols())];
      Real& value = block[static_cast<std::size_t>(i)];
      value = s > 0 ? static_cast<Real>(value / s) : Real{0};
    }
    u.write(first, rows, block.data());
  });
}

}  // namespace

void write_left_vectors(dist::Communicator& comm, const std::filesystem::path& folder,
                        const std::vector<double>& sigma) {
  const auto scores = matrix::open_npy(folder / "scores.npy");
  const bool doubles = scores->element() == matrix::Element::kF64;
  if (comm.rank() == 0)
    matrix::NpyRowWriter::create(folder / "u.npy",
                                 doubles ? matrix::NpyType::kF64 : matrix::NpyType::kF32,
                                 scores->rows(), scores->cols());
  comm.barrier();
  matrix::NpyRowWriter u(folder / "u.npy");
  const RowShare share = rows_of(comm, scores->rows());
  if (doubles)
    divide<double>(share, *scores, sigma, u);
  else
    divide<float>(share, *scores, sigma, u);
  u.sync();
}

}  // namespace hadal::launcher
