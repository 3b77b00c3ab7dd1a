#include "core/cuda/convolution.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "core/cuda/dnn_graph.h"

namespace hadal::cuda {
namespace {

constexpr int kMeasured = 8;  // proposals that are tried; the best is rarely among the later ones

using PlanPtr = std::unique_ptr<ConvolutionPlan>;

/// Memory to try engines on.
class TrialMemory {
 public:
  TrialMemory(CudaDevice& device, const ConvolutionForm& form, std::size_t workspace_bytes)
      : x_(static_cast<std::size_t>(form.x_elements()) * sizeof(float), &device),
        w_(static_cast<std::size_t>(form.weight_elements()) * sizeof(float), &device),
        y_(static_cast<std::size_t>(form.y_elements()) * sizeof(float), &device),
        workspace_(workspace_bytes, &device) {}

  void run(ConvolutionPlan& plan) const {
    plan.run(x_.data(), w_.data(), y_.data(), workspace_.data());
  }

 private:
  AlignedBuffer x_, w_, y_, workspace_;
};

int fastest(CudaDevice& device, const ConvolutionForm& form, const std::vector<PlanPtr>& plans) {
  std::size_t workspace = 0;
  for (const PlanPtr& plan : plans) workspace = std::max(workspace, plan->workspace_bytes());
  const TrialMemory memory(device, form, workspace);
  int best = 0;
  double best_seconds = 0;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    std::vector<double> seconds;
    for (int trial = 0; trial < 5; ++trial)
      seconds.push_back(device.seconds_of([&] { memory.run(*plans[i]); }));
    std::ranges::nth_element(seconds, seconds.begin() + 2);
    if (i > 0 && seconds[2] >= best_seconds) continue;
    best = static_cast<int>(i);
    best_seconds = seconds[2];
  }
  return best;
}

const char* name_of(ConvolutionPass pass) {
  switch (pass) {
    case ConvolutionPass::kForward:
      return "forward";
    case ConvolutionPass::kBackwardData:
      return "data";
    case ConvolutionPass::kBackwardWeights:
      break;
  }
  return "weights";
}

/// Null when cuDNN has no engine that will do; a file of choices then says kNone.
PlanPtr choose(CudaDevice& device, ConvolutionPass pass, const ConvolutionForm& form) {
  constexpr int kNone = -1;
  const std::string what = fmt::format("{} {}", name_of(pass), form.to_string());
  PlanChoices& choices = device.plan_choices();
  const std::optional<int> known = choices.find(what);
  if (known == kNone) return nullptr;
  const bool measures = choices.measures() && !known;
  std::vector<PlanPtr> plans =
      convolution_plans(device.cudnn(), pass, form, measures ? kMeasured : known.value_or(0) + 1);
  int choice = known.value_or(0);
  if (measures) {
    choice = plans.empty() ? kNone : fastest(device, form, plans);
    choices.remember(what, choice);
  }
  if (plans.empty()) return nullptr;
  return std::move(plans[std::min(static_cast<std::size_t>(choice), plans.size() - 1)]);
}

class Convolution final : public Kernel {
 public:
  Convolution(const Conv2dOp& op, const KernelContext& context, CudaDevice& device)
      : form_(form_of(op, context)),
        pixels_(form_.n * form_.out_h * form_.out_w),
        plain_(make_plain_convolution(form_, device.queue())),
        forward_(choose(device, ConvolutionPass::kForward, form_)),
        queue_(device.queue()) {
    if (!context.wants_d_in.empty() && context.wants_d_in[0])
      data_ = choose(device, ConvolutionPass::kBackwardData, form_);
    if (context.wants_d_parameters)
      weights_ = choose(device, ConvolutionPass::kBackwardWeights, form_);
  }

  std::size_t workspace_bytes() const override {
    std::size_t bytes = plain_->workspace_bytes();
    for (const PlanPtr* plan : {&forward_, &data_, &weights_})
      if (*plan) bytes = std::max(bytes, (*plan)->workspace_bytes());
    return bytes;
  }

  void forward(const KernelArgs& args) override {
    if (!forward_) return plain_->forward(args);
    forward_->run(args.in[0].data, args.parameters[0].data, args.out.data, args.workspace);
    if (form_.bias)
      add_bias(args.parameters[1].as<float>(), args.out.as<float>(), pixels_, form_.out, queue_);
  }

  void backward(const KernelArgs& args) override {
    KernelArgs rest = args;  // what cuDNN does not do
    TensorView d_in = args.d_in[0];
    std::vector<TensorView> d_parameters(args.d_parameters.begin(), args.d_parameters.end());
    if (d_in && data_) {
      data_->run(d_in.data, args.parameters[0].data, args.d_out.data, args.workspace);
      d_in.data = nullptr;
    }
    if (!d_parameters.empty() && d_parameters[0] && weights_) {
      weights_->run(args.in[0].data, d_parameters[0].data, args.d_out.data, args.workspace);
      d_parameters[0].data = nullptr;
    }
    rest.d_in = {&d_in, 1};
    rest.d_parameters = d_parameters;
    plain_->backward(rest);
  }

 private:
  ConvolutionForm form_;
  std::int64_t pixels_;
  KernelPtr plain_;
  PlanPtr forward_, data_, weights_;
  Queue queue_;
};

}  // namespace

KernelPtr make_convolution(const Conv2dOp& op, const KernelContext& context, CudaDevice& device) {
  return std::make_unique<Convolution>(op, context, device);
}

}  // namespace hadal::cuda
