#include "core/cpu/layout.h"

#include <cstring>

namespace hadal::cpu {
namespace {

bool orders_agree(const Shape& s) {
  return s.rank() < 4 || s.c() == kBlock || (s.h() == 1 && s.w() == 1);
}

}  // namespace

bool is_blocked(const TensorView& view) {
  if (view.layout == Layout::kNChw16c) return true;
  return view.shape.rank() == 4 && view.shape.c() % kBlock == 0 && orders_agree(view.shape);
}

bool is_nhwc(const TensorView& view) {
  return view.layout == Layout::kNhwc || orders_agree(view.shape);
}

void reorder(const TensorView& from, const TensorView& to) {
  HADAL_CHECK(from.shape == to.shape && from.type == to.type);
  if ((is_nhwc(from) && is_nhwc(to)) || (is_blocked(from) && is_blocked(to))) {
    std::memcpy(to.data, from.data, from.bytes());
    return;
  }
  const Shape& s = from.shape;
  const std::int64_t pixels = s.h() * s.w(), blocks = s.c() / kBlock;
  const float* x = from.as<float>();
  float* y = to.as<float>();
  const bool to_blocks = is_nhwc(from);
  for (std::int64_t n = 0; n < s.n(); ++n)
    for (std::int64_t p = 0; p < pixels; ++p)
      for (std::int64_t b = 0; b < blocks; ++b) {
        const std::int64_t in_nhwc = ((n * pixels + p) * blocks + b) * kBlock;
        const std::int64_t in_blocks = ((n * blocks + b) * pixels + p) * kBlock;
        std::memcpy(y + (to_blocks ? in_blocks : in_nhwc), x + (to_blocks ? in_nhwc : in_blocks),
                    kBlock * sizeof(float));
      }
}

}  // namespace hadal::cpu
