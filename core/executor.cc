#include "core/executor.h"

#include <fmt/format.h>

namespace hadal {
namespace {

bool is_open(const Graph::Edge& edge, const GateMask& gates) {
  return !edge.gate || gates.empty() || gates[edge.gate->id] != 0;
}

/// A fused BN + add runs without its normalisation when the gate on the branch, its first input, is
/// closed.
bool uses_parameters(const Plan::Node& node, const GateMask& gates) {
  return node.lowered.inputs.empty() || is_open(node.lowered.inputs[0], gates);
}

}  // namespace

Executor::Executor(std::unique_ptr<Plan> plan, Parameters& parameters,
                   const ExecutorOptions& options)
    : plan_(std::move(plan)),
      parameters_(parameters),
      options_(options),
      arena_(plan_->arena_bytes(), plan_->backend().device()) {
  feeds_.resize(plan_->nodes().size());
  fed_copies_.resize(plan_->nodes().size());
  bind();
}

TensorView Executor::at_slot(int slot, const TensorView& form) const {
  TensorView view = form;
  view.data = slot == Plan::kNoSlot ? nullptr : arena_.data() + plan_->placement().offsets[slot];
  return view;
}

void Executor::bind() {
  for (const Plan::Step& step : plan_->steps()) {
    BoundStep& bound = bound_.emplace_back();
    const Plan::Node& node = plan_->nodes()[step.node];
    const auto bytes_at = [&](int slot) { return static_cast<std::byte*>(at_slot(slot, {}).data); };
    const std::size_t inputs = step.in.size();
    for (std::size_t i = 0; i < inputs; ++i) {
      const Plan::Node& source = plan_->nodes()[node.lowered.inputs[i].from.node];
      bound.in.push_back(at_slot(step.in[i], source.form));
      if (step.phase != Plan::Phase::kBackward) continue;
      bound.d_in.push_back(
          at_slot(node.wants_d_in[i] ? source.d_slot : Plan::kNoSlot, source.form));
      bound.scratch.push_back(at_slot(step.scratch[i], source.form));
    }
    for (const int graph_node : node.lowered.parameters_of) {
      for (const int entry : parameters_.of_node(graph_node)) {
        const Parameters::Entry& parameter = parameters_.entries()[entry];
        bound.parameters.push_back(parameters_.value(parameter));
        if (step.phase != Plan::Phase::kBackward) continue;
        bound.d_parameters.push_back(parameters_.gradient(parameter));
        if (!parameter.spec.trainable || !plan_->options().wants_parameter_gradients)
          bound.d_parameters.back().data = nullptr;
      }
      for (const int entry : parameters_.running_of_node(graph_node)) {
        bound.running.push_back(parameters_.running(parameters_.running_entries()[entry]));
        bound.statistics.push_back(parameters_.statistic(parameters_.running_entries()[entry]));
      }
    }
    bound.add_to_d_in = std::make_unique<bool[]>(inputs);
    KernelArgs& args = bound.args;
    args.out = at_slot(step.out, node.form);
    args.parameters = bound.parameters;
    args.running = bound.running;
    args.statistics = bound.statistics;
    args.saved = bytes_at(step.saved);
    args.workspace = bytes_at(step.workspace);
    if (step.phase != Plan::Phase::kBackward) continue;
    args.d_out = at_slot(node.d_slot, node.form);
    args.d_parameters = bound.d_parameters;
    args.add_to_d_in = {bound.add_to_d_in.get(), inputs};
  }
}

bool Executor::open(const Graph::Edge& edge) const { return is_open(edge, gates_); }

// One reverse sweep: a node runs forward when something that runs reads it over an open edge, and
// backward when a gradient comes back over one.
Executor::Needed Executor::needed(const GateMask& gates) const {
  HADAL_CHECK(gates.empty() || gates.size() == plan_->graph().gates().size());
  const auto& nodes = plan_->nodes();
  Needed result{std::vector<std::uint8_t>(nodes.size(), 0),
                std::vector<std::uint8_t>(nodes.size(), 0)};
  std::vector<std::uint8_t> reached(nodes.size(), 0);
  for (const Value value : plan_->options().outputs) result.forward[plan_->node_of(value)] = 1;
  for (const Value value : plan_->options().seeds) {
    result.forward[plan_->node_of(value)] = 1;
    reached[plan_->node_of(value)] = 1;
  }
  for (int id = static_cast<int>(nodes.size()) - 1; id >= 0; --id) {
    const Plan::Node& node = nodes[id];
    if (!result.forward[id]) continue;
    result.backward[id] = node.backward && reached[id];
    for (std::size_t i = 0; i < node.lowered.inputs.size(); ++i) {
      const Graph::Edge& edge = node.lowered.inputs[i];
      if (!is_open(edge, gates)) continue;
      result.forward[edge.from.node] = 1;
      if (result.backward[id] && node.wants_d_in[i]) reached[edge.from.node] = 1;
    }
  }
  return result;
}

void Executor::forward(std::span<const Feed> inputs, const StepInfo& step, const GateMask& gates) {
  gates_ = gates;
  step_ = step;
  needed_ = needed(gates);
  for (TensorView& feed : feeds_) feed = {};
  for (const Feed& feed : inputs) {
    const int id = plan_->node_of(feed.value);
    if (id < 0) continue;  // pruned: nothing reads it
    const TensorView& form = plan_->nodes()[id].form;
    const Graph::Node& node = plan_->graph().node(feed.value);
    if (feed.data.shape != form.shape || feed.data.type != form.type)
      throw ShapeError(fmt::format("{}: fed {} {}, the plan wants {} {}", node.name,
                                   name_of(feed.data.type), feed.data.shape.to_string(),
                                   name_of(form.type), form.shape.to_string()));
    feeds_[id] = on_device(id, feed.data);
  }
  for (std::size_t id = 0; id < feeds_.size(); ++id)
    if (!plan_->nodes()[id].lowered.layer && needed_.forward[id] && !feeds_[id])
      throw ConfigError(plan_->nodes()[id].lowered.name + ": nothing was fed to this input");
  for (int i = 0; i < plan_->first_backward_step(); ++i) run_step(i);
}

TensorView Executor::on_device(int input, const TensorView& feed) {
  Device* const device = plan_->backend().device();
  if (feed.device == device) return feed;
  Tensor& copy = fed_copies_[input];
  if (!copy.view()) copy = Tensor(feed.shape, feed.type, feed.layout, device);
  copy_converted(feed, copy.view());
  return copy.view();
}

void Executor::backward(std::span<const Feed> seeds) {
  has_gradient_.assign(plan_->nodes().size(), 0);
  for (const Feed& seed : seeds) {
    const Plan::Node& node = plan_->nodes()[plan_->node_of(seed.value)];
    HADAL_CHECK(node.d_slot != Plan::kNoSlot);
    copy_converted(seed.data, at_slot(node.d_slot, node.form));
    has_gradient_[plan_->node_of(seed.value)] = 1;
  }
  if (plan_->options().wants_parameter_gradients) {
    entry_done_ = active_entries(gates_);
    for (std::size_t entry = 0; entry < entry_done_.size(); ++entry) {
      if (!entry_done_[entry])
        fill_bytes(parameters_.gradient(parameters_.entries()[entry]), std::byte{0});
      entry_done_[entry] = !entry_done_[entry];
    }
    next_entry_ = 0;
    report_ready_gradients();
  }
  for (int i = plan_->first_backward_step(); i < static_cast<int>(plan_->steps().size()); ++i)
    run_step(i);
  for (const Value value : plan_->options().wants_gradient) {
    const int id = plan_->node_of(value);
    const Plan::Node& node = plan_->nodes()[id];
    if (node.d_slot == Plan::kNoSlot || has_gradient_[id]) continue;
    fill_bytes(at_slot(node.d_slot, node.form), std::byte{0});
  }
}

void Executor::run_step(int index) {
  const Plan::Step& step = plan_->steps()[index];
  const auto& runs = step.phase == Plan::Phase::kBackward ? needed_.backward : needed_.forward;
  if (runs[step.node]) {
    const Plan::Node& node = plan_->nodes()[step.node];
    BoundStep& bound = bound_[index];
    std::vector<TensorView>& in = bound.in;
    for (std::size_t i = 0; i < in.size(); ++i) {
      const Graph::Edge& edge = node.lowered.inputs[i];
      const Plan::Node& source = plan_->nodes()[edge.from.node];
      in[i] = source.lowered.layer ? at_slot(step.in[i], source.form) : feeds_[edge.from.node];
      if (!open(edge)) in[i].data = nullptr;
    }
    bound.args.in = in;
    bound.args.step = step_;
    if (step.phase == Plan::Phase::kBackward) {
      run_backward_kernel(index, bound);
    } else {
      if (observer_) observer_->before(*plan_, step, bound.args);
      node.kernel->forward(bound.args);
      if (observer_) observer_->after(*plan_, step, bound.args);
    }
  }
  if (options_.poison_dead_memory) poison_slots_that_die_at(index);
  if (poll_) poll_();
}

// The first gradient to reach a value is written in place, later ones are added: by the kernel
// where it can, else through scratch memory.
void Executor::run_backward_kernel(int index, BoundStep& bound) {
  const Plan::Step& step = plan_->steps()[index];
  const Plan::Node& node = plan_->nodes()[step.node];
  std::vector<int> to_add;
  std::vector<TensorView> d_in = bound.d_in;
  for (std::size_t i = 0; i < d_in.size(); ++i) {
    const Graph::Edge& edge = node.lowered.inputs[i];
    bound.add_to_d_in[i] = false;
    if (!open(edge)) d_in[i].data = nullptr;
    if (!d_in[i]) continue;
    if (has_gradient_[edge.from.node]) {
      if (node.kernel->adds_to_d_in(static_cast<int>(i))) {
        bound.add_to_d_in[i] = true;
      } else {
        d_in[i] = bound.scratch[i];
        to_add.push_back(static_cast<int>(i));
      }
    }
    has_gradient_[edge.from.node] = 1;
  }
  bound.args.d_in = d_in;
  if (observer_) observer_->before(*plan_, step, bound.args);
  node.kernel->backward(bound.args);
  if (observer_) observer_->after(*plan_, step, bound.args);
  for (const int i : to_add) plan_->backend().add_to(d_in[i], bound.d_in[i]);
  bound.args.d_in = {};
  if (!plan_->options().wants_parameter_gradients) return;
  for (const int graph_node : node.lowered.parameters_of)
    for (const int entry : parameters_.of_node(graph_node)) entry_done_[entry] = 1;
  report_ready_gradients();
}

void Executor::report_ready_gradients() {
  for (; next_entry_ < static_cast<int>(entry_done_.size()) && entry_done_[next_entry_];
       ++next_entry_)
    if (gradient_ready_) gradient_ready_(next_entry_);
}

void Executor::poison_slots_that_die_at(int step) {
  for (std::size_t i = 0; i < plan_->slots().size(); ++i) {
    const MemorySlot& slot = plan_->slots()[i];
    const bool kept = step + 1 == static_cast<int>(plan_->steps().size());
    const TensorView bytes = {nullptr,
                              {static_cast<std::int64_t>(slot.bytes)},
                              DType::kUint8,
                              Layout::kNhwc,
                              plan_->backend().device()};
    if (slot.bytes > 0 && slot.last_step == step && !kept)
      fill_bytes(at_slot(static_cast<int>(i), bytes), std::byte{0xff});
  }
}

TensorView Executor::value(Value value) const {
  const int id = plan_->node_of(value);
  const std::string& name = plan_->graph().node(value).name;
  if (id < 0)
    throw ConfigError(name +
                      ": this plan does not keep the value; name it in PlanOptions::outputs");
  const Plan::Node& node = plan_->nodes()[id];
  if (!node.lowered.layer) return feeds_[id];
  return at_slot(plan_->value_slot(id), node.form);
}

TensorView Executor::gradient(Value value) const {
  const int id = plan_->node_of(value);
  if (id < 0 || plan_->nodes()[id].d_slot == Plan::kNoSlot)
    throw ConfigError(plan_->graph().node(value).name +
                      ": no gradient reaches this value in this plan");
  return at_slot(plan_->nodes()[id].d_slot, plan_->nodes()[id].form);
}

std::vector<std::uint8_t> Executor::active_entries(const GateMask& gates) const {
  std::vector<std::uint8_t> active(parameters_.entries().size(), 0);
  const Needed run = needed(gates);
  for (std::size_t id = 0; id < plan_->nodes().size(); ++id)
    if (run.backward[id] && uses_parameters(plan_->nodes()[id], gates))
      for (const int graph_node : plan_->nodes()[id].lowered.parameters_of)
        for (const int entry : parameters_.of_node(graph_node)) active[entry] = 1;
  return active;
}

std::vector<std::uint8_t> Executor::active_statistics(const GateMask& gates) const {
  std::vector<std::uint8_t> active(parameters_.running_entries().size(), 0);
  const Needed run = needed(gates);
  for (std::size_t id = 0; id < plan_->nodes().size(); ++id)
    if (run.forward[id] && uses_parameters(plan_->nodes()[id], gates))
      for (const int graph_node : plan_->nodes()[id].lowered.parameters_of)
        for (const int entry : parameters_.running_of_node(graph_node)) active[entry] = 1;
  return active;
}

std::int64_t Executor::macs(const GateMask& gates) const {
  std::int64_t total = 0;
  const Needed run = needed(gates);
  for (std::size_t id = 0; id < plan_->nodes().size(); ++id) {
    const Plan::Node& node = plan_->nodes()[id];
    if (!node.lowered.layer) continue;
    std::vector<Shape> in;
    for (const Graph::Edge& edge : node.lowered.inputs)
      in.push_back(plan_->nodes()[edge.from.node].form.shape);
    total += node.lowered.layer->macs(in) * (run.forward[id] + 2 * run.backward[id]);
  }
  return total;
}

}  // namespace hadal
