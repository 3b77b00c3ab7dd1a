#include <algorithm>

#include "core/cpu/channel_sums.h"
#include "core/cpu/kernels.h"
#include "core/cpu/layout.h"
#include "core/cpu/winograd.h"

namespace hadal::cpu {
namespace {

WinogradShape shape_of(const Conv2dOp& op, const KernelContext& context) {
  const Shape &x = context.in[0].shape, &y = context.out.shape;
  return {x.n(), x.h(), x.w(), x.c(), y.h(), y.w(), y.c(), op.padding.top, op.padding.left};
}

class WinogradConvolution final : public Kernel {
 public:
  WinogradConvolution(const Conv2dOp& op, const KernelContext& context)
      : winograd_(shape_of(op, context)), bias_(op.bias) {}

  std::size_t workspace_bytes() const override { return winograd_.workspace_bytes(); }
  bool adds_to_d_in(int /*input*/) const override { return true; }

  void forward(const KernelArgs& args) override {
    winograd_.forward(args.in[0].as<float>(), args.parameters[0].as<float>(),
                      bias_ ? args.parameters[1].as<float>() : nullptr, args.out.as<float>(),
                      args.workspace);
  }

  void backward(const KernelArgs& args) override {
    const float* dy = args.d_out.as<float>();
    if (!args.d_parameters.empty() && args.d_parameters[0]) {
      winograd_.backward_weights(args.in[0].as<float>(), dy, args.d_parameters[0].as<float>(),
                                 args.workspace);
      if (bias_) channel_sums(args.d_out, args.d_parameters[1].as<float>());
    }
    if (args.d_in[0]) {
      const bool add = !args.add_to_d_in.empty() && args.add_to_d_in[0];
      winograd_.backward_data(dy, args.parameters[0].as<float>(), add, args.d_in[0].as<float>(),
                              args.workspace);
    }
  }

 private:
  Winograd winograd_;
  bool bias_;
};

}  // namespace

bool winograd_pays(const Conv2dOp& op, const KernelContext& context) {
  const Shape &x = context.in[0].shape, &y = context.out.shape;
  const Padding& p = op.padding;
  if (op.kernel_h != 3 || op.kernel_w != 3 || op.stride_h != 1 || op.stride_w != 1 ||
      op.dilation != 1 || op.groups != 1 || std::max({p.top, p.bottom, p.left, p.right}) > 2)
    return false;
  if (!is_blocked(context.in[0]) || !is_blocked(context.out)) return false;
  // 36 products per tile against 9 per output pixel; a tile may stand half empty. Beyond 128 x 128
  // channels the transformed weights outgrow the second-level cache and must pay by many tiles.
  const std::int64_t tiles = (y.h() + 3) / 4 * ((y.w() + 3) / 4);
  const std::int64_t weights = x.c() * y.c();
  return 36 * tiles <= 5 * y.h() * y.w() &&
         (weights <= 128 * 128 || (weights <= 512 * 512 && y.n() * tiles >= 96));
}

KernelPtr make_winograd_convolution(const Conv2dOp& op, const KernelContext& context) {
  return std::make_unique<WinogradConvolution>(op, context);
}

}  // namespace hadal::cpu
