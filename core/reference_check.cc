#include "core/reference_check.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hadal {
namespace {

bool is_real(DType type) { return type == DType::kFloat32 || type == DType::kFloat64; }

Tensor as_double(const TensorView& view) {
  Tensor copy(view.shape, is_real(view.type) ? DType::kFloat64 : view.type);
  copy_converted(view, copy.view());
  return copy;
}

std::vector<Tensor> as_doubles(std::span<const TensorView> views) {
  std::vector<Tensor> copies;
  for (const TensorView& view : views) copies.push_back(view ? as_double(view) : Tensor());
  return copies;
}

/// Views of tensors; of one that is absent, a view without data but with its form.
std::vector<TensorView> views_of(const std::vector<Tensor>& tensors,
                                 std::span<const TensorView> forms) {
  std::vector<TensorView> views;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    TensorView view = forms[i];
    view.layout = Layout::kNhwc;
    view.device = nullptr;
    if (is_real(view.type)) view.type = DType::kFloat64;
    view.data = forms[i] ? tensors[i].view().data : nullptr;
    views.push_back(view);
  }
  return views;
}

std::vector<Tensor> like(std::span<const TensorView> forms) {
  std::vector<Tensor> tensors;
  for (const TensorView& form : forms)
    tensors.push_back(form ? Tensor(form.shape, DType::kFloat64) : Tensor());
  return tensors;
}

/// What rounding each term of a float sum over d_out can leave when the terms cancel.
double rounding_of_sums(const Tensor& d_out) {
  double sum = 0;
  for (const double d : d_out.span<double>()) sum += std::abs(d);
  return sum * std::numeric_limits<float>::epsilon();
}

}  // namespace

struct ReferenceCheck::Twin {
  std::unique_ptr<Kernel> kernel;
  AlignedBuffer saved, workspace;
  std::vector<Tensor> in, parameters, running, d_in_before;
  Tensor out, d_out;
};

ReferenceCheck::Twin& ReferenceCheck::twin_of(const Plan& plan, int node) {
  if (const auto found = twins_.find(node); found != twins_.end()) return *found->second;
  const Plan::Node& n = plan.nodes()[node];
  const auto reference_form = [](TensorView form) {
    if (is_real(form.type)) form.type = DType::kFloat64;
    form.layout = Layout::kNhwc;
    form.device = nullptr;
    return form;
  };
  KernelContext context;
  for (const Graph::Edge& edge : n.lowered.inputs)
    context.in.push_back(reference_form(plan.nodes()[edge.from.node].form));
  context.out = reference_form(n.form);
  context.training = plan.options().training;
  context.wants_d_in = n.wants_d_in;
  context.wants_d_parameters = n.backward && plan.options().wants_parameter_gradients;
  context.name = n.lowered.name;
  auto twin = std::make_shared<Twin>();
  twin->kernel = n.lowered.layer->prepare(reference_, context);
  twin->saved = AlignedBuffer(twin->kernel->saved_bytes());
  twin->workspace = AlignedBuffer(twin->kernel->workspace_bytes());
  twin->out = Tensor(context.out.shape, context.out.type);
  return *(twins_[node] = twin);
}

void ReferenceCheck::before(const Plan& plan, const Plan::Step& step, const KernelArgs& args) {
  Twin& twin = twin_of(plan, step.node);
  if (step.phase == Plan::Phase::kBackward) {
    twin.d_out = as_double(args.d_out);
    twin.d_in_before.clear();
    for (std::size_t i = 0; i < args.d_in.size(); ++i)
      twin.d_in_before.push_back(args.d_in[i] && args.add_to_d_in[i] ? as_double(args.d_in[i])
                                                                     : Tensor());
    return;
  }
  twin.in = as_doubles(args.in);
  twin.parameters = as_doubles(args.parameters);
  twin.running = as_doubles(args.running);
}

void ReferenceCheck::after(const Plan& plan, const Plan::Step& step, const KernelArgs& args) {
  Twin& twin = twin_of(plan, step.node);
  const std::string name = plan.nodes()[step.node].lowered.name;
  const std::vector<TensorView> in = views_of(twin.in, args.in);
  const std::vector<TensorView> parameters = views_of(twin.parameters, args.parameters);
  const std::vector<TensorView> running = views_of(twin.running, args.running);
  const std::vector<Tensor> statistics = like(args.statistics);
  const std::vector<TensorView> statistics_views = views_of(statistics, args.statistics);
  KernelArgs twin_args;
  twin_args.in = in;
  twin_args.out = twin.out.view();
  twin_args.parameters = parameters;
  twin_args.running = running;
  twin_args.statistics = statistics_views;
  twin_args.saved = twin.saved.data();
  twin_args.workspace = twin.workspace.data();
  twin_args.step = args.step;
  if (step.phase != Plan::Phase::kBackward) {
    twin.kernel->forward(twin_args);
    compare(name + " forward", args.out, twin.out);
    // A fused norm whose branch is closed leaves its statistics alone.
    if (plan.options().training && (args.in.empty() || args.in[0]))
      for (std::size_t i = 0; i < statistics.size(); ++i)
        compare(name + " statistics[" + std::to_string(i) + "]", args.statistics[i], statistics[i]);
    return;
  }
  const std::vector<Tensor> d_in = like(args.d_in), d_parameters = like(args.d_parameters);
  const std::vector<TensorView> d_in_views = views_of(d_in, args.d_in);
  const std::vector<TensorView> d_parameter_views = views_of(d_parameters, args.d_parameters);
  const auto never = std::make_unique<bool[]>(d_in.size());
  twin_args.d_out = twin.d_out.view();
  twin_args.d_in = d_in_views;
  twin_args.d_parameters = d_parameter_views;
  twin_args.add_to_d_in = {never.get(), d_in.size()};
  twin.kernel->backward(twin_args);
  for (std::size_t i = 0; i < d_in.size(); ++i) {
    if (!args.d_in[i]) continue;
    if (args.add_to_d_in[i]) reference_.add_to(twin.d_in_before[i].view(), d_in[i].view());
    compare(name + " backward d_in[" + std::to_string(i) + "]", args.d_in[i], d_in[i]);
  }
  if (!args.in.empty() && !args.in[0]) return;
  const double rounding = rounding_of_sums(twin.d_out);
  for (std::size_t i = 0; i < d_parameters.size(); ++i)
    if (args.d_parameters[i])
      compare(name + " backward d_parameters[" + std::to_string(i) + "]", args.d_parameters[i],
              d_parameters[i], rounding);
}

void ReferenceCheck::compare(const std::string& what, const TensorView& got, const Tensor& wanted,
                             double rounding) {
  if (!is_real(got.type)) return;
  const Tensor copy = as_double(got);
  double difference = 0, magnitude = 0;
  for (std::int64_t i = 0; i < got.shape.elements(); ++i) {
    const double a = copy.as<double>()[i], b = wanted.as<double>()[i];
    difference = std::max(difference, std::isfinite(a - b) ? std::abs(a - b) : HUGE_VAL);
    magnitude = std::max(magnitude, std::abs(b));
  }
  ++comparisons_;
  largest_ = std::max(largest_, std::max(0.0, difference - rounding) / (magnitude + 1e-6));
  if (difference > tolerance_ * (magnitude + 1e-6) + rounding)
    findings_.push_back({what, difference, magnitude});
}

}  // namespace hadal
