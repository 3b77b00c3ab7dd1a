// Loops over buffers, without the shape of a value.
#include <cmath>
#include <utility>

#include "core/cuda/channel_sums.cuh"
#include "core/cuda/kernels.h"
#include "core/folded_convolution.h"

namespace hadal::cuda {
namespace {

std::size_t aligned(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

class FoldedConvolution final : public Kernel {
 public:
  FoldedConvolution(const FoldedConv2dOp& op, const KernelContext& context, KernelPtr inner,
                    const Queue& queue)
      : op_(op),
        weight_(folded_weight(op, context)),
        device_(context.out.device),
        inner_(std::move(inner)),
        queue_(queue) {}

  std::size_t workspace_bytes() const override {
    return weight_bytes() + bias_bytes() + inner_->workspace_bytes();
  }

  void forward(const KernelArgs& args) override {
    std::byte* const after_weight = args.workspace + weight_bytes();
    fold(args, reinterpret_cast<float*>(args.workspace), reinterpret_cast<float*>(after_weight));
    const TensorView folded[] = {
        {args.workspace, weight_, DType::kFloat32, Layout::kNhwc, device_},
        {after_weight, {weight_[0]}, DType::kFloat32, Layout::kNhwc, device_}};
    KernelArgs inner = args;
    inner.parameters = folded;
    inner.running = inner.statistics = {};
    inner.workspace = after_weight + bias_bytes();
    inner_->forward(inner);
  }

  void backward(const KernelArgs&) override {
    throw ConfigError("a folded convolution has no backward; compile the plan with fuse = false");
  }

  void fold(const KernelArgs& args, float* weight, float* bias) const {
    std::size_t next = 0;
    const auto parameter = [&](bool present) -> const float* {
      return present ? args.parameters[next++].as<float>() : nullptr;
    };
    const float* const w = parameter(true);
    const float* const b = parameter(op_.convolution.bias);
    const float* const gamma = parameter(op_.norm.affine);
    const float* const beta = parameter(op_.norm.affine);
    const float* const mean = args.running[0].as<float>();
    const float* const variance = args.running[1].as<float>();
    const auto epsilon = static_cast<float>(op_.norm.epsilon);
    const std::int64_t per_map = weight_.elements() / weight_[0];
    for_each(queue_, weight_.elements(), [=] HADAL_DEVICE(std::int64_t i) {
      const std::int64_t o = i / per_map;
      const float scale = (gamma ? gamma[o] : 1.0F) / std::sqrt(variance[o] + epsilon);
      weight[i] = scale * w[i];
      if (i % per_map == 0)
        bias[o] = scale * ((b ? b[o] : 0.0F) - mean[o]) + (beta ? beta[o] : 0.0F);
    });
  }

 private:
  std::size_t weight_bytes() const {
    return aligned(static_cast<std::size_t>(weight_.elements()) * sizeof(float));
  }
  std::size_t bias_bytes() const {
    return aligned(static_cast<std::size_t>(weight_[0]) * sizeof(float));
  }

  FoldedConv2dOp op_;
  Shape weight_;
  Device* device_;
  KernelPtr inner_;
  Queue queue_;
};

}  // namespace

KernelPtr make_folded(const FoldedConv2dOp& op, const KernelContext& context, KernelPtr inner,
                      const Queue& queue) {
  return std::make_unique<FoldedConvolution>(op, context, std::move(inner), queue);
}

void add_to(const float* x, float* y, std::int64_t count, const Queue& queue) {
  for_each(queue, count, [=] HADAL_DEVICE(std::int64_t i) { y[i] += x[i]; });
}

void divide(float* y, float divisor, std::int64_t count, const Queue& queue) {
  for_each(queue, count, [=] HADAL_DEVICE(std::int64_t i) { y[i] /= divisor; });
}

void move_towards(const float* x, float rate, float* y, std::int64_t count, const Queue& queue) {
  for_each(queue, count, [=] HADAL_DEVICE(std::int64_t i) { y[i] += rate * (x[i] - y[i]); });
}

void add_bias(const float* bias, float* y, std::int64_t rows, std::int64_t columns,
              const Queue& queue) {
  for_each(queue, rows * columns, [=] HADAL_DEVICE(std::int64_t i) { y[i] += bias[i % columns]; });
}

void bias_sums(const float* x, float* sums, std::int64_t rows, std::int64_t columns,
               std::byte* workspace, const Queue& queue) {
  sum_channels<1>(
      queue, rows, columns, workspace,
      [=] HADAL_DEVICE(std::int64_t row, std::int64_t c) {
        return Sums<1>{{double{x[row * columns + c]}}};
      },
      [=] HADAL_DEVICE(std::int64_t c, const Sums<1>& total) {
        sums[c] = static_cast<float>(total.of[0]);
      });
}

std::size_t bias_sums_workspace(std::int64_t rows, std::int64_t columns) {
  return channel_sums_bytes<1>(rows, columns);
}

}  // namespace hadal::cuda
