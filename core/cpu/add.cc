#include "core/cpu/elementwise.h"
#include "core/cpu/kernels.h"

namespace hadal::cpu {
namespace {

class Add final : public Kernel {
 public:
  Add(const AddOp& op, const KernelContext& context)
      : scale_(static_cast<float>(op.scale)), elements_(context.out.shape.elements()) {}

  bool adds_to_d_in(int /*input*/) const override { return true; }

  HADAL_AVX512 void forward(const KernelArgs& args) override {
    const float* shortcut = args.in[0] ? args.in[0].as<float>() : nullptr;
    const float* branch = args.in[1] ? args.in[1].as<float>() : nullptr;
    float* y = args.out.as<float>();
    for_each_16(elements_, [&](std::int64_t i, __mmask16 lanes) HADAL_AVX512 {
      __m512 sum = shortcut ? load(shortcut + i, lanes) : _mm512_setzero_ps();
      if (branch) sum = fma(scale_, load(branch + i, lanes), sum);
      store(y + i, lanes, sum);
    });
  }

  void backward(const KernelArgs& args) override {
    const float* dy = args.d_out.as<float>();
    // The branch first: d_in[0] may be the memory of d_out.
    if (args.d_in[1]) scale_into(dy, scale_, adds(args, 1), args.d_in[1].as<float>(), elements_);
    if (args.d_in[0] && (adds(args, 0) || args.d_in[0].data != args.d_out.data))
      scale_into(dy, 1.0f, adds(args, 0), args.d_in[0].as<float>(), elements_);
  }

 private:
  float scale_;
  std::int64_t elements_;
};

}  // namespace

KernelPtr make_add(const AddOp& op, const KernelContext& context) {
  return std::make_unique<Add>(op, context);
}

}  // namespace hadal::cpu
