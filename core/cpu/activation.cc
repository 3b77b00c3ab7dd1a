#include "core/cpu/elementwise.h"
#include "core/cpu/kernels.h"

namespace hadal::cpu {
namespace {

// y = x > 0 ? x : alpha x, with alpha = 0 for the plain ReLU.
class Relu final : public Kernel {
 public:
  Relu(const ActivationOp& op, const KernelContext& context)
      : alpha_(op.kind == Activation::kLeakyRelu ? static_cast<float>(op.alpha) : 0.0f),
        rule_(op.relu_rule),
        elements_(context.out.shape.elements()) {}

  bool adds_to_d_in(int /*input*/) const override { return true; }

  HADAL_AVX512 void forward(const KernelArgs& args) override {
    const float* x = args.in[0].as<float>();
    float* y = args.out.as<float>();
    const __m512 zero = _mm512_setzero_ps();
    for_each_16(elements_, [&](std::int64_t i, __mmask16 lanes) HADAL_AVX512 {
      const __m512 value = load(x + i, lanes);
      // 0 alpha would make NaN of an infinite x, and a NaN must stay one.
      const __mmask16 closed = _mm512_cmp_ps_mask(value, zero, _CMP_LE_OQ);
      const __m512 below = alpha_ == 0 ? zero : times(alpha_, value);
      store(y + i, lanes, _mm512_mask_mov_ps(value, closed, below));
    });
  }

  HADAL_AVX512 void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    const float* dy = args.d_out.as<float>();
    const float* y = rule_ == ReluRule::kDeconvnet ? dy : args.out.as<float>();
    float* dx = args.d_in[0].as<float>();
    const bool add = adds(args, 0);
    const __m512 zero = _mm512_setzero_ps();
    for_each_16(elements_, [&](std::int64_t i, __mmask16 lanes) HADAL_AVX512 {
      __m512 gradient = load(dy + i, lanes);
      const __mmask16 open = _mm512_cmp_ps_mask(load(y + i, lanes), zero, _CMP_GT_OQ);
      const __m512 below = rule_ == ReluRule::kDeconvnet ? zero : times(alpha_, gradient);
      const __mmask16 positive = rule_ == ReluRule::kGradient
                                     ? static_cast<__mmask16>(0xffff)
                                     : _mm512_cmp_ps_mask(gradient, zero, _CMP_GT_OQ);
      gradient = _mm512_maskz_mov_ps(positive, _mm512_mask_mov_ps(below, open, gradient));
      if (add) gradient = plus(gradient, load(dx + i, lanes));
      store(dx + i, lanes, gradient);
    });
  }

 private:
  float alpha_;
  ReluRule rule_;
  std::int64_t elements_;
};

}  // namespace

bool is_relu(const ActivationOp& op) {
  return op.kind == Activation::kRelu || op.kind == Activation::kLeakyRelu;
}

KernelPtr make_relu(const ActivationOp& op, const KernelContext& context) {
  return std::make_unique<Relu>(op, context);
}

}  // namespace hadal::cpu
