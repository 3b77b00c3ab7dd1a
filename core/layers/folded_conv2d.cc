#include "core/layers/folded_conv2d.h"

#include "core/layers/conv2d.h"

namespace hadal {
namespace {

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
    return backend.prepare(FoldedConv2dOp{convolution_, norm_}, context);
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
