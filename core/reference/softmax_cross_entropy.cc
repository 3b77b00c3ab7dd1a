#include <algorithm>
#include <cmath>

#include "core/reference/kernels.h"
#include "core/reference/labels.h"

namespace hadal::reference {
namespace {

template <typename T>
class SoftmaxCrossEntropyKernel final : public Kernel {
 public:
  SoftmaxCrossEntropyKernel(const SoftmaxCrossEntropyOp& op, const KernelContext& context)
      : smoothing_(op.label_smoothing),
        samples_(context.in[0].shape.n()),
        classes_(context.in[0].shape.c()),
        name_(context.name) {}

  void forward(const KernelArgs& args) override {
    for (std::int64_t n = 0; n < samples_; ++n) {
      const T* x = args.in[0].as<T>() + n * classes_;
      const std::int32_t label = label_at(args.in[1], n, classes_, name_);
      const double log_normaliser = log_sum_exp(x);
      double loss = 0;
      for (std::int64_t k = 0; k < classes_; ++k) {
        const double t = target(k, label);
        if (t > 0) loss += t * (log_normaliser - x[k]);
      }
      args.out.as<T>()[n] = static_cast<T>(loss);
    }
  }

  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    for (std::int64_t n = 0; n < samples_; ++n) {
      const T* x = args.in[0].as<T>() + n * classes_;
      T* dx = args.d_in[0].as<T>() + n * classes_;
      const double d_loss = args.d_out.as<T>()[n];
      const std::int32_t label = label_at(args.in[1], n, classes_, name_);
      const double log_normaliser = log_sum_exp(x);
      for (std::int64_t k = 0; k < classes_; ++k)
        dx[k] = static_cast<T>(d_loss * (std::exp(x[k] - log_normaliser) - target(k, label)));
    }
  }

 private:
  double target(std::int64_t k, std::int32_t label) const {
    return (k == label ? 1 - smoothing_ : 0) + smoothing_ / static_cast<double>(classes_);
  }
  double log_sum_exp(const T* x) const {
    const double maximum = *std::max_element(x, x + classes_);
    double sum = 0;
    for (std::int64_t k = 0; k < classes_; ++k) sum += std::exp(x[k] - maximum);
    return maximum + std::log(sum);
  }

  double smoothing_;
  std::int64_t samples_, classes_;
  std::string name_;
};

}  // namespace

KernelPtr make_kernel(const SoftmaxCrossEntropyOp& op, const KernelContext& context) {
  return make_for_type<SoftmaxCrossEntropyKernel>(context.out.type, op, context);
}

}  // namespace hadal::reference
