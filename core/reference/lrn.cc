// With s[c] = k + alpha * sum over the window of c of x^2:
//   dx[c] = dy[c] s[c]^-beta - 2 alpha beta x[c] * sum over the window of c of dy[c'] x[c']
//   s[c']^(-beta-1)
#include <algorithm>
#include <cmath>

#include "core/reference/kernels.h"

namespace hadal::reference {
namespace {

template <typename T>
class LrnKernel final : public Kernel {
 public:
  LrnKernel(const LrnOp& op, const KernelContext& context)
      : op_(op),
        channels_(context.out.shape.c()),
        pixels_(context.out.shape.elements() / channels_) {}

  void forward(const KernelArgs& args) override {
    HADAL_CHECK(args.in[0].layout == Layout::kNhwc);
    for (std::int64_t pixel = 0; pixel < pixels_; ++pixel) {
      const T* x = args.in[0].as<T>() + pixel * channels_;
      T* y = args.out.as<T>() + pixel * channels_;
      for (std::int64_t c = 0; c < channels_; ++c)
        y[c] = static_cast<T>(x[c] * std::pow(scale(x, c), -op_.beta));
    }
  }

  void backward(const KernelArgs& args) override {
    for (std::int64_t pixel = 0; pixel < pixels_; ++pixel) {
      const T* x = args.in[0].as<T>() + pixel * channels_;
      const T* dy = args.d_out.as<T>() + pixel * channels_;
      T* dx = args.d_in[0].as<T>() + pixel * channels_;
      for (std::int64_t c = 0; c < channels_; ++c) {
        const double through_scales = sum_over_window(
            c, [&](std::int64_t i) { return dy[i] * x[i] * std::pow(scale(x, i), -op_.beta - 1); });
        dx[c] = static_cast<T>(dy[c] * std::pow(scale(x, c), -op_.beta) -
                               2 * op_.alpha * op_.beta * x[c] * through_scales);
      }
    }
  }

 private:
  double scale(const T* x, std::int64_t c) const {
    return op_.k + op_.alpha * sum_over_window(
                                   c, [&](std::int64_t i) { return double(x[i]) * double(x[i]); });
  }

  template <typename Term>
  double sum_over_window(std::int64_t c, const Term& term) const {
    const std::int64_t half = op_.size / 2;
    double sum = 0;
    for (std::int64_t i = std::max<std::int64_t>(c - half, 0);
         i <= std::min(c + half, channels_ - 1); ++i)
      sum += term(i);
    return sum;
  }

  LrnOp op_;
  std::int64_t channels_, pixels_;
};

}  // namespace

KernelPtr make_kernel(const LrnOp& op, const KernelContext& context) {
  return make_for_type<LrnKernel>(context.out.type, op, context);
}

}  // namespace hadal::reference
