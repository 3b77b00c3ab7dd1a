#include <algorithm>

#include "core/reference/kernels.h"

namespace hadal::reference {
namespace {

template <typename T>
class PadShortcutKernel final : public Kernel {
 public:
  PadShortcutKernel(const PadShortcutOp& op, const KernelContext& context)
      : op_(op), x_(context.in[0]), y_(context.out) {
    if (op.channels == ChannelPadding::kSplit) before_ = (y_.shape.c() - x_.shape.c()) / 2;
  }

  void forward(const KernelArgs& args) override {
    const T* x = args.in[0].as<T>();
    T* y = args.out.as<T>();
    std::fill_n(y, y_.shape.elements(), T(0));
    for_each_pixel([&](std::int64_t n, std::int64_t h, std::int64_t w, const Window& window) {
      for (std::int64_t c = 0; c < x_.shape.c(); ++c) {
        double sum = 0;
        for (std::int64_t row = window.top; row < window.bottom; ++row)
          for (std::int64_t column = window.left; column < window.right; ++column)
            sum += x[offset_of(x_, n, row, column, c)];
        y[offset_of(y_, n, h, w, before_ + c)] = static_cast<T>(sum / window.cells());
      }
    });
  }

  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    const T* dy = args.d_out.as<T>();
    T* dx = args.d_in[0].as<T>();
    std::fill_n(dx, x_.shape.elements(), T(0));
    for_each_pixel([&](std::int64_t n, std::int64_t h, std::int64_t w, const Window& window) {
      for (std::int64_t c = 0; c < x_.shape.c(); ++c)
        for (std::int64_t row = window.top; row < window.bottom; ++row)
          for (std::int64_t column = window.left; column < window.right; ++column)
            dx[offset_of(x_, n, row, column, c)] =
                static_cast<T>(dy[offset_of(y_, n, h, w, before_ + c)] / window.cells());
    });
  }

 private:
  struct Window {
    std::int64_t top, bottom, left, right;
    double cells() const { return static_cast<double>((bottom - top) * (right - left)); }
  };

  /// Every output pixel with the input pixels it comes from.
  template <typename F>
  void for_each_pixel(const F& f) const {
    const std::int64_t size = op_.subsampling == Subsampling::kPick ? 1 : op_.stride;
    for (std::int64_t n = 0; n < y_.shape.n(); ++n)
      for (std::int64_t h = 0; h < y_.shape.h(); ++h)
        for (std::int64_t w = 0; w < y_.shape.w(); ++w) {
          const std::int64_t top = h * op_.stride, left = w * op_.stride;
          f(n, h, w,
            Window{top, std::min(top + size, x_.shape.h()), left,
                   std::min(left + size, x_.shape.w())});
        }
  }

  PadShortcutOp op_;
  TensorView x_, y_;
  std::int64_t before_ = 0;
};

}  // namespace

KernelPtr make_kernel(const PadShortcutOp& op, const KernelContext& context) {
  return make_for_type<PadShortcutKernel>(context.out.type, op, context);
}

}  // namespace hadal::reference
