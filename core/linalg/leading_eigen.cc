// Block Lanczos with full reorthogonalisation: the Krylov space of G and a few random vectors grows
// until its Ritz pairs are near enough, which the last block of the recurrence tells.
//
//   Q_j G = T_{j,j-1} Q_{j-1} + T_{j,j} Q_j + R_j^T Q_{j+1}       (blocks of rows, T_{j+1,j} = R_j)
//   |G v - theta v| = |R_j^T (last block of y)|  for T y = theta y, v = y Q
//
// An eigenvalue repeated more often than a block has rows could be passed over, each of its Ritz
// pairs being right and too few; so at last a short run on what is left beside V looks for more.
#include "core/linalg/leading_eigen.h"

#include <algorithm>
#include <cmath>

#include <cblas.h>
#include <fmt/format.h>

#include "core/base/error.h"
#include "core/linalg/gaussian.h"
#include "core/linalg/one_blas_thread.h"
#include "core/linalg/row_kernels.h"

namespace hadal::linalg {
namespace {

// Vectors are rows here: G is symmetric, so Q G has the rows that G Q^T has as columns.

constexpr std::int64_t kBlock = 16;  // rows of a block: products with G are not bound by memory
constexpr std::int64_t kWorthwhile = 12;  // n / k: below, the direct way is as fast
constexpr std::int64_t kCheckSteps = 6, kCheckBlock = 4;
constexpr std::uint64_t kSeed = 20110502;  // of the start: G decides all else

// Rows [first, first + count) of a.
DenseMatrix rows_of(const DenseMatrix& a, std::int64_t first, std::int64_t count) {
  DenseMatrix part(count, a.cols);
  std::copy_n(a.values.begin() + first * a.cols, count * a.cols, part.values.begin());
  return part;
}

// w -= (w q^T) q for the first `count` rows of q.
void project_out(const double* q, std::int64_t count, DenseMatrix& w) {
  if (count == 0) return;
  const int n = static_cast<int>(w.cols), rows = static_cast<int>(w.rows),
            many = static_cast<int>(count);
  DenseMatrix coefficients(w.rows, count);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, many, n, 1, w.values.data(), n, q, n,
              0, coefficients.values.data(), many);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, n, many, -1,
              coefficients.values.data(), many, q, n, 1, w.values.data(), n);
}

class Lanczos {
 public:
  // `beside`: orthonormal rows that the space is kept orthogonal to.
  Lanczos(const PackedMatrix<double>& g, std::int64_t block, std::int64_t most,
          const DenseMatrix& beside)
      : g_(g),
        block_(block),
        n_(g.rows()),
        beside_(beside),
        kernels_(n_),
        basis_(most + block, n_),
        t_(most, most) {
    DenseMatrix start = transpose(gaussian_matrix({kSeed}, n_, block));
    append(start);
  }

  // Steps of the recurrence done, times the rows of a block: the size of T.
  std::int64_t size() const { return size_; }

  void step() {
    const std::int64_t at = size_;  // the newest block, which joins T now
    const double* const newest = basis_.values.data() + at * n_;
    DenseMatrix w(block_, n_);
    kernels_.apply({newest, matrix::Element::kF64, block_, n_, n_}, g_, w.values.data());
    DenseMatrix overlap = multiply_transposed_right(w, rows_of(basis_, at, block_));
    for (std::int64_t i = 0; i < block_; ++i)
      for (std::int64_t j = 0; j < block_; ++j)
        t_(at + i, at + j) = (overlap(i, j) + overlap(j, i)) / 2;
    if (at > 0)
      for (std::int64_t i = 0; i < block_; ++i)
        for (std::int64_t j = 0; j < block_; ++j)
          t_(at + i, at - block_ + j) = t_(at - block_ + j, at + i) = coupling_(i, j);
    project_out(newest, block_, w);
    if (at > 0) project_out(newest - block_ * n_, block_, w);
    size_ += block_;
    append(w);
  }

  // The k leading Ritz pairs; y has the coefficients of their vectors as columns.
  SymmetricEigen ritz(std::int64_t k) const {
    DenseMatrix t(size_, size_);
    for (std::int64_t i = 0; i < size_; ++i)
      std::copy_n(t_.row(i).begin(), size_, t.row(i).begin());
    return symmetric_eigen(t, k);
  }

  // The largest residual of these pairs.
  double residual(const SymmetricEigen& ritz) const {
    DenseMatrix last(block_, ritz.vectors.cols);
    for (std::int64_t i = 0; i < block_; ++i)
      std::ranges::copy(ritz.vectors.row(size_ - block_ + i), last.row(i).begin());
    const DenseMatrix errors = multiply(coupling_, last);
    double largest = 0;
    for (std::int64_t j = 0; j < errors.cols; ++j) {
      double square = 0;
      for (std::int64_t i = 0; i < errors.rows; ++i) square += errors(i, j) * errors(i, j);
      largest = std::max(largest, std::sqrt(square));
    }
    return largest;
  }

  // v = y Q, as columns.
  DenseMatrix vectors(const SymmetricEigen& ritz) const {
    return multiply_transposed_left(rows_of(basis_, 0, size_), ritz.vectors);
  }

 private:
  // Orthonormalises w against all there is and makes it the newest block; w = coupling^T block.
  void append(DenseMatrix& w) {
    const auto clear = [&] {
      project_out(beside_.values.data(), beside_.rows, w);
      project_out(basis_.values.data(), size_, w);
    };
    clear();
    QrFactors factors = qr(transpose(w));
    coupling_ = factors.r;
    double least = coupling_(0, 0), most = 0;
    for (std::int64_t i = 0; i < block_; ++i) {
      least = std::min(std::abs(least), std::abs(coupling_(i, i)));
      most = std::max(most, std::abs(coupling_(i, i)));
    }
    scale_ = std::max(scale_, most);
    w = transpose(factors.q);
    // Where little was left, what was taken away has left its rounding errors; where nothing was,
    // the rows are any, and go on as a new start.
    if (least < 1e-2 * scale_) {
      clear();
      w = transpose(orthonormalise(transpose(w)));
    }
    std::ranges::copy(w.values, basis_.values.begin() + size_ * n_);
  }

  const PackedMatrix<double>& g_;
  std::int64_t block_, n_, size_ = 0;
  const DenseMatrix& beside_;
  RowKernels<double> kernels_;
  DenseMatrix basis_;     // (size + block) x n: size rows in T, and the newest block
  DenseMatrix t_;         // size x size
  DenseMatrix coupling_;  // R of the newest block
  double scale_ = 0;
};

// Whether something larger than `least` is left beside the columns of v: then Ritz values say so.
bool more_beside(const PackedMatrix<double>& g, const DenseMatrix& v, double least) {
  const std::int64_t most =
      std::min(kCheckSteps * kCheckBlock, (g.rows() - v.cols) / kCheckBlock * kCheckBlock);
  if (most < kCheckBlock) return false;
  const DenseMatrix beside = transpose(v);
  Lanczos rest(g, kCheckBlock, most, beside);
  while (rest.size() < most) rest.step();
  return rest.ritz(1).values[0] > least;
}

}  // namespace

SymmetricEigen leading_eigen(const DenseMatrix& g, std::int64_t k,
                             const LeadingEigenOptions& options) {
  if (g.rows != g.cols || k < 0 || k > g.rows)
    throw ShapeError(
        fmt::format("leading eigenvalues: {} wanted of a {}x{} matrix", k, g.rows, g.cols));
  if (k == 0 || g.rows < kWorthwhile * std::max(k, kBlock)) return symmetric_eigen(g, k);
  const OneBlasThread one;
  const PackedMatrix<double> packed(g);
  const DenseMatrix nothing;
  const std::int64_t most = g.rows / 2 / kBlock * kBlock;
  Lanczos lanczos(packed, kBlock, most, nothing);
  struct {
    std::int64_t size = 0;
    double residual = 0;
  } before;
  for (std::int64_t check = 2 * k; check <= most;) {
    while (lanczos.size() < check && lanczos.size() + kBlock <= most) lanczos.step();
    if (lanczos.size() < check) break;
    const SymmetricEigen ritz = lanczos.ritz(k);
    const double wanted = options.tolerance * ritz.values[0], found = lanczos.residual(ritz);
    if (found <= wanted) {
      SymmetricEigen eigen{ritz.values, lanczos.vectors(ritz)};
      if (more_beside(packed, eigen.vectors, ritz.values.back() + 1e-9 * ritz.values[0])) break;
      return eigen;
    }
    // Residuals fall geometrically, and faster towards the end.
    check = lanczos.size() * 5 / 4;
    if (found < before.residual)
      check = lanczos.size() + static_cast<std::int64_t>(
                                   0.9 * static_cast<double>(lanczos.size() - before.size) *
                                   std::log(found / wanted) / std::log(before.residual / found));
    check = std::clamp(check, lanczos.size() + kBlock, lanczos.size() * 3 / 2);
    before = {lanczos.size(), found};
  }
  return symmetric_eigen(g, k);
}

}  // namespace hadal::linalg
