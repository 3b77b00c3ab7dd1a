#include "core/linalg/fixed_point.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::linalg {

int unit_exponent(double bound) {
  if (!std::isfinite(bound) || bound < 0)
    throw ConfigError(fmt::format(
        "fixed-point sum: a bound of {} on its terms; wanted a finite one, not negative", bound));
  return bound == 0 ? 0 : std::ilogb(bound) - 60;
}

FixedPointSum::FixedPointSum(std::int64_t size, int exponent, int limbs)
    : size_(size),
      exponent_(exponent),
      limbs_(limbs),
      words_(static_cast<std::size_t>(size * limbs + kBins)) {
  HADAL_CHECK(size >= 0 && (limbs == 1 || limbs == 2));
}

template <typename Real>
void FixedPointSum::add_terms(std::int64_t first, std::span<const Real> terms) {
  HADAL_CHECK(first >= 0 && first + static_cast<std::int64_t>(terms.size()) <= size_);
  double largest = 0;
  for (const Real term : terms) {
    const double magnitude = std::abs(static_cast<double>(term));
    if (!(magnitude <= largest) && !std::isnan(largest)) largest = magnitude;
  }
  note(largest);
  // What cannot be held as a whole number is void anyway, and must not be converted.
  if (!(std::ldexp(largest, -exponent_) < 0x1p62)) return;
  std::int64_t* const hi = words_.data() + first;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const double units = std::ldexp(static_cast<double>(terms[i]), -exponent_);
    const double whole = std::nearbyint(units);
    hi[i] += static_cast<std::int64_t>(whole);
    if (limbs_ == 2)
      hi[size_ + static_cast<std::int64_t>(i)] +=
          static_cast<std::int64_t>(std::nearbyint((units - whole) * 0x1p36));
  }
}

void FixedPointSum::add(std::int64_t first, std::span<const float> terms) {
  add_terms(first, terms);
}
void FixedPointSum::add(std::int64_t first, std::span<const double> terms) {
  add_terms(first, terms);
}

void FixedPointSum::note(double largest) {
  int bin = kBins - 1;
  if (largest == 0)
    bin = 0;
  else if (std::isfinite(largest))
    bin = std::clamp(std::ilogb(largest) - exponent_ + 1, 0, kBins - 1);
  ++words_[static_cast<std::size_t>(size_ * limbs_ + bin)];
}

void FixedPointSum::merge(const FixedPointSum& other) {
  HADAL_CHECK(size_ == other.size_ && exponent_ == other.exponent_ && limbs_ == other.limbs_);
  for (std::size_t i = 0; i < words_.size(); ++i) words_[i] += other.words_[i];
}

void FixedPointSum::clear() { std::ranges::fill(words_, 0); }

std::span<const std::int64_t> FixedPointSum::bins() const { return std::span(words_).last(kBins); }

bool FixedPointSum::overflowed() const {
  double bound = 0;  // units
  for (int b = 0; b < kBins; ++b)
    bound += static_cast<double>(bins()[static_cast<std::size_t>(b)]) * std::ldexp(1.0, b);
  return bound > 0x1p62;
}

int FixedPointSum::needed_exponent() const {
  double bound = 0;
  for (int b = 0; b < kBins; ++b)
    bound += static_cast<double>(bins()[static_cast<std::size_t>(b)]) * std::ldexp(1.0, b);
  return bound <= 0x1p58 ? exponent_ : exponent_ + std::ilogb(bound) - 57;
}

double FixedPointSum::value(std::int64_t i) const {
  HADAL_CHECK(i >= 0 && i < size_);
  double units = static_cast<double>(words_[static_cast<std::size_t>(i)]);
  if (limbs_ == 2)
    units +=
        std::ldexp(static_cast<double>(words_[static_cast<std::size_t>(size_ + i)]), -kLowBits);
  return std::ldexp(units, exponent_);
}

std::vector<double> FixedPointSum::values() const {
  std::vector<double> all(static_cast<std::size_t>(size_));
  for (std::int64_t i = 0; i < size_; ++i) all[static_cast<std::size_t>(i)] = value(i);
  return all;
}

}  // namespace hadal::linalg
