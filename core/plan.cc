#include "core/plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/hash.h"
#include "core/base/strings.h"

namespace hadal {

/// The passes of Plan::compile, in the order of run().
class PlanCompiler {
 public:
  PlanCompiler(const Graph& graph, const Parameters& parameters, Backend& backend,
               const PlanOptions& options)
      : graph_(graph), parameters_(parameters), plan_(std::make_unique<Plan>()) {
    plan_->graph_ = &graph;
    plan_->backend_ = &backend;
    plan_->options_ = options;
  }

  std::unique_ptr<Plan> run() {
    HADAL_CHECK(parameters_.device() == plan_->backend_->device());
    lower_graph();
    infer_forms();
    differentiate();
    cut_into_segments();
    prepare_kernels();
    order_steps();
    assign_slots();
    plan_->placement_ = place(plan_->slots_, options().reuse_memory);
    plan_->parameter_bytes_ = 2 * parameters_.values().bytes() + 2 * parameters_.running().bytes();
    return std::move(plan_);
  }

 private:
  const PlanOptions& options() const { return plan_->options_; }
  std::vector<Plan::Node>& nodes() { return plan_->nodes_; }
  Plan::Node& node(int id) { return plan_->nodes_[id]; }
  int count() const { return static_cast<int>(plan_->nodes_.size()); }
  static bool is_input(const Plan::Node& node) { return node.lowered.layer == nullptr; }

  std::vector<int> plan_nodes(const std::vector<Value>& values) const {
    std::vector<int> ids;
    ids.reserve(values.size());
    for (const Value value : values) ids.push_back(plan_->node_of_.at(value.node));
    return ids;
  }

  void lower_graph() {
    LoweringOptions lowering{options().training, options().fuse, options().relu_rule, {}};
    for (const auto* values : {&options().outputs, &options().seeds, &options().wants_gradient})
      lowering.wanted.insert(lowering.wanted.end(), values->begin(), values->end());
    plan_->node_of_.assign(graph_.nodes().size(), -1);
    for (LoweredNode& lowered : lower(graph_, lowering)) {
      plan_->node_of_[lowered.value_of] = count();
      nodes().emplace_back().lowered = std::move(lowered);
    }
    for (int id = 0; id < count(); ++id)
      for (const Graph::Edge& edge : node(id).lowered.inputs)
        node(edge.from.node).consumers.push_back(id);
  }

  void infer_forms() {
    for (Plan::Node& n : nodes()) {
      const Graph::Node& source = graph_.nodes()[n.lowered.value_of];
      n.form.shape = source.shape.with_batch(options().batch);
      n.form.type = source.type == DType::kFloat32 ? options().type : source.type;
      n.form.device = plan_->backend_->device();
      n.form.layout = is_input(n) ? Layout::kNhwc
                                  : plan_->backend_->preferred_layout(n.form.shape, n.form.type);
    }
  }

  bool has_trainable_parameters(const LoweredNode& lowered) const {
    for (const int source : lowered.parameters_of)
      for (const int entry : parameters_.of_node(source))
        if (parameters_.entries()[entry].spec.trainable) return true;
    return false;
  }

  // A node runs backward when a gradient reaches it and something wanted lies at or before it.
  void differentiate() {
    std::vector<char> leads_to_wanted(count(), 0), reached(count(), 0);
    for (const int id : plan_nodes(options().wants_gradient)) leads_to_wanted[id] = 1;
    for (int id = 0; id < count(); ++id) {
      const Plan::Node& n = node(id);
      if (options().wants_parameter_gradients && has_trainable_parameters(n.lowered))
        leads_to_wanted[id] = 1;
      for (std::size_t i = 0; i < n.lowered.inputs.size(); ++i)
        if (n.lowered.layer->differentiable(static_cast<int>(i)) &&
            leads_to_wanted[n.lowered.inputs[i].from.node])
          leads_to_wanted[id] = 1;
    }
    for (const int id : plan_nodes(options().seeds)) reached[id] = 1;
    for (int id = count() - 1; id >= 0; --id) {
      Plan::Node& n = node(id);
      n.wants_d_in.assign(n.lowered.inputs.size(), false);
      if (is_input(n) || !reached[id]) continue;
      n.backward = options().wants_parameter_gradients && has_trainable_parameters(n.lowered);
      for (std::size_t i = 0; i < n.lowered.inputs.size(); ++i) {
        const int from = n.lowered.inputs[i].from.node;
        if (!n.lowered.layer->differentiable(static_cast<int>(i)) || !leads_to_wanted[from])
          continue;
        n.wants_d_in[i] = n.backward = true;
        reached[from] = 1;
      }
    }
    has_gradient_ = std::move(reached);
  }

  // A cut value is the only computed value that crosses its place in the order. One of every
  // recompute_every cut values ends a segment; all segments but the last run forward again before
  // their backward steps.
  void cut_into_segments() {
    if (options().recompute_every <= 0 || options().seeds.empty()) return;
    std::vector<int> last_reader(count(), -1);
    for (int id = 0; id < count(); ++id)
      for (const int consumer : node(id).consumers)
        last_reader[id] = std::max(last_reader[id], consumer);
    int segment = 0, cuts = 0, farthest_reader = -1;  // of values before the present one
    for (int id = 0; id < count(); ++id) {
      if (is_input(node(id))) continue;
      node(id).segment = segment;
      const bool is_cut = farthest_reader <= id && last_reader[id] > id;
      farthest_reader = std::max(farthest_reader, last_reader[id]);
      if (is_cut && ++cuts % options().recompute_every == 0) ++segment;
    }
    for (Plan::Node& n : nodes()) n.recomputed = !is_input(n) && n.segment < segment;
  }

  void prepare_kernels() {
    for (Plan::Node& n : nodes()) {
      if (is_input(n)) continue;
      KernelContext context;
      for (const Graph::Edge& edge : n.lowered.inputs)
        context.in.push_back(node(edge.from.node).form);
      context.out = n.form;
      context.training = options().training;
      context.wants_d_in = n.wants_d_in;
      context.wants_d_parameters = n.backward && options().wants_parameter_gradients;
      context.name = n.lowered.name;
      try {
        n.kernel = n.lowered.layer->prepare(*plan_->backend_, context);
      } catch (const ShapeError& error) {
        throw ShapeError(n.lowered.name + ": " + error.what());
      }
    }
  }

  void order_steps() {
    auto& steps = plan_->steps_;
    const auto append = [&](Plan::Phase phase, int id) {
      Plan::Step& step = steps.emplace_back();
      step.phase = phase;
      step.node = id;
    };
    for (int id = 0; id < count(); ++id)
      if (!is_input(node(id))) append(Plan::Phase::kForward, id);
    plan_->first_backward_step_ = static_cast<int>(steps.size());
    int rerun_segment = -1;
    for (int id = count() - 1; id >= 0; --id) {
      if (!node(id).backward) continue;
      if (node(id).recomputed && node(id).segment != rerun_segment) {
        rerun_segment = node(id).segment;
        for (int other = 0; other < count(); ++other)
          if (node(other).recomputed && node(other).segment == rerun_segment)
            append(Plan::Phase::kRecompute, other);
      }
      append(Plan::Phase::kBackward, id);
    }
  }

  int new_slot(std::size_t bytes) {
    plan_->slots_.push_back({bytes, 1, 0});
    return static_cast<int>(plan_->slots_.size()) - 1;
  }

  void touch(int slot, int step) {
    if (slot == Plan::kNoSlot) return;
    MemorySlot& s = plan_->slots_[slot];
    if (s.last_step < s.first_step) {
      s.first_step = s.last_step = step;
    } else {
      s.first_step = std::min(s.first_step, step);
      s.last_step = std::max(s.last_step, step);
    }
  }

  /// The value that ends a segment is kept, and computed again into the same place.
  bool ends_segment(int id) {
    return std::ranges::any_of(node(id).consumers, [&](int consumer) {
      return node(consumer).segment != node(id).segment;
    });
  }

  void assign_slots() {
    forward_value_.assign(count(), Plan::kNoSlot);
    backward_value_.assign(count(), Plan::kNoSlot);
    forward_saved_.assign(count(), Plan::kNoSlot);
    backward_saved_.assign(count(), Plan::kNoSlot);
    for (int id = 0; id < count(); ++id) {
      Plan::Node& n = node(id);
      if (has_gradient_[id] && !options().seeds.empty()) n.d_slot = new_slot(n.form.bytes());
      if (is_input(n)) continue;
      forward_value_[id] = new_slot(n.form.bytes());
      forward_saved_[id] = new_slot(n.kernel->saved_bytes());
      const bool apart = n.recomputed && !ends_segment(id);
      backward_value_[id] = apart ? new_slot(n.form.bytes()) : forward_value_[id];
      backward_saved_[id] = n.recomputed ? new_slot(n.kernel->saved_bytes()) : forward_saved_[id];
    }
    find_live_ranges();
    if (options().reuse_memory) work_in_place();
    plan_->value_slot_ = forward_value_;
  }

  void find_live_ranges() {
    auto& steps = plan_->steps_;
    std::vector<char> written(count(),
                              0);  // gradients: the first contribution writes, the rest add
    for (const int id : plan_nodes(options().seeds)) {
      written[id] = 1;
      touch(node(id).d_slot, plan_->first_backward_step_);
    }
    for (int s = 0; s < static_cast<int>(steps.size()); ++s) {
      Plan::Step& step = steps[s];
      const Plan::Node& n = node(step.node);
      const bool forward_pass = step.phase == Plan::Phase::kForward;
      const auto value_of = [&](int id) {
        return forward_pass ? forward_value_[id] : backward_value_[id];
      };
      // A recomputed node reads values of its own segment anew, and the kept value before it.
      for (const Graph::Edge& edge : n.lowered.inputs) step.in.push_back(value_of(edge.from.node));
      step.out = value_of(step.node);
      step.saved = forward_pass ? forward_saved_[step.node] : backward_saved_[step.node];
      step.workspace = new_slot(n.kernel->workspace_bytes());
      touch(step.saved, s);
      touch(step.workspace, s);
      if (step.phase != Plan::Phase::kBackward) {
        for (const int slot : step.in) touch(slot, s);
        touch(step.out, s);
        continue;
      }
      const BackwardReads reads = n.lowered.layer->backward_reads();
      if (reads.inputs)
        for (const int slot : step.in) touch(slot, s);
      if (reads.output) touch(step.out, s);
      touch(n.d_slot, s);
      step.scratch.assign(n.wants_d_in.size(), Plan::kNoSlot);
      for (std::size_t i = 0; i < n.wants_d_in.size(); ++i) {
        if (!n.wants_d_in[i]) continue;
        const int from = n.lowered.inputs[i].from.node;
        touch(node(from).d_slot, s);
        if (written[from] && !n.kernel->adds_to_d_in(static_cast<int>(i))) {
          step.scratch[i] = new_slot(node(from).form.bytes());
          touch(step.scratch[i], s);
        }
        written[from] = 1;
      }
    }
    const int end = static_cast<int>(steps.size()) - 1;
    for (const int id : plan_nodes(options().outputs)) touch(forward_value_[id], end);
    for (const int id : plan_nodes(options().wants_gradient)) touch(node(id).d_slot, end);
  }

  // Lets an output take over the memory of an input (or a gradient that of the gradient it came
  // from) that dies in the step which writes it.
  void work_in_place() {
    std::vector<int> new_name(plan_->slots_.size());
    for (std::size_t i = 0; i < new_name.size(); ++i) new_name[i] = static_cast<int>(i);
    const auto alias = [&](int slot, int onto) {
      MemorySlot& gone = plan_->slots_[slot];
      touch(onto, gone.first_step);
      touch(onto, gone.last_step);
      gone = {0, 1, 0};
      new_name[slot] = onto;
    };
    const auto current = [&](int slot) {
      while (slot != Plan::kNoSlot && new_name[slot] != slot) slot = new_name[slot];
      return slot;
    };
    const auto dies_at = [&](int slot, int step) { return plan_->slots_[slot].last_step == step; };
    const auto born_at = [&](int slot, int step) { return plan_->slots_[slot].first_step == step; };

    auto& steps = plan_->steps_;
    for (int s = 0; s < static_cast<int>(steps.size()); ++s) {
      const Plan::Step& step = steps[s];
      const Plan::Node& n = node(step.node);
      if (step.phase != Plan::Phase::kBackward) {
        if (!n.lowered.layer->forward_in_place() || n.lowered.inputs[0].gate) continue;
        const int in = current(step.in[0]), out = current(step.out);
        const TensorView& form = node(n.lowered.inputs[0].from.node).form;
        if (in == Plan::kNoSlot || in == out || !same_form(form, n.form)) continue;
        if (dies_at(in, s) && born_at(out, s)) alias(out, in);
      } else {
        const int i = n.lowered.layer->in_place_gradient();
        if (!n.lowered.layer->backward_in_place() || !n.wants_d_in[i] ||
            step.scratch[i] != Plan::kNoSlot)
          continue;
        const Plan::Node& source = node(n.lowered.inputs[i].from.node);
        const int d_out = current(n.d_slot), d_in = current(source.d_slot);
        if (d_in == d_out || !same_form(source.form, n.form)) continue;
        if (dies_at(d_out, s) && born_at(d_in, s)) alias(d_in, d_out);
      }
    }
    for (Plan::Step& step : steps) {
      for (int& slot : step.in) slot = current(slot);
      step.out = current(step.out);
    }
    for (Plan::Node& n : nodes()) n.d_slot = current(n.d_slot);
    for (int& slot : forward_value_) slot = current(slot);
  }

  static bool same_form(const TensorView& a, const TensorView& b) {
    return a.bytes() == b.bytes() && a.type == b.type && a.layout == b.layout;
  }

  const Graph& graph_;
  const Parameters& parameters_;
  std::unique_ptr<Plan> plan_;
  std::vector<char> has_gradient_;
  std::vector<int> forward_value_, backward_value_, forward_saved_, backward_saved_;
};

std::unique_ptr<Plan> Plan::compile(const Graph& graph, const Parameters& parameters,
                                    Backend& backend, const PlanOptions& options) {
  return PlanCompiler(graph, parameters, backend, options).run();
}

}  // namespace hadal
