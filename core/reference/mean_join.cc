#include <algorithm>
#include <cstring>

#include "core/reference/kernels.h"

namespace hadal::reference {
namespace {

/// How many inputs were present is kept from forward to backward: there a null d_in may also mean
/// that nobody wants it.
template <typename T>
class MeanJoinKernel final : public Kernel {
 public:
  explicit MeanJoinKernel(const KernelContext& context)
      : elements_(context.out.shape.elements()),
        has_backward_(std::ranges::find(context.wants_d_in, true) != context.wants_d_in.end()) {}

  std::size_t saved_bytes() const override { return has_backward_ ? sizeof(std::int64_t) : 0; }

  void forward(const KernelArgs& args) override {
    std::int64_t present = 0;
    for (const TensorView& x : args.in) present += x.data != nullptr;
    HADAL_CHECK(present > 0);
    T* y = args.out.as<T>();
    for (std::int64_t i = 0; i < elements_; ++i) {
      double sum = 0;
      for (const TensorView& x : args.in)
        if (x) sum += static_cast<const T*>(x.data)[i];
      y[i] = static_cast<T>(sum / static_cast<double>(present));
    }
    if (has_backward_) std::memcpy(args.saved, &present, sizeof(present));
  }

  void backward(const KernelArgs& args) override {
    std::int64_t present = 0;
    std::memcpy(&present, args.saved, sizeof(present));
    const T* dy = args.d_out.as<T>();
    // Input 0 last: d_in[0] may be the memory of d_out.
    for (std::size_t input = args.d_in.size(); input-- > 0;) {
      if (!args.d_in[input]) continue;
      T* dx = args.d_in[input].as<T>();
      for (std::int64_t i = 0; i < elements_; ++i)
        dx[i] = static_cast<T>(dy[i] / static_cast<double>(present));
    }
  }

 private:
  std::int64_t elements_;
  bool has_backward_;
};

}  // namespace

KernelPtr make_kernel(const MeanJoinOp&, const KernelContext& context) {
  return make_for_type<MeanJoinKernel>(context.out.type, context);
}

}  // namespace hadal::reference
