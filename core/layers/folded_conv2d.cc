#include "core/layers/folded_conv2d.h"

#include <cmath>

#include "core/layers/conv2d.h"

namespace hadal {
namespace {

std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

template <typename T>
class FoldedConv2dKernel final : public Kernel {
 public:
  FoldedConv2dKernel(const Conv2dOp& convolution, const BatchNormOp& norm, const Shape& weight,
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

class FoldedConv2dLayer final : public Layer {
 public:
  FoldedConv2dLayer(const Conv2dOp& convolution, const BatchNormOp& norm)
      : convolution_(convolution), norm_(norm) {}

  std::string_view type() const override { return "conv2d+batch_norm"; }
  std::string describe() const override { return Conv2dLayer(convolution_).describe(); }
  Shape output_shape(std::span<const Shape> in) const override {
    return Conv2dLayer(convolution_).output_shape(in);
  }
  BackwardReads backward_reads() const override { return {}; }
  std::int64_t macs(std::span<const Shape> in) const override {
    return Conv2dLayer(convolution_).macs(in);
  }

  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override {
    Conv2dOp with_bias = convolution_;
    with_bias.bias = true;
    const Shape weight{convolution_.out, convolution_.kernel_h, convolution_.kernel_w,
                       context.in[0].shape.c() / convolution_.groups};
    std::unique_ptr<Kernel> inner = backend.prepare(with_bias, context);
    if (context.out.type == DType::kFloat64)
      return std::make_unique<FoldedConv2dKernel<double>>(convolution_, norm_, weight,
                                                          std::move(inner));
    return std::make_unique<FoldedConv2dKernel<float>>(convolution_, norm_, weight,
                                                       std::move(inner));
  }

 private:
  Conv2dOp convolution_;
  BatchNormOp norm_;
};

}  // namespace

std::shared_ptr<const Layer> folded_conv2d(const Conv2dOp& convolution, const BatchNormOp& norm) {
  return std::make_shared<FoldedConv2dLayer>(convolution, norm);
}

}  // namespace hadal
