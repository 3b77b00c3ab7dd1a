#include "core/cuda/convolution_form.h"

#include <fmt/format.h>

namespace hadal::cuda {

std::string ConvolutionForm::to_string() const {
  return fmt::format("x{}x{}x{}x{} w{}x{}x{}x{} y{}x{} stride{}x{} dilation{} padding{},{},{},{}",
                     n, h, w, c, out, kernel_h, kernel_w, group_channels(), out_h, out_w, stride_h,
                     stride_w, dilation, top, bottom, left, right);
}

ConvolutionForm form_of(const Conv2dOp& op, const KernelContext& context) {
  const Shape &in = context.in[0].shape, &out = context.out.shape;
  ConvolutionForm form;
  form.n = in.n(), form.h = in.h(), form.w = in.w(), form.c = in.c();
  form.out_h = out.h(), form.out_w = out.w(), form.out = op.out;
  form.kernel_h = op.kernel_h, form.kernel_w = op.kernel_w;
  form.stride_h = op.stride_h, form.stride_w = op.stride_w;
  form.dilation = op.dilation, form.groups = op.groups;
  form.top = op.padding.top, form.bottom = op.padding.bottom;
  form.left = op.padding.left, form.right = op.padding.right;
  form.bias = op.bias;
  return form;
}

}  // namespace hadal::cuda
