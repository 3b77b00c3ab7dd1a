// The words of a fixed-point sum as the loops of one instruction set see them.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "core/linalg/block_product.h"

namespace hadal::linalg {

// Words of one row of a sum, seen from lane 0 of a panel; lanes [first, last) are in it.
struct WordRow {
  std::int64_t* high;
  std::int64_t* low;  // null when there is one limb
  double per_unit;    // 2^-exponent
  std::int64_t first, last;
};

class Destination {
 public:
  explicit Destination(const SumBlock& to)
      : to_(to),
        words_(to.sum->words().data()),
        low_(to.sum->limbs() == 2 ? to.sum->size() : 0),
        per_unit_(std::ldexp(1.0, -to.sum->exponent())),
        small_(low_ != 0 ? -1 : bits_below(to.sum->exponent() + 51)) {}

  WordRow row(std::int64_t row) const {
    const std::int64_t i = to_.first_row + row;
    std::int64_t* const words =
        words_ + (to_.triangle ? packed_index(to_.cols, i, 0) : i * to_.cols) + to_.first_col;
    return {words, low_ != 0 ? words + low_ : nullptr, per_unit_,
            to_.triangle ? i - to_.first_col : 0, to_.cols - to_.first_col};
  }

  // The bits of the largest float below 2^51 units; with two limbs no float is small.
  std::int32_t small() const { return small_; }

 private:
  static std::int32_t bits_below(int exponent) {
    return std::bit_cast<std::int32_t>(std::ldexp(1.0F, std::clamp(exponent, -149, 127))) - 1;
  }

  SumBlock to_;
  std::int64_t* words_;
  std::int64_t low_;
  double per_unit_;
  std::int32_t small_;
};

// The largest magnitudes met in each lane, as bits: those of NaN are larger than any number's, so
// it is not lost, and the largest has no order.
template <typename Real>
struct Peak {
  using Word = std::conditional_t<sizeof(Real) == 4, std::uint32_t, std::uint64_t>;
  static constexpr Word kMagnitude = static_cast<Word>(~Word{0}) >> 1;

  alignas(64) Word lanes[kLanes<Real>] = {};

  void meet(int lane, Real value) {
    const Word bits = std::bit_cast<Word>(value) & kMagnitude;
    if (bits > lanes[lane]) lanes[lane] = bits;
  }
  double largest() const {
    Word most = 0;
    for (const Word bits : lanes)
      if (bits > most) most = bits;
    return static_cast<double>(std::bit_cast<Real>(most));
  }
};

// The largest of some magnitudes; NaN once one of them is.
struct Magnitude {
  double value = 0;
  void meet(double other) {
    if (!(other <= value) && !std::isnan(value)) value = other;
  }
};

// What add_units means, a lane at a time.
inline void add_units(const WordRow& words, std::int64_t at, double value) {
  const double units = value * words.per_unit, whole = std::nearbyint(units);
  if (!(std::abs(whole) < 0x1p62)) return;  // void: the peak says so
  const auto add = [at](std::int64_t* to, double number) {
    to[at] =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(to[at]) +
                                  static_cast<std::uint64_t>(static_cast<std::int64_t>(number)));
  };
  add(words.high, whole);
  if (words.low != nullptr) add(words.low, std::nearbyint((units - whole) * 0x1p36));
}

}  // namespace hadal::linalg
