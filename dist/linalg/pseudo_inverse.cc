#include "dist/linalg/pseudo_inverse.h"

#include "core/linalg/dense.h"
#include "core/linalg/row_kernels.h"

namespace hadal::dist {

using linalg::DenseMatrix;

void pseudo_inverse(Communicator& comm, const TallSvd& svd, const TakeColumns& take) {
  DenseMatrix scaled = svd.v();  // V S^-1
  for (std::int64_t i = 0; i < scaled.rows; ++i)
    for (std::int64_t j = 0; j < scaled.cols; ++j)
      scaled(i, j) /= svd.sigma()[static_cast<std::size_t>(j)];
  // The transpose of A^+ is U S^-1 V^T = Y (T S^-1 V^T).
  const linalg::PackedMatrix<double> right(linalg::multiply_transposed_right(svd.t(), scaled));
  std::vector<linalg::RowKernels<double>> kernels;
  kernels.reserve(static_cast<std::size_t>(svd.threads()));
  for (int t = 0; t < svd.threads(); ++t) kernels.emplace_back(svd.rank());
  svd.fold(
      comm, 0,
      [&](int thread, std::int64_t first, const DenseMatrix& y, const double*, std::span<double>) {
        DenseMatrix columns(y.rows, svd.cols());
        kernels[static_cast<std::size_t>(thread)].apply({.data = y.values.data(),
                                                         .element = matrix::Element::kF64,
                                                         .rows = y.rows,
                                                         .cols = y.cols,
                                                         .stride = y.cols},
                                                        right, columns.values.data());
        take(first, columns);
      });
}

}  // namespace hadal::dist
