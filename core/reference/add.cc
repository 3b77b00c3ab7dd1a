#include "core/reference/kernels.h"

namespace hadal::reference {
namespace {

template <typename T>
class AddKernel final : public Kernel {
 public:
  AddKernel(const AddOp& op, const KernelContext& context)
      : scale_(op.scale), elements_(context.out.shape.elements()) {}

  void forward(const KernelArgs& args) override {
    const T* shortcut = args.in[0] ? args.in[0].as<T>() : nullptr;
    const T* branch = args.in[1] ? args.in[1].as<T>() : nullptr;
    T* y = args.out.as<T>();
    for (std::int64_t i = 0; i < elements_; ++i) {
      const double a = shortcut ? shortcut[i] : 0;
      const double b = branch ? branch[i] : 0;
      y[i] = static_cast<T>(a + scale_ * b);
    }
  }

  void backward(const KernelArgs& args) override {
    const T* dy = args.d_out.as<T>();
    // The branch first: d_in[0] may be the memory of d_out.
    if (args.d_in[1]) {
      T* d_branch = args.d_in[1].as<T>();
      for (std::int64_t i = 0; i < elements_; ++i) d_branch[i] = static_cast<T>(scale_ * dy[i]);
    }
    if (args.d_in[0]) {
      T* d_shortcut = args.d_in[0].as<T>();
      for (std::int64_t i = 0; i < elements_; ++i) d_shortcut[i] = dy[i];
    }
  }

 private:
  double scale_;
  std::int64_t elements_;
};

}  // namespace

KernelPtr make_kernel(const AddOp& op, const KernelContext& context) {
  return make_for_type<AddKernel>(context.out.type, op, context);
}

}  // namespace hadal::reference
