#include <cmath>

#include "core/reference/kernels.h"

namespace hadal::reference {
namespace {

// LeCun et al. 1998, appendix A: f(x) = kTanhScale tanh(kTanhSlope x).
constexpr double kTanhScale = 1.7159;
constexpr double kTanhSlope = 2.0 / 3.0;

double value(const ActivationOp& op, double x) {
  switch (op.kind) {
    case Activation::kRelu:
      return x > 0 ? x : 0;
    case Activation::kLeakyRelu:
      return x > 0 ? x : op.alpha * x;
    case Activation::kElu:
      return x > 0 ? x : op.alpha * std::expm1(x);
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kScaledTanh:
      return kTanhScale * std::tanh(kTanhSlope * x);
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
  }
  return 0;
}

/// dy/dx as a function of y.
double derivative(const ActivationOp& op, double y) {
  switch (op.kind) {
    case Activation::kRelu:
      return y > 0 ? 1 : 0;
    case Activation::kLeakyRelu:
      return y > 0 ? 1 : op.alpha;
    case Activation::kElu:
      return y > 0 ? 1 : y + op.alpha;
    case Activation::kTanh:
      return 1 - y * y;
    case Activation::kScaledTanh:
      return kTanhScale * kTanhSlope * (1 - (y / kTanhScale) * (y / kTanhScale));
    case Activation::kSigmoid:
      return y * (1 - y);
  }
  return 0;
}

template <typename T>
class ActivationKernel final : public Kernel {
 public:
  ActivationKernel(const ActivationOp& op, const KernelContext& context)
      : op_(op), elements_(context.out.shape.elements()) {}

  void forward(const KernelArgs& args) override {
    const T* x = args.in[0].as<T>();
    T* y = args.out.as<T>();
    for (std::int64_t i = 0; i < elements_; ++i) y[i] = static_cast<T>(value(op_, x[i]));
  }

  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    const T* dy = args.d_out.as<T>();
    T* dx = args.d_in[0].as<T>();
    if (op_.relu_rule == ReluRule::kDeconvnet) {
      for (std::int64_t i = 0; i < elements_; ++i) dx[i] = dy[i] > 0 ? dy[i] : 0;
      return;
    }
    const bool guided = op_.relu_rule == ReluRule::kGuided;
    const T* y = args.out.as<T>();
    for (std::int64_t i = 0; i < elements_; ++i)
      dx[i] = guided && !(dy[i] > 0) ? 0 : static_cast<T>(dy[i] * derivative(op_, y[i]));
  }

 private:
  ActivationOp op_;
  std::int64_t elements_;
};

}  // namespace

KernelPtr make_kernel(const ActivationOp& op, const KernelContext& context) {
  return make_for_type<ActivationKernel>(context.out.type, op, context);
}

}  // namespace hadal::reference
