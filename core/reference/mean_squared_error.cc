#include "core/reference/kernels.h"

namespace hadal::reference {
namespace {

template <typename T>
class MeanSquaredErrorKernel final : public Kernel {
 public:
  MeanSquaredErrorKernel(const MeanSquaredErrorOp& op, const KernelContext& context)
      : samples_(context.in[0].shape.n()),
        elements_(context.in[0].shape.elements_per_sample()),
        weight_(op.half_sum ? 0.5 : 1.0 / static_cast<double>(elements_)) {}

  void forward(const KernelArgs& args) override {
    for (std::int64_t n = 0; n < samples_; ++n) {
      double sum = 0;
      for (std::int64_t d = 0; d < elements_; ++d)
        sum += difference(args, n, d) * difference(args, n, d);
      args.out.as<T>()[n] = static_cast<T>(weight_ * sum);
    }
  }

  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    T* dx = args.d_in[0].as<T>();
    for (std::int64_t n = 0; n < samples_; ++n)
      for (std::int64_t d = 0; d < elements_; ++d)
        dx[n * elements_ + d] =
            static_cast<T>(args.d_out.as<T>()[n] * 2 * weight_ * difference(args, n, d));
  }

 private:
  double difference(const KernelArgs& args, std::int64_t n, std::int64_t d) const {
    const std::int64_t i = n * elements_ + d;
    return static_cast<double>(args.in[0].as<T>()[i]) - args.in[1].as<T>()[i];
  }

  std::int64_t samples_, elements_;
  double weight_;
};

}  // namespace

KernelPtr make_kernel(const MeanSquaredErrorOp& op, const KernelContext& context) {
  return make_for_type<MeanSquaredErrorKernel>(context.out.type, op, context);
}

}  // namespace hadal::reference
