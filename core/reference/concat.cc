#include <algorithm>

#include "core/reference/kernels.h"

namespace hadal::reference {
namespace {

template <typename T>
class ConcatKernel final : public Kernel {
 public:
  explicit ConcatKernel(const KernelContext& context) : channels_(context.out.shape.c()) {
    pixels_ = context.out.shape.elements() / channels_;
    for (const TensorView& x : context.in) in_channels_.push_back(x.shape.c());
  }

  void forward(const KernelArgs& args) override {
    std::int64_t first = 0;
    for (std::size_t i = 0; i < in_channels_.size(); ++i) {
      const T* x = args.in[i] ? args.in[i].as<T>() : nullptr;
      for (std::int64_t pixel = 0; pixel < pixels_; ++pixel) {
        T* y = args.out.as<T>() + pixel * channels_ + first;
        if (x)
          std::copy_n(x + pixel * in_channels_[i], in_channels_[i], y);
        else
          std::fill_n(y, in_channels_[i], T(0));
      }
      first += in_channels_[i];
    }
  }

  void backward(const KernelArgs& args) override {
    std::int64_t first = 0;
    for (std::size_t i = 0; i < in_channels_.size(); ++i) {
      if (args.d_in[i])
        for (std::int64_t pixel = 0; pixel < pixels_; ++pixel)
          std::copy_n(args.d_out.as<T>() + pixel * channels_ + first, in_channels_[i],
                      args.d_in[i].as<T>() + pixel * in_channels_[i]);
      first += in_channels_[i];
    }
  }

 private:
  std::int64_t channels_, pixels_;
  std::vector<std::int64_t> in_channels_;
};

}  // namespace

KernelPtr make_kernel(const ConcatOp&, const KernelContext& context) {
  return make_for_type<ConcatKernel>(context.out.type, context);
}

}  // namespace hadal::reference
