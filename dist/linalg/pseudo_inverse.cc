#include "dist/linalg/pseudo_inverse.h"

#include "core/linalg/dense.h"

namespace hadal::dist {

void pseudo_inverse(Communicator& comm, const TallSvd& svd, const TakeColumns& take) {
  linalg::DenseMatrix scaled = svd.v();  // V S^-1
  for (std::int64_t i = 0; i < scaled.rows; ++i)
    for (std::int64_t j = 0; j < scaled.cols; ++j)
      scaled(i, j) /= svd.sigma()[static_cast<std::size_t>(j)];
  svd.fold(comm, 0,
           [&](int, std::int64_t first, const linalg::DenseMatrix& u, const double*,
               std::span<double>) { take(first, linalg::multiply_transposed_right(u, scaled)); });
}

}  // namespace hadal::dist
