#include <limits>

#include "core/cpu/channel_rows.h"
#include "core/cpu/elementwise.h"
#include "core/cpu/kernels.h"

namespace hadal::cpu {
namespace {

// The cells of a window that lie inside the image.
struct Cells {
  std::int64_t top, bottom, left, right;
  float divisor;
};

// What both kinds of pooling share: a walk over output pixels, sixteen channels at a time.
class Pool : public Kernel {
 public:
  Pool(const PoolOp& op, const KernelContext& context)
      : op_(op),
        in_(context.in[0].shape),
        out_(context.out.shape),
        x_(context.in[0]),
        y_(context.out) {}

 protected:
  Cells cells(std::int64_t p, std::int64_t q) const {
    const std::int64_t top = p * op_.stride_h - op_.padding.top;
    const std::int64_t left = q * op_.stride_w - op_.padding.left;
    const std::int64_t bottom = std::min(top + op_.window_h, in_.h() + op_.padding.bottom);
    const std::int64_t right = std::min(left + op_.window_w, in_.w() + op_.padding.right);
    Cells inside = {std::max<std::int64_t>(top, 0), std::min(bottom, in_.h()),
                    std::max<std::int64_t>(left, 0), std::min(right, in_.w()), 0.0f};
    inside.divisor = static_cast<float>(op_.count_padding ? (bottom - top) * (right - left)
                                                          : (inside.bottom - inside.top) *
                                                                (inside.right - inside.left));
    return inside;
  }

  // visit(cells, row of x, row of y, index of the group of channels, lanes).
  template <typename Visit>
  HADAL_AVX512_INLINE void for_each_output(const Visit& visit) const {
    std::int64_t group = 0;
    for (std::int64_t n = 0; n < y_.images; ++n)
      for (std::int64_t b = 0; b < y_.blocks; ++b) {
        const __mmask16 lanes = y_.lanes(b);
        std::int64_t y = y_.row(n, b);
        for (std::int64_t p = 0; p < out_.h(); ++p)
          for (std::int64_t q = 0; q < out_.w(); ++q, ++group, y += y_.pixel_stride)
            visit(cells(p, q), x_.row(n, b), y, group, lanes);
      }
  }

  std::int64_t at(std::int64_t row, std::int64_t h, std::int64_t w) const {
    return row + (h * in_.w() + w) * x_.pixel_stride;
  }

  PoolOp op_;
  Shape in_, out_;
  ChannelRows x_, y_;
};

class MaxPool final : public Pool {
 public:
  MaxPool(const PoolOp& op, const KernelContext& context)
      : Pool(op, context), saves_(context.wants_d_in[0]) {}

  // For each output the place of its maximum, h * W + w, sixteen channels together.
  std::size_t saved_bytes() const override {
    return saves_ ? y_.images * y_.blocks * y_.pixels * kBlock * sizeof(std::int32_t) : 0;
  }

  HADAL_AVX512 void forward(const KernelArgs& args) override {
    const float* in = args.in[0].as<float>();
    float* out = args.out.as<float>();
    auto* places = reinterpret_cast<std::int32_t*>(args.saved);
    for_each_output([&](const Cells& cells, std::int64_t x, std::int64_t y, std::int64_t group,
                        __mmask16 lanes) HADAL_AVX512 {
      __m512 best = load(in + at(x, cells.top, cells.left), lanes);
      __m512i place = _mm512_set1_epi32(static_cast<int>(cells.top * in_.w() + cells.left));
      for (std::int64_t h = cells.top; h < cells.bottom; ++h)
        for (std::int64_t w = cells.left; w < cells.right; ++w) {
          const __m512 value = load(in + at(x, h, w), lanes);
          const __mmask16 larger = _mm512_cmp_ps_mask(value, best, _CMP_GT_OQ);
          best = _mm512_mask_mov_ps(best, larger, value);
          place = _mm512_mask_mov_epi32(place, larger,
                                        _mm512_set1_epi32(static_cast<int>(h * in_.w() + w)));
        }
      store(out + y, lanes, best);
      if (saves_) _mm512_storeu_si512(places + group * kBlock, place);
    });
  }

  HADAL_AVX512 void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    const float* dy = args.d_out.as<float>();
    float* dx = args.d_in[0].as<float>();
    const auto* places = reinterpret_cast<const std::int32_t*>(args.saved);
    std::fill_n(dx, in_.elements(), 0.0f);
    for_each_output(
        [&](const Cells&, std::int64_t x, std::int64_t y, std::int64_t group, __mmask16 lanes) {
          for (int c = 0; lanes >> c; ++c)
            dx[x + places[group * kBlock + c] * x_.pixel_stride + c] += dy[y + c];
        });
  }

 private:
  bool saves_;
};

class AveragePool final : public Pool {
 public:
  using Pool::Pool;

  HADAL_AVX512 void forward(const KernelArgs& args) override {
    const float* in = args.in[0].as<float>();
    float* out = args.out.as<float>();
    for_each_output([&](const Cells& cells, std::int64_t x, std::int64_t y, std::int64_t,
                        __mmask16 lanes) HADAL_AVX512 {
      __m512 sum = _mm512_setzero_ps();
      for (std::int64_t h = cells.top; h < cells.bottom; ++h)
        for (std::int64_t w = cells.left; w < cells.right; ++w)
          sum = plus(sum, load(in + at(x, h, w), lanes));
      store(out + y, lanes, times(1.0f / cells.divisor, sum));
    });
  }

  HADAL_AVX512 void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    const float* dy = args.d_out.as<float>();
    float* dx = args.d_in[0].as<float>();
    std::fill_n(dx, in_.elements(), 0.0f);
    for_each_output([&](const Cells& cells, std::int64_t x, std::int64_t y, std::int64_t,
                        __mmask16 lanes) HADAL_AVX512 {
      const __m512 share = times(1.0f / cells.divisor, load(dy + y, lanes));
      for (std::int64_t h = cells.top; h < cells.bottom; ++h)
        for (std::int64_t w = cells.left; w < cells.right; ++w) {
          float* place = dx + at(x, h, w);
          store(place, lanes, plus(load(place, lanes), share));
        }
    });
  }
};

}  // namespace

KernelPtr make_pool(const PoolOp& op, const KernelContext& context) {
  if (op.kind == PoolKind::kMax) return std::make_unique<MaxPool>(op, context);
  return std::make_unique<AveragePool>(op, context);
}

}  // namespace hadal::cpu
