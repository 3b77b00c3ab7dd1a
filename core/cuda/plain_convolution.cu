// Convolutions by their definition: one thread for an element of the result, which it sums in
// double in the order of the reference. Slow; for the few forms that cuDNN has no deterministic
// engine for, and the judge of the others on a device.
#include "core/cuda/channel_sums.cuh"
#include "core/cuda/convolution_form.h"
#include "core/cuda/kernels.h"

namespace hadal::cuda {
namespace {

class PlainConvolution final : public Kernel {
 public:
  PlainConvolution(const ConvolutionForm& form, const Queue& queue) : form_(form), queue_(queue) {}

  std::size_t workspace_bytes() const override {
    return form_.bias ? bias_sums_workspace(form_.n * form_.out_h * form_.out_w, form_.out) : 0;
  }

  void forward(const KernelArgs& args) override {
    const float* const x = args.in[0].as<float>();
    const float* const weight = args.parameters[0].as<float>();
    const float* const bias = form_.bias ? args.parameters[1].as<float>() : nullptr;
    float* const y = args.out.as<float>();
    const ConvolutionForm f = form_;
    for_each(queue_, f.y_elements(), [=] HADAL_DEVICE(std::int64_t i) {
      const std::int64_t o = i % f.out, q = i / f.out % f.out_w, p = i / f.out / f.out_w % f.out_h,
                         n = i / f.out / f.out_w / f.out_h;
      double sum = bias ? bias[o] : 0.0F;
      for (std::int64_t r = 0; r < f.kernel_h; ++r)
        for (std::int64_t s = 0; s < f.kernel_w; ++s) {
          const std::int64_t h = f.row(p, r), w = f.column(q, s);
          if (h < 0 || h >= f.h || w < 0 || w >= f.w) continue;
          const float* const pixel = x + f.pixel(n, h, w) + f.first_channel(o);
          const float* const tap = weight + f.tap(o, r, s);
          for (std::int64_t c = 0; c < f.group_channels(); ++c) sum += double{pixel[c]} * tap[c];
        }
      y[i] = static_cast<float>(sum);
    });
  }

  void backward(const KernelArgs& args) override {
    if (args.d_in[0]) backward_data(args);
    if (args.d_parameters.empty()) return;
    if (args.d_parameters[0]) backward_weights(args);
    if (form_.bias && args.d_parameters[1])
      bias_sums(args.d_out.as<float>(), args.d_parameters[1].as<float>(),
                form_.n * form_.out_h * form_.out_w, form_.out, args.workspace, queue_);
  }

  void backward_data(const KernelArgs& args) const {
    const float* const weight = args.parameters[0].as<float>();
    const float* const dy = args.d_out.as<float>();
    float* const dx = args.d_in[0].as<float>();
    const ConvolutionForm f = form_;
    for_each(queue_, f.x_elements(), [=] HADAL_DEVICE(std::int64_t i) {
      const std::int64_t c = i % f.c, w = i / f.c % f.w, h = i / f.c / f.w % f.h,
                         n = i / f.c / f.w / f.h;
      const std::int64_t first_map = c / f.group_channels() * f.group_maps();
      double sum = 0;
      for (std::int64_t r = 0; r < f.kernel_h; ++r)
        for (std::int64_t s = 0; s < f.kernel_w; ++s) {
          const std::int64_t above = h + f.top - r * f.dilation,
                             before = w + f.left - s * f.dilation;
          if (above < 0 || before < 0 || above % f.stride_h != 0 || before % f.stride_w != 0)
            continue;
          const std::int64_t p = above / f.stride_h, q = before / f.stride_w;
          if (p >= f.out_h || q >= f.out_w) continue;
          const float* const d = dy + ((n * f.out_h + p) * f.out_w + q) * f.out;
          for (std::int64_t o = first_map; o < first_map + f.group_maps(); ++o)
            sum += double{d[o]} * weight[f.tap(o, r, s) + c % f.group_channels()];
        }
      dx[i] = static_cast<float>(sum);
    });
  }

  void backward_weights(const KernelArgs& args) const {
    const float* const x = args.in[0].as<float>();
    const float* const dy = args.d_out.as<float>();
    float* const dw = args.d_parameters[0].as<float>();
    const ConvolutionForm f = form_;
    for_each(queue_, f.weight_elements(), [=] HADAL_DEVICE(std::int64_t i) {
      const std::int64_t c = i % f.group_channels(), s = i / f.group_channels() % f.kernel_w,
                         r = i / f.group_channels() / f.kernel_w % f.kernel_h,
                         o = i / f.group_channels() / f.kernel_w / f.kernel_h;
      double sum = 0;
      for (std::int64_t n = 0; n < f.n; ++n)
        for (std::int64_t p = 0; p < f.out_h; ++p) {
          const std::int64_t h = f.row(p, r);
          if (h < 0 || h >= f.h) continue;
          for (std::int64_t q = 0; q < f.out_w; ++q) {
            const std::int64_t w = f.column(q, s);
            if (w < 0 || w >= f.w) continue;
            sum += double{dy[((n * f.out_h + p) * f.out_w + q) * f.out + o]} *
                   x[f.pixel(n, h, w) + f.first_channel(o) + c];
          }
        }
      dw[i] = static_cast<float>(sum);
    });
  }

 private:
  ConvolutionForm form_;
  Queue queue_;
};

}  // namespace

KernelPtr make_plain_convolution(const ConvolutionForm& form, const Queue& queue) {
  return std::make_unique<PlainConvolution>(form, queue);
}

}  // namespace hadal::cuda
