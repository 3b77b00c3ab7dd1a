// Gram matrices in float64 at the rate of the machine's fused multiply-adds: what least squares
// spends its time on.
//
// Rows come in chunks of kRows, are laid out in strips of kStrip columns, and every pair of strips
// of the upper triangle is one register-blocked product over the chunk's rows:
//
//   G(i, j) += 0 + c(0, i) c(0, j) + c(1, i) c(1, j) + ...      a chain of fused multiply-adds
//
// The same bits with and without AVX-512.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace hadal::linalg {

class DoubleGram {
 public:
  static constexpr std::int64_t kRows = 128;  // a strip stays in L1 and all strips in L2
  static constexpr std::int64_t kStrip = 24;  // three AVX-512 registers
  static constexpr std::int64_t kHeight = 8;  // rows of G at a time: 24 accumulators

  /// For rows of `columns` entries; the scratch memory of one thread.
  explicit DoubleGram(std::int64_t columns);
  ~DoubleGram();
  DoubleGram(DoubleGram&&) noexcept;

  /// Doubles of a sum.
  std::size_t size() const { return static_cast<std::size_t>(stride_ * stride_); }
  /// Where G(i, j), i <= j, is in a sum.
  std::size_t index(std::int64_t i, std::int64_t j) const {
    return static_cast<std::size_t>(i * stride_ + j);
  }

  /// Columns [first_col, first_col + cols) of the next chunk of `rows` <= kRows rows: row-major,
  /// `stride` doubles from row to row.
  void load(std::int64_t rows, std::int64_t first_col, std::int64_t cols, const double* from,
            std::int64_t stride);
  /// g += C^T C for the `rows` rows loaded, upper triangle; below it g is of no meaning.
  void add(std::int64_t rows, std::span<double> g);

 private:
  std::int64_t stride_;               // columns, rounded up to strips
  std::unique_ptr<double[]> strips_;  // [strip][row][kStrip]
};

}  // namespace hadal::linalg
