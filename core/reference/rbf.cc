#include "core/reference/kernels.h"

namespace hadal::reference {
namespace {

template <typename T>
class RbfKernel final : public Kernel {
 public:
  RbfKernel(const RbfOp& op, const KernelContext& context)
      : classes_(op.classes),
        samples_(context.in[0].shape.n()),
        elements_(context.in[0].shape.c()) {}

  void forward(const KernelArgs& args) override {
    for (std::int64_t n = 0; n < samples_; ++n)
      for (std::int64_t k = 0; k < classes_; ++k) {
        double sum = 0;
        for (std::int64_t j = 0; j < elements_; ++j) sum += square(difference(args, n, k, j));
        args.out.as<T>()[n * classes_ + k] = static_cast<T>(-sum);
      }
  }

  void backward(const KernelArgs& args) override {
    if (args.d_in[0])
      for (std::int64_t n = 0; n < samples_; ++n)
        for (std::int64_t j = 0; j < elements_; ++j) {
          double sum = 0;
          for (std::int64_t k = 0; k < classes_; ++k)
            sum -= 2 * d_out(args, n, k) * difference(args, n, k, j);
          args.d_in[0].as<T>()[n * elements_ + j] = static_cast<T>(sum);
        }
    if (!args.d_parameters.empty() && args.d_parameters[0])
      for (std::int64_t k = 0; k < classes_; ++k)
        for (std::int64_t j = 0; j < elements_; ++j) {
          double sum = 0;
          for (std::int64_t n = 0; n < samples_; ++n)
            sum += 2 * d_out(args, n, k) * difference(args, n, k, j);
          args.d_parameters[0].as<T>()[k * elements_ + j] = static_cast<T>(sum);
        }
  }

 private:
  static double square(double x) { return x * x; }
  double difference(const KernelArgs& args, std::int64_t n, std::int64_t k, std::int64_t j) const {
    return double(args.in[0].as<T>()[n * elements_ + j]) -
           args.parameters[0].as<T>()[k * elements_ + j];
  }
  double d_out(const KernelArgs& args, std::int64_t n, std::int64_t k) const {
    return args.d_out.as<T>()[n * classes_ + k];
  }

  std::int64_t classes_, samples_, elements_;
};

}  // namespace

KernelPtr make_kernel(const RbfOp& op, const KernelContext& context) {
  return make_for_type<RbfKernel>(context.out.type, op, context);
}

}  // namespace hadal::reference
