#include "core/reference/kernels.h"

namespace hadal::reference {
namespace {

template <typename T>
class LinearKernel final : public Kernel {
 public:
  LinearKernel(const LinearOp& op, const KernelContext& context)
      : op_(op),
        samples_(context.in[0].shape.n()),
        elements_(context.in[0].shape.elements_per_sample()) {}

  void forward(const KernelArgs& args) override {
    HADAL_CHECK(args.in[0].layout == Layout::kNhwc);
    const T* x = args.in[0].as<T>();
    const T* w = args.parameters[0].as<T>();
    for (std::int64_t n = 0; n < samples_; ++n)
      for (std::int64_t o = 0; o < op_.out; ++o) {
        double sum = op_.bias ? args.parameters[1].as<T>()[o] : 0;
        for (std::int64_t k = 0; k < elements_; ++k)
          sum += double(w[o * elements_ + k]) * x[n * elements_ + k];
        args.out.as<T>()[n * op_.out + o] = static_cast<T>(sum);
      }
  }

  void backward(const KernelArgs& args) override {
    const T* x = args.in[0].as<T>();
    const T* w = args.parameters[0].as<T>();
    const T* dy = args.d_out.as<T>();
    if (args.d_in[0])
      for (std::int64_t n = 0; n < samples_; ++n)
        for (std::int64_t k = 0; k < elements_; ++k) {
          double sum = 0;
          for (std::int64_t o = 0; o < op_.out; ++o)
            sum += double(dy[n * op_.out + o]) * w[o * elements_ + k];
          args.d_in[0].as<T>()[n * elements_ + k] = static_cast<T>(sum);
        }
    if (args.d_parameters.empty()) return;
    if (args.d_parameters[0])
      for (std::int64_t o = 0; o < op_.out; ++o)
        for (std::int64_t k = 0; k < elements_; ++k) {
          double sum = 0;
          for (std::int64_t n = 0; n < samples_; ++n)
            sum += double(dy[n * op_.out + o]) * x[n * elements_ + k];
          args.d_parameters[0].as<T>()[o * elements_ + k] = static_cast<T>(sum);
        }
    if (op_.bias && args.d_parameters[1])
      for (std::int64_t o = 0; o < op_.out; ++o) {
        double sum = 0;
        for (std::int64_t n = 0; n < samples_; ++n) sum += dy[n * op_.out + o];
        args.d_parameters[1].as<T>()[o] = static_cast<T>(sum);
      }
  }

 private:
  LinearOp op_;
  std::int64_t samples_, elements_;
};

}  // namespace

KernelPtr make_kernel(const LinearOp& op, const KernelContext& context) {
  return make_for_type<LinearKernel>(context.out.type, op, context);
}

}  // namespace hadal::reference
