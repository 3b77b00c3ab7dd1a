#include <algorithm>
#include <vector>

#include "core/reference/kernels.h"

namespace hadal::reference {
namespace {

template <typename T>
class GatherChannelsKernel final : public Kernel {
 public:
  GatherChannelsKernel(const GatherChannelsOp& op, const KernelContext& context)
      : from_(op.channels),
        in_channels_(context.in[0].shape.c()),
        pixels_(context.in[0].shape.elements() / in_channels_) {}

  void forward(const KernelArgs& args) override {
    HADAL_CHECK(args.in[0].layout == Layout::kNhwc);
    T* y = args.out.as<T>();
    for (std::int64_t pixel = 0; pixel < pixels_; ++pixel)
      for (const int c : from_) *y++ = args.in[0].as<T>()[pixel * in_channels_ + c];
  }

  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    const T* dy = args.d_out.as<T>();
    std::vector<double> sums(static_cast<std::size_t>(in_channels_));
    for (std::int64_t pixel = 0; pixel < pixels_; ++pixel) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (const int c : from_) sums[static_cast<std::size_t>(c)] += *dy++;
      std::copy(sums.begin(), sums.end(), args.d_in[0].as<T>() + pixel * in_channels_);
    }
  }

 private:
  std::vector<int> from_;
  std::int64_t in_channels_, pixels_;
};

}  // namespace

KernelPtr make_kernel(const GatherChannelsOp& op, const KernelContext& context) {
  return make_for_type<GatherChannelsKernel>(context.out.type, op, context);
}

}  // namespace hadal::reference
