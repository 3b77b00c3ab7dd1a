#include "core/base/random.h"

#include <cmath>
#include <numbers>

#include <Random123/philox.h>

#include "core/base/error.h"

namespace hadal::random {

std::array<std::uint32_t, 4> block(const Stream& s, std::uint64_t i) {
  HADAL_CHECK(s.a <= 0xffffffffu && s.b <= 0xffffffffu && i < (std::uint64_t{1} << 56));
  r123::Philox4x32 philox;
  r123::Philox4x32::key_type key = {
      {static_cast<std::uint32_t>(s.seed), static_cast<std::uint32_t>(s.seed >> 32)}};
  r123::Philox4x32::ctr_type counter = {
      {static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(s.b),
       static_cast<std::uint32_t>(s.a),
       static_cast<std::uint32_t>(s.purpose) << 24 | static_cast<std::uint32_t>(i >> 32)}};
  const auto words = philox(counter, key);
  return {words[0], words[1], words[2], words[3]};
}

std::uint32_t bits(const Stream& s, std::uint64_t index) { return block(s, index / 4)[index % 4]; }

float uniform(const Stream& s, std::uint64_t index) {
  return static_cast<float>(bits(s, index) >> 8) * 0x1p-24f;
}

double uniform_open(const Stream& s, std::uint64_t index) {
  return (static_cast<double>(bits(s, index)) + 0.5) * 0x1p-32;
}

std::uint32_t below(const Stream& s, std::uint32_t n, std::uint64_t index) {
  return static_cast<std::uint32_t>((static_cast<std::uint64_t>(bits(s, index)) * n) >> 32);
}

double normal(const Stream& s, std::uint64_t index) {
  const std::uint64_t pair = index / 2 * 2;
  const double radius = std::sqrt(-2.0 * std::log(uniform_open(s, pair)));
  const double angle = 2.0 * std::numbers::pi * uniform_open(s, pair + 1);
  return radius * (index % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

}  // namespace hadal::random
