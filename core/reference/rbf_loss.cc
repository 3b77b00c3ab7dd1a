#include <algorithm>
#include <cmath>

#include "core/reference/kernels.h"
#include "core/reference/labels.h"

namespace hadal::reference {
namespace {

template <typename T>
class RbfLossKernel final : public Kernel {
 public:
  RbfLossKernel(const RbfLossOp& op, const KernelContext& context)
      : op_(op),
        samples_(context.in[0].shape.n()),
        classes_(context.in[0].shape.c()),
        name_(context.name) {}

  void forward(const KernelArgs& args) override {
    for (std::int64_t n = 0; n < samples_; ++n) {
      const T* s = args.in[0].as<T>() + n * classes_;
      const double loss = -double(s[label_at(args.in[1], n, classes_, name_)]) +
                          (op_.discriminative ? log_normaliser(s) : 0);
      args.out.as<T>()[n] = static_cast<T>(loss);
    }
  }

  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    for (std::int64_t n = 0; n < samples_; ++n) {
      const T* s = args.in[0].as<T>() + n * classes_;
      const double d_loss = args.d_out.as<T>()[n];
      const std::int32_t label = label_at(args.in[1], n, classes_, name_);
      for (std::int64_t k = 0; k < classes_; ++k) {
        const double pull = k == label ? 1 : 0;
        const double push = op_.discriminative ? std::exp(s[k] - log_normaliser(s)) : 0;
        args.d_in[0].as<T>()[n * classes_ + k] = static_cast<T>(d_loss * (push - pull));
      }
    }
  }

 private:
  /// log(exp(-margin) + sum_k exp(s[k])), the largest exponent taken out first.
  double log_normaliser(const T* s) const {
    const double largest =
        std::max(-op_.margin, static_cast<double>(*std::max_element(s, s + classes_)));
    double sum = std::exp(-op_.margin - largest);
    for (std::int64_t k = 0; k < classes_; ++k) sum += std::exp(s[k] - largest);
    return largest + std::log(sum);
  }

  RbfLossOp op_;
  std::int64_t samples_, classes_;
  std::string name_;
};

}  // namespace

KernelPtr make_kernel(const RbfLossOp& op, const KernelContext& context) {
  return make_for_type<RbfLossKernel>(context.out.type, op, context);
}

}  // namespace hadal::reference
