#include <algorithm>

#include "core/reference/kernels.h"
#include "core/reference/labels.h"

namespace hadal::reference {
namespace {

template <typename T>
class SquaredHingeKernel final : public Kernel {
 public:
  SquaredHingeKernel(const SquaredHingeOp& op, const KernelContext& context)
      : margin_(op.margin),
        samples_(context.in[0].shape.n()),
        classes_(context.in[0].shape.c()),
        name_(context.name) {}

  void forward(const KernelArgs& args) override {
    for (std::int64_t n = 0; n < samples_; ++n) {
      const T* s = args.in[0].as<T>() + n * classes_;
      const std::int32_t label = label_at(args.in[1], n, classes_, name_);
      double loss = 0;
      for (std::int64_t k = 0; k < classes_; ++k) {
        const double excess = std::max(0.0, margin_ - sign(k, label) * s[k]);
        loss += excess * excess;
      }
      args.out.as<T>()[n] = static_cast<T>(loss);
    }
  }

  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    for (std::int64_t n = 0; n < samples_; ++n) {
      const T* s = args.in[0].as<T>() + n * classes_;
      T* ds = args.d_in[0].as<T>() + n * classes_;
      const double d_loss = args.d_out.as<T>()[n];
      const std::int32_t label = label_at(args.in[1], n, classes_, name_);
      for (std::int64_t k = 0; k < classes_; ++k) {
        const double excess = std::max(0.0, margin_ - sign(k, label) * s[k]);
        ds[k] = static_cast<T>(d_loss * -2 * sign(k, label) * excess);
      }
    }
  }

 private:
  static double sign(std::int64_t k, std::int32_t label) { return k == label ? 1 : -1; }

  double margin_;
  std::int64_t samples_, classes_;
  std::string name_;
};

}  // namespace

KernelPtr make_kernel(const SquaredHingeOp& op, const KernelContext& context) {
  return make_for_type<SquaredHingeKernel>(context.out.type, op, context);
}

}  // namespace hadal::reference
