// The formulas stand with the reference kernel. Sums are in double over a fixed tree; what they
// give is kept per channel in float: mean, 1 / sqrt(var + epsilon).
#include <cmath>

#include "core/cuda/channel_sums.cuh"
#include "core/cuda/kernels.h"

namespace hadal::cuda {
namespace {

class BatchNormKernel final : public Kernel {
 public:
  BatchNormKernel(const BatchNormOp& op, const KernelContext& context, const Queue& queue)
      : op_(op),
        training_(context.training),
        elements_(context.out.shape.elements()),
        channels_(context.out.shape.c()),
        pixels_(elements_ / channels_),
        branch_scale_(static_cast<float>(training_ ? 1.0 : op.branch_scale)),
        queue_(queue) {}

  std::size_t saved_bytes() const override {
    return 2 * static_cast<std::size_t>(channels_) * sizeof(float);
  }
  std::size_t workspace_bytes() const override {
    return channel_bytes() + channel_sums_bytes<2>(pixels_, channels_);
  }

  void forward(const KernelArgs& args) override {
    const float* const x = args.in[0] ? args.in[0].as<float>() : nullptr;
    const float* const shortcut = op_.add ? args.in[1].as<float>() : nullptr;
    float* const y = args.out.as<float>();
    if (x && training_) batch_statistics(args);
    if (x && !training_) running_statistics(args);
    const float* const mean = reinterpret_cast<const float*>(args.saved);
    const float* const factor = mean + channels_;
    const float* const gamma = op_.affine ? args.parameters[0].as<float>() : nullptr;
    const float* const beta = op_.affine ? args.parameters[1].as<float>() : nullptr;
    const std::int64_t channels = channels_;
    const float branch_scale = branch_scale_;
    const bool relu = op_.relu;
    for_each(queue_, elements_, [=] HADAL_DEVICE(std::int64_t i) {
      const std::int64_t c = i % channels;
      float sum = shortcut ? shortcut[i] : 0.0F;
      if (x) {
        const float normalised = (x[i] - mean[c]) * factor[c];
        sum += branch_scale * (gamma ? gamma[c] * normalised + beta[c] : normalised);
      }
      y[i] = relu && sum < 0 ? 0.0F : sum;
    });
  }

  void backward(const KernelArgs& args) override {
    const float* const x = args.in[0] ? args.in[0].as<float>() : nullptr;
    if (x) sum_gradients(args);
    const float* const y = op_.relu ? args.out.as<float>() : nullptr;
    const float* const dy = args.d_out.as<float>();
    float* const dx = x && args.d_in[0] ? args.d_in[0].as<float>() : nullptr;
    float* const d_shortcut = op_.add && args.d_in[1] ? args.d_in[1].as<float>() : nullptr;
    const float* const mean = reinterpret_cast<const float*>(args.saved);
    const float* const factor = mean + channels_;
    const float* const gamma = op_.affine ? args.parameters[0].as<float>() : nullptr;
    const float* const means = reinterpret_cast<const float*>(args.workspace);
    const std::int64_t channels = channels_;
    const float branch_scale = branch_scale_;
    const bool training = training_;
    if (!dx && !d_shortcut) return;
    // dx or d_shortcut may be the memory of d_out: an element is read before either is written.
    for_each(queue_, elements_, [=] HADAL_DEVICE(std::int64_t i) {
      const std::int64_t c = i % channels;
      const float d = !y || y[i] > 0 ? dy[i] : 0.0F;
      if (d_shortcut) d_shortcut[i] = d;
      if (!dx) return;
      float dz = branch_scale * d;
      if (training) dz -= means[c] + (x[i] - mean[c]) * factor[c] * means[channels + c];
      dx[i] = (gamma ? gamma[c] : 1.0F) * factor[c] * dz;
    });
  }

  void batch_statistics(const KernelArgs& args) const {
    const float* const x = args.in[0].as<float>();
    auto* const mean = reinterpret_cast<float*>(args.saved);
    float* const batch_mean = args.statistics[0].as<float>();
    float* const batch_variance = args.statistics[1].as<float>();
    const std::int64_t channels = channels_;
    const auto m = static_cast<double>(pixels_);
    const double epsilon = op_.epsilon;
    sum_channels<2>(
        queue_, pixels_, channels_, args.workspace,
        [=] HADAL_DEVICE(std::int64_t row, std::int64_t c) {
          const double value = x[row * channels + c];
          return Sums<2>{{value, value * value}};
        },
        [=] HADAL_DEVICE(std::int64_t c, const Sums<2>& sums) {
          const double average = sums.of[0] / m;
          // In double the difference keeps all the digits of a float.
          const double squares = sums.of[1] - sums.of[0] * average;
          const double from_mean = squares > 0 ? squares : 0;
          mean[c] = static_cast<float>(average);
          mean[channels + c] = static_cast<float>(1 / std::sqrt(from_mean / m + epsilon));
          batch_mean[c] = static_cast<float>(average);
          batch_variance[c] = static_cast<float>(from_mean / (m > 1 ? m - 1 : 1));
        });
  }

  void running_statistics(const KernelArgs& args) const {
    auto* const mean = reinterpret_cast<float*>(args.saved);
    const float* const running_mean = args.running[0].as<float>();
    const float* const running_variance = args.running[1].as<float>();
    const std::int64_t channels = channels_;
    const double epsilon = op_.epsilon;
    for_each(queue_, channels_, [=] HADAL_DEVICE(std::int64_t c) {
      mean[c] = running_mean[c];
      mean[channels + c] = static_cast<float>(1 / std::sqrt(double{running_variance[c]} + epsilon));
    });
  }

  /// Leaves the means of dz and of dz x^ in the workspace, and the parameters' gradients.
  void sum_gradients(const KernelArgs& args) const {
    const float* const x = args.in[0].as<float>();
    const float* const y = op_.relu ? args.out.as<float>() : nullptr;
    const float* const dy = args.d_out.as<float>();
    const float* const mean = reinterpret_cast<const float*>(args.saved);
    const float* const factor = mean + channels_;
    auto* const means = reinterpret_cast<float*>(args.workspace);
    const bool wants = op_.affine && !args.d_parameters.empty();
    float* const d_gamma =
        wants && args.d_parameters[0] ? args.d_parameters[0].as<float>() : nullptr;
    float* const d_beta =
        wants && args.d_parameters[1] ? args.d_parameters[1].as<float>() : nullptr;
    const std::int64_t channels = channels_;
    const auto m = static_cast<double>(pixels_);
    const float branch_scale = branch_scale_;
    sum_channels<2>(
        queue_, pixels_, channels_, args.workspace + channel_bytes(),
        [=] HADAL_DEVICE(std::int64_t row, std::int64_t c) {
          const std::int64_t i = row * channels + c;
          const double dz = !y || y[i] > 0 ? branch_scale * dy[i] : 0.0F;
          return Sums<2>{{dz, dz * ((x[i] - mean[c]) * factor[c])}};
        },
        [=] HADAL_DEVICE(std::int64_t c, const Sums<2>& sums) {
          means[c] = static_cast<float>(sums.of[0] / m);
          means[channels + c] = static_cast<float>(sums.of[1] / m);
          if (d_gamma) d_gamma[c] = static_cast<float>(sums.of[1]);
          if (d_beta) d_beta[c] = static_cast<float>(sums.of[0]);
        });
  }

  /// Of two floats per channel, aligned for the doubles behind them.
  std::size_t channel_bytes() const {
    return (2 * static_cast<std::size_t>(channels_) * sizeof(float) + 255) / 256 * 256;
  }

 private:
  BatchNormOp op_;
  bool training_;
  std::int64_t elements_, channels_, pixels_;
  float branch_scale_;
  Queue queue_;
};

}  // namespace

KernelPtr make_batch_norm(const BatchNormOp& op, const KernelContext& context, const Queue& queue) {
  return std::make_unique<BatchNormKernel>(op, context, queue);
}

}  // namespace hadal::cuda
