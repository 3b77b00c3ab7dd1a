// One element in, one element out.
#include <cmath>

#include "core/cuda/channel_sums.cuh"
#include "core/cuda/kernels.h"
#include "core/cuda/philox.cuh"

namespace hadal::cuda {
namespace {

// LeCun et al. 1998, appendix A: f(x) = kTanhScale tanh(kTanhSlope x).
constexpr float kTanhScale = 1.7159F;
constexpr float kTanhSlope = 2.0F / 3.0F;

HADAL_PORTABLE float activation_value(Activation kind, float alpha, float x) {
  switch (kind) {
    case Activation::kRelu:
      return x > 0 ? x : 0;
    case Activation::kLeakyRelu:
      return x > 0 ? x : alpha * x;
    case Activation::kElu:
      return x > 0 ? x : alpha * std::expm1(x);
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kScaledTanh:
      return kTanhScale * std::tanh(kTanhSlope * x);
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
  }
  return 0;
}

/// dy/dx as a function of y.
HADAL_PORTABLE float activation_derivative(Activation kind, float alpha, float y) {
  switch (kind) {
    case Activation::kRelu:
      return y > 0 ? 1 : 0;
    case Activation::kLeakyRelu:
      return y > 0 ? 1 : alpha;
    case Activation::kElu:
      return y > 0 ? 1 : y + alpha;
    case Activation::kTanh:
      return 1 - y * y;
    case Activation::kScaledTanh:
      return kTanhScale * kTanhSlope * (1 - (y / kTanhScale) * (y / kTanhScale));
    case Activation::kSigmoid:
      return y * (1 - y);
  }
  return 0;
}

class ActivationKernel final : public Kernel {
 public:
  ActivationKernel(const ActivationOp& op, const KernelContext& context, const Queue& queue)
      : op_(op), elements_(context.out.shape.elements()), queue_(queue) {}

  void forward(const KernelArgs& args) override {
    const float* const x = args.in[0].as<float>();
    float* const y = args.out.as<float>();
    const Activation kind = op_.kind;
    const auto alpha = static_cast<float>(op_.alpha);
    for_each(queue_, elements_,
             [=] HADAL_DEVICE(std::int64_t i) { y[i] = activation_value(kind, alpha, x[i]); });
  }

  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    const float* const y = args.out.as<float>();
    const float* const dy = args.d_out.as<float>();
    float* const dx = args.d_in[0].as<float>();
    const Activation kind = op_.kind;
    const auto alpha = static_cast<float>(op_.alpha);
    const ReluRule rule = op_.relu_rule;
    for_each(queue_, elements_, [=] HADAL_DEVICE(std::int64_t i) {
      const float d = dy[i];
      if (rule != ReluRule::kGradient && !(d > 0))
        dx[i] = 0;
      else if (rule == ReluRule::kDeconvnet)
        dx[i] = d;
      else
        dx[i] = d * activation_derivative(kind, alpha, y[i]);
    });
  }

 private:
  ActivationOp op_;
  std::int64_t elements_;
  Queue queue_;
};

class AddKernel final : public Kernel {
 public:
  AddKernel(const AddOp& op, const KernelContext& context, const Queue& queue)
      : scale_(static_cast<float>(op.scale)),
        elements_(context.out.shape.elements()),
        queue_(queue) {}

  void forward(const KernelArgs& args) override {
    const float* const shortcut = args.in[0] ? args.in[0].as<float>() : nullptr;
    const float* const branch = args.in[1] ? args.in[1].as<float>() : nullptr;
    float* const y = args.out.as<float>();
    const float scale = scale_;
    for_each(queue_, elements_, [=] HADAL_DEVICE(std::int64_t i) {
      y[i] = (shortcut ? shortcut[i] : 0.0F) + (branch ? scale * branch[i] : 0.0F);
    });
  }

  // Either gradient may be the memory of d_out: an element is read once, before both are written.
  void backward(const KernelArgs& args) override {
    const float* const dy = args.d_out.as<float>();
    float* const d_shortcut = args.d_in[0] ? args.d_in[0].as<float>() : nullptr;
    float* const d_branch = args.d_in[1] ? args.d_in[1].as<float>() : nullptr;
    const float scale = scale_;
    for_each(queue_, elements_, [=] HADAL_DEVICE(std::int64_t i) {
      const float d = dy[i];
      if (d_shortcut) d_shortcut[i] = d;
      if (d_branch) d_branch[i] = scale * d;
    });
  }

 private:
  float scale_;
  std::int64_t elements_;
  Queue queue_;
};

constexpr int kMostColumns = 16;

struct Columns {
  float* of[kMostColumns] = {};
  int count = 0;

  explicit Columns(std::span<const TensorView> views) {
    HADAL_CHECK(views.size() <= kMostColumns);
    for (const TensorView& view : views)
      if (view) of[count++] = view.as<float>();
  }
};

class MeanJoinKernel final : public Kernel {
 public:
  MeanJoinKernel(const KernelContext& context, const Queue& queue)
      : elements_(context.out.shape.elements()), queue_(queue) {
    if (context.in.size() > kMostColumns)
      throw ConfigError(context.name + ": more than 16 inputs to a mean join on this device");
  }

  void forward(const KernelArgs& args) override {
    const Columns x(args.in);
    HADAL_CHECK(x.count > 0);
    present_ = x.count;
    float* const y = args.out.as<float>();
    for_each(queue_, elements_, [=] HADAL_DEVICE(std::int64_t i) {
      double sum = 0;
      for (int k = 0; k < x.count; ++k) sum += x.of[k][i];
      y[i] = static_cast<float>(sum / x.count);
    });
  }

  void backward(const KernelArgs& args) override {
    const Columns dx(args.d_in);
    const float* const dy = args.d_out.as<float>();
    const double present = present_;
    for_each(queue_, elements_, [=] HADAL_DEVICE(std::int64_t i) {
      const auto share = static_cast<float>(dy[i] / present);
      for (int k = 0; k < dx.count; ++k) dx.of[k][i] = share;
    });
  }

 private:
  std::int64_t elements_;
  Queue queue_;
  int present_ = 0;  // in the step whose backward follows
};

class BiasKernel final : public Kernel {
 public:
  BiasKernel(const KernelContext& context, const Queue& queue)
      : channels_(context.out.shape.c()),
        pixels_(context.out.shape.elements() / channels_),
        queue_(queue) {}

  std::size_t workspace_bytes() const override { return bias_sums_workspace(pixels_, channels_); }

  void forward(const KernelArgs& args) override {
    const float* const x = args.in[0].as<float>();
    const float* const b = args.parameters[0].as<float>();
    float* const y = args.out.as<float>();
    const std::int64_t channels = channels_;
    for_each(queue_, pixels_ * channels_,
             [=] HADAL_DEVICE(std::int64_t i) { y[i] = x[i] + b[i % channels]; });
  }

  void backward(const KernelArgs& args) override {
    const float* const dy = args.d_out.as<float>();
    if (!args.d_parameters.empty() && args.d_parameters[0])
      bias_sums(dy, args.d_parameters[0].as<float>(), pixels_, channels_, args.workspace, queue_);
    if (!args.d_in[0] || args.d_in[0].data == args.d_out.data) return;
    float* const dx = args.d_in[0].as<float>();
    for_each(queue_, pixels_ * channels_, [=] HADAL_DEVICE(std::int64_t i) { dx[i] = dy[i]; });
  }

 private:
  std::int64_t channels_, pixels_;
  Queue queue_;
};

/// Draws anew in backward: four elements are one block of Philox.
class DropoutKernel final : public Kernel {
 public:
  DropoutKernel(const DropoutOp& op, const KernelContext& context, const Queue& queue)
      : op_(op),
        training_(context.training),
        elements_(context.out.shape.elements()),
        per_sample_(context.out.shape.elements_per_sample()),
        queue_(queue) {}

  void forward(const KernelArgs& args) override {
    mask(args.in[0].as<float>(), args.out.as<float>(), args.step);
  }
  void backward(const KernelArgs& args) override {
    if (args.d_in[0]) mask(args.d_out.as<float>(), args.d_in[0].as<float>(), args.step);
  }

  void mask(const float* from, float* to, const StepInfo& step) const {
    const random::Stream stream{step.seed, random::Purpose::kDropout, step.step, op_.layer_id};
    const auto rate = static_cast<float>(op_.rate);
    const auto scale = static_cast<float>(1 / (1 - op_.rate));
    const std::int64_t elements = elements_, per_sample = per_sample_;
    if (!training_) {
      for_each(queue_, elements, [=] HADAL_DEVICE(std::int64_t i) { to[i] = from[i]; });
      return;
    }
    if (op_.per_sample) {
      const std::int64_t first_sample = step.first_sample;
      for_each(queue_, elements, [=] HADAL_DEVICE(std::int64_t i) {
        const auto draw = static_cast<std::uint64_t>(first_sample + i / per_sample);
        const float u = uniform_of(philox_block(stream, draw / 4).of[draw % 4]);
        to[i] = u >= rate ? from[i] * scale : 0.0F;
      });
      return;
    }
    const std::int64_t first = step.first_sample * per_sample;
    const std::int64_t first_block = first / 4;
    for_each(queue_, divide_up(first + elements, 4) - first_block,
             [=] HADAL_DEVICE(std::int64_t block) {
               const FourWords words =
                   philox_block(stream, static_cast<std::uint64_t>(first_block + block));
               for (int k = 0; k < 4; ++k) {
                 const std::int64_t i = (first_block + block) * 4 + k - first;
                 if (i >= 0 && i < elements)
                   to[i] = uniform_of(words.of[k]) >= rate ? from[i] * scale : 0.0F;
               }
             });
  }

 private:
  DropoutOp op_;
  bool training_;
  std::int64_t elements_, per_sample_;
  Queue queue_;
};

}  // namespace

KernelPtr make_activation(const ActivationOp& op, const KernelContext& context,
                          const Queue& queue) {
  return std::make_unique<ActivationKernel>(op, context, queue);
}
KernelPtr make_add(const AddOp& op, const KernelContext& context, const Queue& queue) {
  return std::make_unique<AddKernel>(op, context, queue);
}
KernelPtr make_mean_join(const KernelContext& context, const Queue& queue) {
  return std::make_unique<MeanJoinKernel>(context, queue);
}
KernelPtr make_bias(const KernelContext& context, const Queue& queue) {
  return std::make_unique<BiasKernel>(context, queue);
}
KernelPtr make_dropout(const DropoutOp& op, const KernelContext& context, const Queue& queue) {
  return std::make_unique<DropoutKernel>(op, context, queue);
}

}  // namespace hadal::cuda
