// What a plan says of itself: the table for people, the hash for ranks that compare.
#include <fmt/format.h>

#include "core/base/hash.h"
#include "core/base/strings.h"
#include "core/plan.h"

namespace hadal {
namespace {

std::vector<Shape> input_shapes(const Plan& plan, const Plan::Node& node) {
  std::vector<Shape> shapes;
  for (const Graph::Edge& edge : node.lowered.inputs)
    shapes.push_back(plan.nodes()[edge.from.node].form.shape);
  return shapes;
}

std::int64_t macs_of(const Plan& plan, const Plan::Node& node) {
  return node.lowered.layer ? node.lowered.layer->macs(input_shapes(plan, node)) : 0;
}

std::int64_t parameters_of(const Plan& plan, const Plan::Node& node) {
  std::int64_t count = 0;
  for (const int source : node.lowered.parameters_of) {
    const Graph::Node& n = plan.graph().nodes()[source];
    if (!n.layer) continue;
    for (const ParameterSpec& spec : n.layer->parameters(plan.graph().input_shapes(n)))
      count += spec.shape.elements();
  }
  return count;
}

std::string gates_of(const Plan& plan, const Plan::Node& node) {
  std::string text;
  for (const Graph::Edge& edge : node.lowered.inputs)
    if (edge.gate) {
      const Graph::GateInfo& gate = plan.graph().gates()[edge.gate->id];
      text += fmt::format("  {} p {:.3g}", gate.name, gate.survival_probability);
    }
  return text;
}

}  // namespace

std::int64_t Plan::forward_macs() const {
  std::int64_t total = 0;
  for (const Node& node : nodes_) total += macs_of(*this, node);
  return total;
}

std::string Plan::describe() const {
  std::string text = fmt::format("{:<32} {:<24} {:>20} {:>12} {:>16}  gate\n", "node", "layer",
                                 "output", "parameters", "multiply-adds");
  std::int64_t parameters = 0;
  for (const Node& node : nodes_) {
    const Layer* layer = node.lowered.layer.get();
    const std::int64_t own = parameters_of(*this, node);
    parameters += own;
    std::string what = layer ? std::string(layer->type()) : "input";
    if (layer && !layer->describe().empty()) what += " " + layer->describe();
    text += fmt::format("{:<32} {:<24} {:>20} {:>12} {:>16}{}{}\n", node.lowered.name, what,
                        node.form.shape.to_string(), own ? format_count(own) : "",
                        macs_of(*this, node) ? format_count(macs_of(*this, node)) : "",
                        gates_of(*this, node), node.recomputed ? "  recomputed" : "");
  }
  int forward = 0, recompute = 0, backward = 0;
  for (const Step& step : steps_) {
    forward += step.phase == Phase::kForward;
    recompute += step.phase == Phase::kRecompute;
    backward += step.phase == Phase::kBackward;
  }
  text += fmt::format("\nparameters     {}\nmultiply-adds  {} forward, {} per sample\n",
                      format_count(parameters), format_count(forward_macs()),
                      format_count(forward_macs() / options_.batch));
  text += fmt::format("steps          {} forward, {} recomputed, {} backward\n", forward, recompute,
                      backward);
  text += fmt::format(
      "memory         {} in one arena ({} bytes; live at once at most {}), {} for parameters\n",
      format_bytes(static_cast<double>(arena_bytes())),
      format_count(static_cast<long long>(arena_bytes())),
      format_bytes(static_cast<double>(live_bytes(slots_))),
      format_bytes(static_cast<double>(parameter_bytes_)));
  return text;
}

std::uint64_t Plan::hash() const {
  std::uint64_t hash = 0;
  const auto mix = [&](std::string_view text) { hash = hash64(text.data(), text.size(), hash); };
  for (const Node& node : nodes_) {
    mix(node.lowered.name);
    mix(node.form.shape.to_string());
    if (node.lowered.layer)
      mix(std::string(node.lowered.layer->type()) + node.lowered.layer->describe());
    for (const Graph::Edge& edge : node.lowered.inputs)
      mix(fmt::format("{} {}", edge.from.node, edge.gate ? edge.gate->id : -1));
  }
  for (const Step& step : steps_)
    mix(fmt::format("{} {}", static_cast<int>(step.phase), step.node));
  return hash;
}

}  // namespace hadal
