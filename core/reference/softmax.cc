#include <algorithm>
#include <cmath>

#include "core/reference/kernels.h"

namespace hadal::reference {
namespace {

template <typename T>
class SoftmaxKernel final : public Kernel {
 public:
  explicit SoftmaxKernel(const KernelContext& context)
      : samples_(context.out.shape.n()), classes_(context.out.shape.c()) {}

  void forward(const KernelArgs& args) override {
    for (std::int64_t n = 0; n < samples_; ++n) {
      const T* x = args.in[0].as<T>() + n * classes_;
      T* y = args.out.as<T>() + n * classes_;
      const double maximum = *std::max_element(x, x + classes_);
      double sum = 0;
      for (std::int64_t k = 0; k < classes_; ++k) sum += std::exp(x[k] - maximum);
      for (std::int64_t k = 0; k < classes_; ++k)
        y[k] = static_cast<T>(std::exp(x[k] - maximum) / sum);
    }
  }

  /// dx_k = y_k (dy_k - sum_j dy_j y_j).
  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    for (std::int64_t n = 0; n < samples_; ++n) {
      const T* y = args.out.as<T>() + n * classes_;
      const T* dy = args.d_out.as<T>() + n * classes_;
      T* dx = args.d_in[0].as<T>() + n * classes_;
      double mean = 0;
      for (std::int64_t k = 0; k < classes_; ++k) mean += static_cast<double>(dy[k]) * y[k];
      for (std::int64_t k = 0; k < classes_; ++k) dx[k] = static_cast<T>(y[k] * (dy[k] - mean));
    }
  }

 private:
  std::int64_t samples_, classes_;
};

}  // namespace

KernelPtr make_kernel(const SoftmaxOp&, const KernelContext& context) {
  return make_for_type<SoftmaxKernel>(context.out.type, context);
}

}  // namespace hadal::reference
