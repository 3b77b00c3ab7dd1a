// Gram matrices in float64 at the rate of the machine's fused multiply-adds: what least squares
// spends its time on.
//
// Rows come in chunks of kRows, are laid out in strips of kStrip columns, and every pair of strips
// of the upper triangle is one block product over the chunk's rows:
//
//   G(i, j) = G(i, j) + c(0, i) c(0, j) + c(1, i) c(1, j) + ...      a chain of fused multiply-adds
//
// The same bits for every instruction set.
#pragma once

#include <cstdint>
#include <span>

#include "core/linalg/aligned_buffer.h"

namespace hadal::linalg {

class DoubleGram {
 public:
  static constexpr std::int64_t kRows = 128;  // a strip stays in L1 and all strips in L2
  static constexpr std::int64_t kStrip = 24;  // three vectors of 64 bytes

  /// For rows of `columns` entries, G zero; the memory of one thread.
  explicit DoubleGram(std::int64_t columns);

  /// Doubles of a sum: blocks of kStrip x kStrip on and above the diagonal, by columns of blocks.
  std::size_t size() const { return static_cast<std::size_t>(block(0, strips_)); }
  /// Where G(i, j), i <= j, is in a sum.
  std::size_t index(std::int64_t i, std::int64_t j) const {
    return static_cast<std::size_t>(block(i / kStrip, j / kStrip) + i % kStrip * kStrip +
                                    j % kStrip);
  }

  /// Columns [first_col, first_col + cols) of the next chunk of `rows` <= kRows rows: row-major,
  /// without gaps.
  void load(std::int64_t rows, std::int64_t first_col, std::int64_t cols, const double* from);
  /// G += C^T C for the `rows` rows loaded.
  void add(std::int64_t rows);

  /// G since clear(); below the diagonal of a block on it the values have no meaning.
  std::span<const double> sum() const { return {sum_.data(), size()}; }
  void clear();

 private:
  static std::int64_t block(std::int64_t i, std::int64_t j) {
    return (j * (j + 1) / 2 + i) * kStrip * kStrip;
  }

  std::int64_t strips_;
  AlignedBuffer<double> chunk_;  // [strip][row][kStrip]
  AlignedBuffer<double> sum_;
};

}  // namespace hadal::linalg
