#include "tests/core/naive_executor.h"

#include <cstring>

namespace hadal::test {
namespace {

bool is_open(const Graph::Edge& edge, const GateMask& gates) {
  return !edge.gate || gates.empty() || gates[edge.gate->id];
}

std::vector<bool> nodes_needed(const Graph& graph, std::span<const Feed> seeds,
                               const GateMask& gates) {
  std::vector<bool> needed(graph.nodes().size(), false);
  for (const Feed& seed : seeds) needed[seed.value.node] = true;
  for (int id = static_cast<int>(graph.nodes().size()) - 1; id >= 0; --id)
    if (needed[id])
      for (const Graph::Edge& edge : graph.nodes()[id].inputs)
        if (is_open(edge, gates)) needed[edge.from.node] = true;
  return needed;
}

}  // namespace

NaiveResult run_naively(const Graph& graph, Parameters& parameters, std::int64_t batch,
                        bool training, std::span<const Feed> inputs, std::span<const Feed> seeds,
                        const GateMask& gates, const StepInfo& step) {
  ReferenceBackend backend;
  NaiveResult result;
  std::memset(parameters.gradients().data, 0, parameters.gradients().bytes());
  for (const Feed& feed : inputs) {
    Tensor copy(feed.data.shape, feed.data.type);
    std::memcpy(copy.view().data, feed.data.data, feed.data.bytes());
    result.values[feed.value.node] = std::move(copy);
  }
  const int count = static_cast<int>(graph.nodes().size());
  const std::vector<bool> needed = nodes_needed(graph, seeds, gates);
  std::vector<std::unique_ptr<Kernel>> kernels(count);
  std::vector<AlignedBuffer> saved(count), workspace(count);

  struct Bound {
    std::vector<TensorView> in, parameters, running, statistics, d_parameters;
    KernelArgs args;
  };
  const auto bind = [&](int id, Bound& bound) {
    const Graph::Node& node = graph.nodes()[id];
    for (const Graph::Edge& edge : node.inputs) {
      TensorView view{nullptr, graph.shape(edge.from).with_batch(batch), DType::kFloat64};
      if (graph.node(edge.from).type == DType::kInt32) view.type = DType::kInt32;
      if (is_open(edge, gates)) view = result.values.at(edge.from.node).view();
      bound.in.push_back(view);
    }
    for (const int entry : parameters.of_node(id)) {
      bound.parameters.push_back(parameters.value(parameters.entries()[entry]));
      bound.d_parameters.push_back(parameters.gradient(parameters.entries()[entry]));
    }
    for (const int entry : parameters.running_of_node(id)) {
      bound.running.push_back(parameters.running(parameters.running_entries()[entry]));
      bound.statistics.push_back(parameters.statistic(parameters.running_entries()[entry]));
    }
    bound.args.in = bound.in;
    bound.args.out = result.values.at(id).view();
    bound.args.parameters = bound.parameters;
    bound.args.running = bound.running;
    bound.args.statistics = bound.statistics;
    bound.args.d_parameters = bound.d_parameters;
    bound.args.saved = saved[id].data();
    bound.args.workspace = workspace[id].data();
    bound.args.step = step;
  };

  for (int id = 0; id < count; ++id) {
    const Graph::Node& node = graph.nodes()[id];
    if (!node.layer || !needed[id]) continue;
    KernelContext context;
    for (const Graph::Edge& edge : node.inputs) {
      const DType type =
          graph.node(edge.from).type == DType::kInt32 ? DType::kInt32 : DType::kFloat64;
      context.in.push_back({nullptr, graph.shape(edge.from).with_batch(batch), type});
      context.wants_d_in.push_back(
          node.layer->differentiable(static_cast<int>(context.in.size()) - 1));
    }
    context.out = {nullptr, node.shape.with_batch(batch), DType::kFloat64};
    context.training = training;
    context.wants_d_parameters = true;
    kernels[id] = node.layer->prepare(backend, context);
    saved[id] = AlignedBuffer(kernels[id]->saved_bytes());
    workspace[id] = AlignedBuffer(kernels[id]->workspace_bytes());
    result.values[id] = Tensor(context.out.shape, DType::kFloat64);
    Bound bound;
    bind(id, bound);
    kernels[id]->forward(bound.args);
  }

  for (const Feed& seed : seeds) {
    Tensor copy(seed.data.shape, DType::kFloat64);
    copy_converted(seed.data, copy.view());
    result.gradients[seed.value.node] = std::move(copy);
  }
  for (int id = count - 1; id >= 0; --id) {
    const Graph::Node& node = graph.nodes()[id];
    if (!node.layer || !needed[id] || !result.gradients.contains(id)) continue;
    Bound bound;
    bind(id, bound);
    std::vector<Tensor> contributions(node.inputs.size());
    std::vector<TensorView> d_in(node.inputs.size());
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      d_in[i] = {nullptr, bound.in[i].shape, bound.in[i].type};
      if (!node.layer->differentiable(static_cast<int>(i)) || !is_open(node.inputs[i], gates))
        continue;
      contributions[i] = Tensor(bound.in[i].shape, DType::kFloat64);
      d_in[i] = contributions[i].view();
    }
    const Tensor d_out = result.gradients.at(id).clone();
    const auto add_to = std::make_unique<bool[]>(d_in.size());
    bound.args.d_out = d_out.view();
    bound.args.d_in = d_in;
    bound.args.add_to_d_in = {add_to.get(), d_in.size()};
    kernels[id]->backward(bound.args);
    for (std::size_t i = 0; i < d_in.size(); ++i) {
      if (!d_in[i]) continue;
      const int from = node.inputs[i].from.node;
      if (result.gradients.contains(from))
        backend.add_to(d_in[i], result.gradients.at(from).view());
      else
        result.gradients[from] = std::move(contributions[i]);
    }
  }
  return result;
}

}  // namespace hadal::test
