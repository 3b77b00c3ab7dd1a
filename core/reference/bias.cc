#include <algorithm>

#include "core/reference/kernels.h"

namespace hadal::reference {
namespace {

template <typename T>
class BiasKernel final : public Kernel {
 public:
  explicit BiasKernel(const KernelContext& context)
      : elements_(context.out.shape.elements()), channels_(context.out.shape.c()) {}

  void forward(const KernelArgs& args) override {
    HADAL_CHECK(args.in[0].layout == Layout::kNhwc);
    const T* x = args.in[0].as<T>();
    const T* b = args.parameters[0].as<T>();
    for (std::int64_t i = 0; i < elements_; ++i) args.out.as<T>()[i] = x[i] + b[i % channels_];
  }

  void backward(const KernelArgs& args) override {
    const T* dy = args.d_out.as<T>();
    if (!args.d_parameters.empty() && args.d_parameters[0])
      for (std::int64_t c = 0; c < channels_; ++c) {
        double sum = 0;
        for (std::int64_t i = c; i < elements_; i += channels_) sum += dy[i];
        args.d_parameters[0].as<T>()[c] = static_cast<T>(sum);
      }
    if (args.d_in[0] && args.d_in[0].data != args.d_out.data)
      std::copy_n(dy, elements_, args.d_in[0].as<T>());
  }

 private:
  std::int64_t elements_, channels_;
};

}  // namespace

KernelPtr make_kernel(const BiasOp&, const KernelContext& context) {
  return make_for_type<BiasKernel>(context.out.type, context);
}

}  // namespace hadal::reference
