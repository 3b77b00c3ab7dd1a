// Shortcut A for values in nChw16c, where added channels are whole blocks.
#include <cstring>

#include "core/cpu/elementwise.h"
#include "core/cpu/kernels.h"
#include "core/cpu/layout.h"

namespace hadal::cpu {
namespace {

std::int64_t channels_before(const PadShortcutOp& op, std::int64_t in) {
  return op.channels == ChannelPadding::kSplit ? (op.out - in) / 2 : 0;
}

class PadShortcut final : public Kernel {
 public:
  PadShortcut(const PadShortcutOp& op, const KernelContext& context)
      : stride_(op.stride),
        size_(op.subsampling == Subsampling::kPick ? 1 : op.stride),
        x_(context.in[0].shape),
        y_(context.out.shape),
        before_(channels_before(op, x_.c()) / kBlock) {}

  bool adds_to_d_in(int /*input*/) const override { return true; }

  HADAL_AVX512 void forward(const KernelArgs& args) override {
    const float* x = args.in[0].as<float>();
    float* y = args.out.as<float>();
    const std::int64_t x_block = x_.h() * x_.w() * kBlock, y_block = y_.h() * y_.w() * kBlock;
    const std::int64_t x_blocks = x_.c() / kBlock, y_blocks = y_.c() / kBlock;
    for (std::int64_t n = 0; n < y_.n(); ++n)
      for (std::int64_t b = 0; b < y_blocks; ++b) {
        float* to = y + (n * y_blocks + b) * y_block;
        const std::int64_t from = b - before_;
        if (from < 0 || from >= x_blocks)
          std::memset(to, 0, y_block * sizeof(float));
        else
          subsample(x + (n * x_blocks + from) * x_block, to);
      }
  }

  HADAL_AVX512 void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    const float* dy = args.d_out.as<float>();
    float* dx = args.d_in[0].as<float>();
    const std::int64_t x_block = x_.h() * x_.w() * kBlock, y_block = y_.h() * y_.w() * kBlock;
    const std::int64_t x_blocks = x_.c() / kBlock, y_blocks = y_.c() / kBlock;
    if (!adds(args, 0)) std::memset(dx, 0, args.d_in[0].bytes());
    for (std::int64_t n = 0; n < x_.n(); ++n)
      for (std::int64_t b = 0; b < x_blocks; ++b)
        spread(dy + (n * y_blocks + before_ + b) * y_block, dx + (n * x_blocks + b) * x_block);
  }

 private:
  // The input pixels behind output pixel (h, w).
  struct Window {
    std::int64_t top, bottom, left, right;
    float share() const { return 1.0f / static_cast<float>((bottom - top) * (right - left)); }
  };
  Window window(std::int64_t h, std::int64_t w) const {
    const std::int64_t top = h * stride_, left = w * stride_;
    return {top, std::min(top + size_, x_.h()), left, std::min(left + size_, x_.w())};
  }

  HADAL_AVX512 void subsample(const float* x, float* y) const {
    for (std::int64_t h = 0; h < y_.h(); ++h)
      for (std::int64_t w = 0; w < y_.w(); ++w, y += kBlock) {
        const Window cells = window(h, w);
        __m512 sum = _mm512_setzero_ps();
        for (std::int64_t r = cells.top; r < cells.bottom; ++r)
          for (std::int64_t c = cells.left; c < cells.right; ++c)
            sum = plus(sum, load(x + (r * x_.w() + c) * kBlock));
        store(y, times(cells.share(), sum));
      }
  }

  HADAL_AVX512 void spread(const float* dy, float* dx) const {
    for (std::int64_t h = 0; h < y_.h(); ++h)
      for (std::int64_t w = 0; w < y_.w(); ++w, dy += kBlock) {
        const Window cells = window(h, w);
        const __m512 share = times(cells.share(), load(dy));
        for (std::int64_t r = cells.top; r < cells.bottom; ++r)
          for (std::int64_t c = cells.left; c < cells.right; ++c) {
            float* at = dx + (r * x_.w() + c) * kBlock;
            store(at, plus(load(at), share));
          }
      }
  }

  std::int64_t stride_, size_;
  Shape x_, y_;
  std::int64_t before_;
};

}  // namespace

bool pads_whole_blocks(const PadShortcutOp& op, const KernelContext& context) {
  return is_blocked(context.in[0]) && is_blocked(context.out) &&
         channels_before(op, context.in[0].shape.c()) % kBlock == 0;
}

KernelPtr make_pad_shortcut(const PadShortcutOp& op, const KernelContext& context) {
  return std::make_unique<PadShortcut>(op, context);
}

}  // namespace hadal::cpu
