// The matrix as the SVD sees it: T (length x width), standing upright, centred and scaled, spread
// over the ranks along its long side. Everything replicated is as long as the short side.
//
//   rows >= columns   T = (A - 1 mean^T) diag(1 / deviation)      groups of rows, as they lie
//   rows <  columns   T = ((A - 1 mean^T) diag(1 / deviation))^T  groups of columns, turned over
//
// Centring copies nothing. Standing, the mean is known only after the first read, so that works on
// T0 = (A - 1 s^T) diag(f) with s and f from a sample of groups that the shape alone decides (f:
// powers of two, exact), and its sums are put right afterwards: with d = mean of the rows of T0 and
// E = diag(1 / (deviation f)),
//
//   T = (T0 - 1 d^T) E,   T^T T = E (T0^T T0 - length d d^T) E.
//
// s keeps this free of cancellation where the mean is much larger than the deviation. Later reads
// subtract the mean as the kernels' type holds it, and what its rounding left by one-sided
// centring: Y = T' X - 1 c^T, c = X^T (mean of T'), after which T'^T Y = T^T T X since 1^T Y = 0.
// Turned over, a column of A is a row of T and is centred when it is copied.
//
// Sums over groups are sums of whole numbers (core/linalg/fixed_point.h): no bit of a result
// depends on ranks, threads, memory or files.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/linalg/dense_matrix.h"
#include "core/linalg/row_block.h"
#include "core/matrix/row_source.h"
#include "dist/communicator.h"

namespace hadal::dist {

struct TallOptions {
  bool centre = false, scale = false;
  bool turned = false;   // T = A^T
  bool float64 = false;  // the kernels' type
  bool mixed = false;    // multiply() with factors of bfloat16; everything else in float32
  int threads = 1;
  std::int64_t memory_bytes = 0;  // of this rank, for everything but the matrix in place
  /// Rows (columns) of this rank done in the read under way.
  std::function<void(std::int64_t)> on_progress{};
};

/// Of the columns of A, known after the first read; of this rank's columns only when T is turned.
struct ColumnStatistics {
  std::vector<double> mean, deviation;  // deviation: over length - 1; 0 where a column is constant
  double frobenius_squared = 0;         // of the whole T
};

struct TallCounters {
  int passes = 0;
  std::int64_t bytes_read = 0, peak_memory_bytes = 0;
  std::int64_t all_reduce_bytes = 0, all_reduce_bytes_of_a_pass = 0;  // the most in one
  double flops = 0, pass_seconds = 0, read_seconds = 0;
};

class TallMatrix {
 public:
  /// Takes rows of Y C from `first` on, in the kernels' type and without gaps.
  using Taker = std::function<void(std::int64_t first, const linalg::RowBlock& rows)>;

  struct Product {
    linalg::DenseMatrix x, z;  // z = T^T T x
  };
  struct Projection {
    linalg::DenseMatrix x;       // as the kernels had it: rounded to their type
    linalg::DenseMatrix h;       // Y^T Y, Y = T x
    linalg::DenseMatrix probes;  // as the kernels had them
    linalg::DenseMatrix z;       // T^T T probes
  };

  virtual ~TallMatrix() = default;
  TallMatrix(const TallMatrix&) = delete;
  TallMatrix& operator=(const TallMatrix&) = delete;

  std::int64_t length() const { return length_; }
  std::int64_t width() const { return width_; }
  /// This rank's rows of T.
  virtual std::int64_t first() const = 0;
  virtual std::int64_t count() const = 0;

  /// Reads of T, collective. The first of the two kinds measures the columns too, and throws
  /// NotFiniteError that names the first row and column of A that is not finite.
  ///
  /// The span of x is kept, its columns are not: rounded to the kernels' type, and put right when
  /// the scaling was not known beforehand. Columns of x no longer than 1.
  virtual Product multiply(const linalg::DenseMatrix& x) = 0;
  /// The same of a few groups of rows that the shape alone decides, mapped as their own sample
  /// says; nothing where they are no small part of the matrix. Tells at little cost what T is like.
  virtual std::optional<Product> multiply_sample(const linalg::DenseMatrix& x) = 0;
  /// T^T T.
  virtual linalg::DenseMatrix gram() = 0;
  /// Y = T x stays with its rows when `keep` and the memory suffices. REQUIRES: the columns were
  /// measured.
  ///
  /// Y is rounded to the kernels' type, H(i, i) is summed in float64, and H(i, j) is right to the
  /// kernels' precision relative to |y_i| |y_j|. Where x are near singular vectors, the columns of
  /// Y are nearly orthogonal: then no eigenvalue of H feels the errors beside its diagonal but by
  /// their squares, however small it is beside the largest (Demmel and Veselic 1992), and each
  /// column of Y C keeps digits of its own.
  virtual Projection project(const linalg::DenseMatrix& x, const linalg::DenseMatrix& probes,
                             bool keep) = 0;
  /// Hands out Y C of the last project(), the same bits whether Y was kept or must be
  /// worked out by another read. Threads call the taker at once. Not collective.
  virtual void emit(const linalg::DenseMatrix& c, const Taker& taker) = 0;

  /// (Y C)^T (Y C) of the last project(), in float64. Collective.
  virtual linalg::DenseMatrix gram_of_product(const linalg::DenseMatrix& c) = 0;

  const ColumnStatistics& statistics() const { return statistics_; }
  /// As an earlier run measured them.
  virtual void resume(const ColumnStatistics& statistics) = 0;
  virtual TallCounters counters() const = 0;

 protected:
  TallMatrix() = default;

  std::int64_t length_ = 0, width_ = 0;
  ColumnStatistics statistics_;
};

/// Collective.
std::unique_ptr<TallMatrix> make_tall_matrix(Communicator& comm, const matrix::RowSource& a,
                                             const TallOptions& options);

}  // namespace hadal::dist
