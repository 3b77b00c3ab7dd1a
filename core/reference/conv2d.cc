// Every element of every result is one sum in double over the formula's terms.
#include <algorithm>
#include <vector>

#include "core/reference/kernels.h"
#include "core/reference/nhwc.h"

namespace hadal::reference {
namespace {

template <typename T>
class Conv2dKernel final : public Kernel {
 public:
  Conv2dKernel(const Conv2dOp& op, const KernelContext& context)
      : op_(op),
        in_(context.in[0].shape),
        out_(context.out.shape),
        channels_(in_.c() / op.groups),
        maps_(op.out / op.groups) {}

  void forward(const KernelArgs& args) override {
    const Nhwc<T> x(args.in[0]), y(args.out);
    const T* w = args.parameters[0].as<T>();
    const T* b = op_.bias ? args.parameters[1].as<T>() : nullptr;
    for (std::int64_t n = 0; n < out_.n(); ++n)
      for (std::int64_t p = 0; p < out_.h(); ++p)
        for (std::int64_t q = 0; q < out_.w(); ++q)
          for (std::int64_t o = 0; o < op_.out; ++o) {
            double sum = b ? b[o] : 0;
            for_each_tap(p, q, [&](std::int64_t h, std::int64_t v, std::int64_t tap) {
              const T* from = x.pixel(n, h, v) + first_channel(o);
              const T* weight = w + weight_at(o, tap);
              for (std::int64_t c = 0; c < channels_; ++c) sum += double(from[c]) * weight[c];
            });
            y(n, p, q, o) = static_cast<T>(sum);
          }
  }

  void backward(const KernelArgs& args) override {
    if (args.d_in[0]) backward_data(args);
    if (args.d_parameters.empty()) return;
    if (args.d_parameters[0]) backward_weight(args);
    if (op_.bias && args.d_parameters[1]) backward_bias(args);
  }

 private:
  void backward_data(const KernelArgs& args) {
    const Nhwc<T> dx(args.d_in[0]), dy(args.d_out);
    const T* w = args.parameters[0].as<T>();
    std::vector<double> sums(static_cast<std::size_t>(in_.elements_per_sample()));
    for (std::int64_t n = 0; n < out_.n(); ++n) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (std::int64_t p = 0; p < out_.h(); ++p)
        for (std::int64_t q = 0; q < out_.w(); ++q)
          for (std::int64_t o = 0; o < op_.out; ++o) {
            const double d = dy(n, p, q, o);
            for_each_tap(p, q, [&](std::int64_t h, std::int64_t v, std::int64_t tap) {
              double* sum = sums.data() + (h * in_.w() + v) * in_.c() + first_channel(o);
              const T* weight = w + weight_at(o, tap);
              for (std::int64_t c = 0; c < channels_; ++c) sum[c] += d * weight[c];
            });
          }
      std::copy(sums.begin(), sums.end(), dx.pixel(n, 0, 0));
    }
  }

  void backward_weight(const KernelArgs& args) {
    const Nhwc<T> x(args.in[0]), dy(args.d_out);
    std::vector<double> sums(static_cast<std::size_t>(args.d_parameters[0].shape.elements()), 0.0);
    for (std::int64_t n = 0; n < out_.n(); ++n)
      for (std::int64_t p = 0; p < out_.h(); ++p)
        for (std::int64_t q = 0; q < out_.w(); ++q)
          for (std::int64_t o = 0; o < op_.out; ++o) {
            const double d = dy(n, p, q, o);
            for_each_tap(p, q, [&](std::int64_t h, std::int64_t v, std::int64_t tap) {
              const T* from = x.pixel(n, h, v) + first_channel(o);
              double* sum = sums.data() + weight_at(o, tap);
              for (std::int64_t c = 0; c < channels_; ++c) sum[c] += d * from[c];
            });
          }
    std::copy(sums.begin(), sums.end(), args.d_parameters[0].as<T>());
  }

  void backward_bias(const KernelArgs& args) {
    const T* dy = args.d_out.as<T>();
    std::vector<double> sums(static_cast<std::size_t>(op_.out), 0.0);
    for (std::int64_t i = 0; i < out_.elements(); ++i)
      sums[static_cast<std::size_t>(i % op_.out)] += dy[i];
    std::copy(sums.begin(), sums.end(), args.d_parameters[1].as<T>());
  }

  /// Calls visit(h, w, tap) for the input pixels under the window at (p, q), without the padding;
  /// tap = i * kernel_w + j.
  template <typename Visit>
  void for_each_tap(std::int64_t p, std::int64_t q, const Visit& visit) const {
    for (std::int64_t i = 0; i < op_.kernel_h; ++i) {
      const std::int64_t h = p * op_.stride_h + i * op_.dilation - op_.padding.top;
      if (h < 0 || h >= in_.h()) continue;
      for (std::int64_t j = 0; j < op_.kernel_w; ++j) {
        const std::int64_t w = q * op_.stride_w + j * op_.dilation - op_.padding.left;
        if (w >= 0 && w < in_.w()) visit(h, w, i * op_.kernel_w + j);
      }
    }
  }

  std::int64_t first_channel(std::int64_t map) const { return map / maps_ * channels_; }
  std::int64_t weight_at(std::int64_t map, std::int64_t tap) const {
    return (map * op_.kernel_h * op_.kernel_w + tap) * channels_;
  }

  Conv2dOp op_;
  Shape in_, out_;
  std::int64_t channels_, maps_;  // of a group
};

}  // namespace

KernelPtr make_kernel(const Conv2dOp& op, const KernelContext& context) {
  return make_for_type<Conv2dKernel>(context.out.type, op, context);
}

}  // namespace hadal::reference
