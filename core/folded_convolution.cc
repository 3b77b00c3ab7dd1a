#include "core/folded_convolution.h"

#include <cmath>

namespace hadal {
namespace {

std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

template <typename T>
class FoldedConvolution final : public Kernel {
 public:
  FoldedConvolution(const Conv2dOp& convolution, const BatchNormOp& norm, const Shape& weight,
                    std::unique_ptr<Kernel> with_bias)
      : convolution_(convolution), norm_(norm), weight_(weight), with_bias_(std::move(with_bias)) {}

  std::size_t workspace_bytes() const override {
    return aligned(static_cast<std::size_t>(weight_.elements()) * sizeof(T)) +
           aligned(static_cast<std::size_t>(weight_[0]) * sizeof(T)) +
           with_bias_->workspace_bytes();
  }

  void forward(const KernelArgs& args) override {
    T* weight = reinterpret_cast<T*>(args.workspace);
    std::byte* after_weight =
        args.workspace + aligned(static_cast<std::size_t>(weight_.elements()) * sizeof(T));
    T* bias = reinterpret_cast<T*>(after_weight);
    fold(args, weight, bias);
    const TensorView folded[] = {{weight, weight_, dtype_of<T>()},
                                 {bias, {weight_[0]}, dtype_of<T>()}};
    KernelArgs inner = args;
    inner.parameters = folded;
    inner.running = inner.statistics = {};
    inner.workspace = after_weight + aligned(static_cast<std::size_t>(weight_[0]) * sizeof(T));
    with_bias_->forward(inner);
  }

  void backward(const KernelArgs&) override {
    throw ConfigError("a folded convolution has no backward; compile the plan with fuse = false");
  }

 private:
  void fold(const KernelArgs& args, T* weight, T* bias) const {
    const std::int64_t out = weight_[0], per_out = weight_.elements() / out;
    const T* w = args.parameters[0].as<T>();
    std::size_t next = 1;
    const T* b = convolution_.bias ? args.parameters[next++].as<T>() : nullptr;
    const T* gamma = norm_.affine ? args.parameters[next++].as<T>() : nullptr;
    const T* beta = norm_.affine ? args.parameters[next++].as<T>() : nullptr;
    const T* mean = args.running[0].as<T>();
    const T* var = args.running[1].as<T>();
    for (std::int64_t o = 0; o < out; ++o) {
      const T s = (gamma ? gamma[o] : T(1)) / std::sqrt(var[o] + static_cast<T>(norm_.epsilon));
      bias[o] = s * ((b ? b[o] : T(0)) - mean[o]) + (beta ? beta[o] : T(0));
      for (std::int64_t i = 0; i < per_out; ++i) weight[o * per_out + i] = s * w[o * per_out + i];
    }
  }

  Conv2dOp convolution_;
  BatchNormOp norm_;
  Shape weight_;
  std::unique_ptr<Kernel> with_bias_;
};

}  // namespace

Shape folded_weight(const FoldedConv2dOp& op, const KernelContext& context) {
  const Conv2dOp& convolution = op.convolution;
  return {convolution.out, convolution.kernel_h, convolution.kernel_w,
          context.in[0].shape.c() / convolution.groups};
}

Backend::KernelPtr fold_on_the_host(const FoldedConv2dOp& op, const KernelContext& context,
                                    Backend& backend) {
  Conv2dOp with_bias = op.convolution;
  with_bias.bias = true;
  const Shape weight = folded_weight(op, context);
  Backend::KernelPtr inner = backend.prepare(with_bias, context);
  if (context.out.type == DType::kFloat64)
    return std::make_unique<FoldedConvolution<double>>(op.convolution, op.norm, weight,
                                                       std::move(inner));
  return std::make_unique<FoldedConvolution<float>>(op.convolution, op.norm, weight,
                                                    std::move(inner));
}

}  // namespace hadal
