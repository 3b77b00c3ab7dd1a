#include "core/linalg/double_gram.h"

#include <algorithm>
#include <cstring>

#include "core/base/error.h"
#include "core/linalg/block_product.h"

namespace hadal::linalg {

DoubleGram::DoubleGram(std::int64_t columns) : strips_((columns + kStrip - 1) / kStrip) {
  static_assert(kStrip % kLanes<double> == 0);
  // Columns that fill the last strip are never loaded and stay zero.
  std::fill_n(chunk_.reserve(strips_ * kRows * kStrip), strips_ * kRows * kStrip, 0.0);
  sum_.reserve(block(0, strips_));
  clear();
}

void DoubleGram::load(std::int64_t rows, std::int64_t first_col, std::int64_t cols,
                      const double* from) {
  HADAL_CHECK(rows <= kRows && first_col + cols <= strips_ * kStrip);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t column = first_col; column < first_col + cols;) {
      const std::int64_t in_strip = column % kStrip;
      const std::int64_t some = std::min(first_col + cols - column, kStrip - in_strip);
      std::memcpy(chunk_.data() + (column / kStrip * kRows + r) * kStrip + in_strip, from,
                  static_cast<std::size_t>(some) * sizeof(double));
      from += some;
      column += some;
    }
}

void DoubleGram::add(std::int64_t rows) {
  static const BlockKernels<double>& kernels = kernels_of<double>(best_isa());
  HADAL_CHECK(rows <= kRows);
  BlockProduct<double> product{.rows = kStrip,
                               .depth = rows,
                               .a_row = 1,
                               .a_step = kStrip,
                               .b_step = kStrip,
                               .vectors = kStrip / kLanes<double>};
  double* to = sum_.data();
  for (std::int64_t j = 0; j < strips_; ++j)
    for (std::int64_t i = 0; i <= j; ++i, to += kStrip * kStrip) {
      product.a = chunk_.data() + i * kRows * kStrip;
      product.b = chunk_.data() + j * kRows * kStrip;
      kernels.multiply(product, nullptr, to);
    }
}

void DoubleGram::clear() { std::fill_n(sum_.data(), size(), 0.0); }

}  // namespace hadal::linalg
