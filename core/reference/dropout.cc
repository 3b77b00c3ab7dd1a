#include "core/base/random.h"
#include "core/reference/kernels.h"

namespace hadal::reference {
namespace {

template <typename T>
class DropoutKernel final : public Kernel {
 public:
  DropoutKernel(const DropoutOp& op, const KernelContext& context)
      : op_(op),
        training_(context.training),
        elements_(context.out.shape.elements()),
        elements_per_sample_(context.out.shape.elements_per_sample()) {}

  void forward(const KernelArgs& args) override {
    mask(args.in[0].as<T>(), args.out.as<T>(), args.step);
  }
  void backward(const KernelArgs& args) override {
    if (args.d_in[0]) mask(args.d_out.as<T>(), args.d_in[0].as<T>(), args.step);
  }

 private:
  void mask(const T* from, T* to, const StepInfo& step) const {
    const random::Stream stream{step.seed, random::Purpose::kDropout, step.step, op_.layer_id};
    const std::int64_t first = step.first_sample * elements_per_sample_;
    const T scale = static_cast<T>(1 / (1 - op_.rate));
    for (std::int64_t i = 0; i < elements_; ++i) {
      const std::int64_t draw = op_.per_sample ? (first + i) / elements_per_sample_ : first + i;
      const bool kept = !training_ || random::uniform(stream, static_cast<std::uint64_t>(draw)) >=
                                          static_cast<float>(op_.rate);
      to[i] = kept ? from[i] * (training_ ? scale : T(1)) : T(0);
    }
  }

  DropoutOp op_;
  bool training_;
  std::int64_t elements_, elements_per_sample_;
};

}  // namespace

KernelPtr make_kernel(const DropoutOp& op, const KernelContext& context) {
  return make_for_type<DropoutKernel>(context.out.type, op, context);
}

}  // namespace hadal::reference
