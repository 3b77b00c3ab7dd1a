// The columns of a group beside each other, in panels that the block kernels take for both sides of
// a Gram matrix.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "core/linalg/aligned_buffer.h"
#include "core/linalg/block_product.h"

namespace hadal::linalg {

template <typename Real>
class GramPanels {
 public:
  /// Columns of a panel: with 8 rows of AVX-512 beside them they fill the registers.
  static constexpr std::int64_t kWidth = 3 * kLanes<Real>;

  /// For n columns of `depth` elements; the memory is the calling thread's.
  GramPanels(std::int64_t depth, std::int64_t n, AlignedBuffer<Real>& memory)
      : depth_(depth), n_(n), panels_(memory.reserve(padded_columns() * depth)) {}

  std::int64_t columns() const { return n_; }
  /// The last panel is filled up.
  std::int64_t padded_columns() const { return (n_ + kWidth - 1) / kWidth * kWidth; }

  /// The whole panels stay where these rows lie; whether more rows lie behind.
  void leave_in_place(const Real* rows, std::int64_t stride, bool goes_on) {
    rows_ = rows;
    stride_ = stride;
    goes_on_ = goes_on;
    first_packed_ = n_ / kWidth * kWidth;
  }
  /// The first column that must be put.
  std::int64_t first_packed() const { return first_packed_; }

  /// Row i of the group: values of column first_packed() and on.
  void put_row(std::int64_t i, const Real* values) {
    for (std::int64_t k = first_packed_; k < n_; k += kWidth, values += kWidth) {
      Real* const to = panels_ + k * depth_ + i * kWidth;
      if (k + kWidth <= n_) {
        std::memcpy(to, values, kWidth * sizeof(Real));
      } else {
        std::copy_n(values, n_ - k, to);
        std::fill(to + (n_ - k), to + kWidth, Real{0});
      }
    }
  }
  /// Column k < padded_columns(): what follows the last one is zeros, whatever the values.
  void put_column(std::int64_t k, const Real* values) {
    Real* const to = panels_ + k / kWidth * kWidth * depth_ + k % kWidth;
    for (std::int64_t i = 0; i < depth_; ++i) to[i * kWidth] = k < n_ ? values[i] : Real{0};
  }

  /// Columns k .. as A and j .. as B; how many is the caller's to say.
  BlockProduct<Real> product(std::int64_t k, std::int64_t j) const {
    const Columns a = from(k), b = from(j);
    return {.depth = depth_,
            .a = a.first,
            .a_row = 1,
            .a_step = a.step,
            .b = b.first,
            .b_step = b.step,
            .ahead = k < first_packed_ && goes_on_ ? depth_ * a.step : 0};
  }

 private:
  struct Columns {
    const Real* first;
    std::int64_t step;
  };
  Columns from(std::int64_t k) const {
    if (k < first_packed_) return {rows_ + k, stride_};
    return {panels_ + k / kWidth * kWidth * depth_ + k % kWidth, kWidth};
  }

  std::int64_t depth_, n_;
  Real* panels_;
  const Real* rows_ = nullptr;
  std::int64_t stride_ = 0, first_packed_ = 0;
  bool goes_on_ = false;
};

}  // namespace hadal::linalg
