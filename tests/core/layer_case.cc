#include "tests/core/layer_case.h"

#include <algorithm>
#include <memory>

#include <gtest/gtest.h>

#include "core/base/random.h"

namespace hadal::test {
namespace {

constexpr std::size_t kGuardBytes = 256;
constexpr std::byte kGuard{0xA5};
constexpr StepInfo kStep{.seed = 7, .step = 3, .first_sample = 5};

bool contains(const std::vector<int>& list, int i) {
  return std::find(list.begin(), list.end(), i) != list.end();
}

/// Memory between two guard zones; all bits set at first, which is NaN in float and double.
class Guarded {
 public:
  Guarded(std::string what, std::size_t bytes, Device* device)
      : what_(std::move(what)),
        bytes_(bytes),
        memory_(bytes + 2 * kGuardBytes, device),
        all_{memory_.data(),
             {static_cast<std::int64_t>(memory_.bytes())},
             DType::kUint8,
             Layout::kNhwc,
             device} {
    fill_bytes(all_, kGuard);
    poison();
  }

  std::byte* data() const { return memory_.data() + kGuardBytes; }
  void poison() const {
    TensorView inside = all_;
    inside.data = data();
    inside.shape = {static_cast<std::int64_t>(bytes_)};
    fill_bytes(inside, std::byte{0xFF});
  }

  /// From here on the contents must stay as they are.
  void freeze() {
    const std::vector<std::byte> now = contents();
    frozen_.assign(now.begin() + kGuardBytes, now.end() - kGuardBytes);
  }

  void expect_intact() const {
    const std::vector<std::byte> now = contents();
    const auto is_guard = [](std::byte b) { return b == kGuard; };
    const auto begin = now.begin() + kGuardBytes, end = now.end() - kGuardBytes;
    EXPECT_TRUE(std::all_of(now.begin(), begin, is_guard)) << "written before " << what_;
    EXPECT_TRUE(std::all_of(end, now.end(), is_guard)) << "written behind " << what_;
    EXPECT_TRUE(frozen_.empty() || std::equal(frozen_.begin(), frozen_.end(), begin))
        << what_ << " was changed";
  }

 private:
  std::vector<std::byte> contents() const {
    const HostView host(all_);
    const auto* const bytes = static_cast<const std::byte*>(host.view().data);
    return {bytes, bytes + memory_.bytes()};
  }

  std::string what_;
  std::size_t bytes_;
  AlignedBuffer memory_;
  TensorView all_;
  std::vector<std::byte> frozen_;
};

/// A tensor on guarded memory.
struct GuardedTensor {
  GuardedTensor(const std::string& what, const TensorView& form)
      : view(form), memory(std::make_unique<Guarded>(what, view.bytes(), view.device)) {
    view.data = memory->data();
  }

  void set(const std::vector<double>& values) const {
    if (view.type == DType::kInt32) {
      Tensor plain(view.shape, DType::kInt32);
      for (std::size_t i = 0; i < values.size(); ++i)
        plain.as<std::int32_t>()[i] = static_cast<std::int32_t>(values[i]);
      copy_converted(plain.view(), view);
      return;
    }
    Tensor plain(view.shape, DType::kFloat64);
    std::copy(values.begin(), values.end(), plain.as<double>());
    copy_converted(plain.view(), view);
  }
  std::vector<double> get() const {
    Tensor plain(view.shape, DType::kFloat64);
    copy_converted(view, plain.view());
    return {plain.span<double>().begin(), plain.span<double>().end()};
  }

  TensorView view;
  std::unique_ptr<Guarded> memory;
};

std::vector<TensorView> views_of(const std::vector<GuardedTensor>& tensors) {
  std::vector<TensorView> views;
  for (const GuardedTensor& tensor : tensors) views.push_back(tensor.view);
  return views;
}

/// `count` different values spread evenly over [low, high], in random order.
std::vector<double> spread(std::size_t count, double low, double high,
                           const random::Stream& stream) {
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = low + (high - low) * (static_cast<double>(i) + 0.51) / static_cast<double>(count);
  for (std::size_t i = count; i > 1; --i)
    std::swap(values[i - 1], values[random::below(stream, static_cast<std::uint32_t>(i), i)]);
  return values;
}

}  // namespace

std::shared_ptr<const Layer> layer_of(const LayerCase& layer_case) {
  Graph graph;
  std::vector<Value> inputs;
  for (std::size_t i = 0; i < layer_case.in.size(); ++i)
    inputs.push_back(graph.input(
        "in" + std::to_string(i), layer_case.in[i].with_batch(1),
        contains(layer_case.labels, static_cast<int>(i)) ? DType::kInt32 : DType::kFloat32));
  return graph.node(layer_case.build(graph, inputs)).layer;
}

Shape output_shape_of(const LayerCase& layer_case) {
  return layer_of(layer_case)->output_shape(layer_case.in);
}

LayerValues draw_values(const LayerCase& layer_case, std::uint64_t seed) {
  const auto layer = layer_of(layer_case);
  LayerValues values;
  random::Stream stream{seed, random::Purpose::kTest};
  const auto draw = [&](const Shape& shape, double low, double high) {
    ++stream.a;
    return spread(static_cast<std::size_t>(shape.elements()), low, high, stream);
  };
  for (std::size_t i = 0; i < layer_case.in.size(); ++i) {
    const Shape& shape = layer_case.in[i];
    values.in.push_back(draw(shape, layer_case.low, layer_case.high));
    if (contains(layer_case.labels, static_cast<int>(i)))
      for (std::size_t k = 0; k < values.in[i].size(); ++k)
        values.in[i][k] =
            random::below(stream, static_cast<std::uint32_t>(layer_case.classes), 1000 + k);
    values.d_in_before.push_back(draw(shape, -1, 1));
  }
  for (const ParameterSpec& spec : layer->parameters(layer_case.in))
    values.parameters.push_back(draw(spec.shape, -1, 1));
  for (const RunningSpec& spec : layer->running(layer_case.in))
    values.running.push_back(draw(spec.shape, 0.2, 1.4));
  values.d_out = draw(layer->output_shape(layer_case.in), -1, 1);
  return values;
}

LayerResult run_layer(Backend& backend, const LayerCase& layer_case, const LayerValues& values,
                      const RunOptions& options) {
  SCOPED_TRACE(layer_case.name + " on " + std::string(backend.name()));
  const auto layer = layer_of(layer_case);
  const auto guarded = [&](const std::string& what, const Shape& shape, DType type) {
    const bool blocked = options.preferred_layouts && shape.rank() == 4 && type == options.type;
    const Layout layout = blocked ? backend.preferred_layout(shape, type) : Layout::kNhwc;
    return GuardedTensor(what, {nullptr, shape, type, layout, backend.device()});
  };
  const auto absent = [](TensorView view) {
    view.data = nullptr;
    return view;
  };

  // Forward.
  std::vector<GuardedTensor> in, parameters, running, statistics, d_in, d_parameters;
  std::vector<DType> types;
  for (std::size_t i = 0; i < layer_case.in.size(); ++i) {
    types.push_back(contains(layer_case.labels, static_cast<int>(i)) ? DType::kInt32
                                                                     : options.type);
    in.push_back(guarded("in[" + std::to_string(i) + "]", layer_case.in[i], types[i]));
    in[i].set(values.in[i]);
  }
  const Shape out_shape = layer->output_shape(layer_case.in);
  const DType out_type = layer->output_type(types);
  const auto specs = layer->parameters(layer_case.in);
  for (std::size_t i = 0; i < specs.size(); ++i) {
    parameters.push_back(guarded(specs[i].name, specs[i].shape, options.type));
    parameters[i].view.layout = Layout::kNhwc;
    parameters[i].set(values.parameters[i]);
    d_parameters.push_back(guarded("d_" + specs[i].name, specs[i].shape, options.type));
    d_parameters[i].view.layout = Layout::kNhwc;
  }
  for (const RunningSpec& spec : layer->running(layer_case.in)) {
    running.push_back(guarded("running " + spec.name, spec.shape, options.type));
    running.back().set(values.running[running.size() - 1]);
    statistics.push_back(guarded("statistic " + spec.name, spec.shape, options.type));
  }
  GuardedTensor out = guarded("out", out_shape, out_type);
  GuardedTensor d_out = guarded("d_out", out_shape, out_type);

  KernelContext context;
  context.training = layer_case.training;
  context.name = layer_case.name;
  for (std::size_t i = 0; i < in.size(); ++i) {
    context.in.push_back(absent(in[i].view));
    context.wants_d_in.push_back(options.backward && layer->differentiable(static_cast<int>(i)) &&
                                 !contains(options.without_d_in, static_cast<int>(i)));
  }
  context.out = absent(out.view);
  context.wants_d_parameters = options.backward && options.wants_d_parameters;
  const std::unique_ptr<Kernel> kernel = layer->prepare(backend, context);
  Guarded saved("saved", kernel->saved_bytes(), backend.device());
  Guarded workspace("workspace", kernel->workspace_bytes(), backend.device());

  std::vector<TensorView> in_views = views_of(in);
  for (const int closed : layer_case.closed)
    in_views[static_cast<std::size_t>(closed)].data = nullptr;
  const bool out_is_in = options.forward_in_place && layer->forward_in_place() && in_views[0] &&
                         in_views[0].shape == out_shape && in_views[0].layout == out.view.layout;
  for (std::size_t i = out_is_in ? 1 : 0; i < in.size(); ++i) in[i].memory->freeze();
  for (GuardedTensor& parameter : parameters) parameter.memory->freeze();
  for (GuardedTensor& statistic : running) statistic.memory->freeze();

  const std::vector<TensorView> parameter_views = views_of(parameters),
                                running_views = views_of(running),
                                statistic_views = views_of(statistics);
  KernelArgs args;
  args.in = in_views;
  args.out = out_is_in ? in_views[0] : out.view;
  args.parameters = parameter_views;
  args.running = running_views;
  if (layer_case.training) args.statistics = statistic_views;
  args.saved = saved.data();
  args.workspace = workspace.data();
  args.step = kStep;
  kernel->forward(args);

  LayerResult result;
  result.out = out_is_in ? in[0].get() : out.get();
  if (layer_case.training)
    for (const GuardedTensor& statistic : statistics) result.statistics.push_back(statistic.get());
  const auto expect_intact = [&] {
    for (const auto* tensors : {&in, &parameters, &running, &statistics, &d_in, &d_parameters})
      for (const GuardedTensor& tensor : *tensors) tensor.memory->expect_intact();
    for (const GuardedTensor* tensor : {&out, &d_out}) tensor->memory->expect_intact();
    saved.expect_intact();
    workspace.expect_intact();
  };
  expect_intact();
  const BackwardReads reads = layer->backward_reads();
  if (!options.backward || (out_is_in && reads.inputs)) return result;

  // Backward.
  workspace.poison();
  if (options.poison) {
    for (std::size_t i = 0; i < in.size() && !reads.inputs; ++i) {
      if (i == 0 && out_is_in && reads.output) continue;
      in[i].memory->poison();
      if (types[i] != DType::kInt32) continue;
      std::vector<double> others = values.in[i];
      for (double& label : others) label = static_cast<int>(label + 1) % layer_case.classes;
      in[i].set(others);
    }
    if (!reads.output) out.memory->poison();
  }
  for (GuardedTensor& tensor : in) tensor.memory->freeze();
  if (!out_is_in) out.memory->freeze();
  d_out.set(values.d_out);
  args.d_out = d_out.view;

  std::vector<TensorView> d_in_views, d_parameter_views = views_of(d_parameters);
  const auto add = std::make_unique<bool[]>(in.size());
  std::vector<bool> in_place(in.size(), false);
  for (std::size_t i = 0; i < in.size(); ++i) {
    d_in.push_back(guarded("d_in[" + std::to_string(i) + "]", layer_case.in[i], options.type));
    d_in_views.push_back(d_in[i].view);
    if (!context.wants_d_in[i] || contains(layer_case.closed, static_cast<int>(i))) {
      d_in_views[i].data = nullptr;
    } else if (static_cast<int>(i) == layer->in_place_gradient() && options.backward_in_place &&
               layer->backward_in_place() && d_in[i].view.shape == out_shape &&
               d_in[i].view.layout == d_out.view.layout) {
      d_in_views[i] = d_out.view;
      in_place[i] = true;
    } else if (options.add_to_d_in && kernel->adds_to_d_in(static_cast<int>(i))) {
      add[i] = true;
      d_in[i].set(values.d_in_before[i]);
    }
  }
  for (std::size_t i = 0; i < specs.size(); ++i)
    if (!context.wants_d_parameters || !specs[i].trainable) d_parameter_views[i].data = nullptr;
  const auto present = [](const TensorView& view) { return bool(view); };
  if (std::none_of(d_in_views.begin(), d_in_views.end(), present) &&
      std::none_of(d_parameter_views.begin(), d_parameter_views.end(), present))
    return result;
  args.d_in = d_in_views;
  args.d_parameters = d_parameter_views;
  args.add_to_d_in = {add.get(), in.size()};
  kernel->backward(args);
  expect_intact();

  result.ran_backward = true;
  for (std::size_t i = 0; i < in.size(); ++i) {
    result.d_in.push_back(!d_in_views[i] ? std::vector<double>{}
                                         : (in_place[i] ? d_out : d_in[i]).get());
    if (add[i])
      for (std::size_t k = 0; k < result.d_in[i].size(); ++k)
        result.d_in[i][k] -= values.d_in_before[i][k];
  }
  for (std::size_t i = 0; i < specs.size(); ++i)
    result.d_parameters.push_back(d_parameter_views[i] ? d_parameters[i].get()
                                                       : std::vector<double>{});
  return result;
}

}  // namespace hadal::test
