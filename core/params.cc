#include "core/params.h"

#include "core/base/hash.h"
#include "core/base/strings.h"

namespace hadal {
namespace {

constexpr std::int64_t kAlignment = 16;  // elements: one cache line of floats

std::int64_t aligned(std::int64_t elements) {
  return (elements + kAlignment - 1) / kAlignment * kAlignment;
}

/// The slice of a flat buffer.
TensorView slice(const TensorView& flat, std::int64_t offset, const Shape& shape) {
  TensorView view = flat;
  view.data =
      static_cast<std::byte*>(flat.data) + offset * static_cast<std::int64_t>(size_of(flat.type));
  view.shape = shape;
  return view;
}

}  // namespace

Parameters::Parameters(const Graph& graph, DType type, Device* device) {
  const int node_count = static_cast<int>(graph.nodes().size());
  of_node_.resize(node_count);
  running_of_node_.resize(node_count);
  std::int64_t elements = 0, running_elements = 0;
  for (int node = node_count - 1; node >= 0; --node) {
    const Graph::Node& n = graph.nodes()[node];
    if (!n.layer) continue;
    const std::vector<Shape> shapes = graph.input_shapes(n);
    for (ParameterSpec& spec : n.layer->parameters(shapes)) {
      of_node_[node].push_back(static_cast<int>(entries_.size()));
      entries_.push_back(
          {n.name + "." + spec.name, node, spec.shape, elements, spec.shape.elements(), spec});
      elements += aligned(spec.shape.elements());
    }
    for (const RunningSpec& spec : n.layer->running(shapes)) {
      running_of_node_[node].push_back(static_cast<int>(running_entries_.size()));
      running_entries_.push_back({n.name + "." + spec.name, node, spec.shape, running_elements,
                                  spec.shape.elements(), spec.initial_value});
      running_elements += aligned(spec.shape.elements());
    }
  }
  for (Tensor* flat : {&values_, &gradients_})
    *flat = Tensor({elements}, type, Layout::kNhwc, device);
  for (Tensor* flat : {&running_, &statistics_})
    *flat = Tensor({running_elements}, type, Layout::kNhwc, device);
}

void Parameters::set_weight_initializer(const Initializer& initializer) {
  for (Entry& entry : entries_)
    if (entry.spec.trainable && entry.shape.rank() >= 2) entry.spec.initializer = initializer;
}

void Parameters::initialize(std::uint64_t seed) {
  for (const Entry& entry : entries_)
    hadal::initialize(value(entry), entry.spec.initializer, seed, entry.name);
  for (const RunningEntry& entry : running_entries_)
    hadal::initialize(running(entry), Initializer::constant(entry.initial_value), seed, entry.name);
}

const Parameters::Entry& Parameters::find(std::string_view name) const {
  std::vector<std::string> known;
  for (const Entry& entry : entries_) {
    if (entry.name == name) return entry;
    known.push_back(entry.name);
  }
  throw ConfigError(unknown_name("parameter", name, known));
}

std::int64_t Parameters::trainable_count() const {
  std::int64_t count = 0;
  for (const Entry& entry : entries_)
    if (entry.spec.trainable) count += entry.elements;
  return count;
}

TensorView Parameters::value(const Entry& entry) const {
  return slice(values_.view(), entry.offset, entry.shape);
}
TensorView Parameters::gradient(const Entry& entry) const {
  return slice(gradients_.view(), entry.offset, entry.shape);
}
TensorView Parameters::running(const RunningEntry& entry) const {
  return slice(running_.view(), entry.offset, entry.shape);
}
TensorView Parameters::statistic(const RunningEntry& entry) const {
  return slice(statistics_.view(), entry.offset, entry.shape);
}

std::span<const int> Parameters::of_node(int node) const { return of_node_.at(node); }
std::span<const int> Parameters::running_of_node(int node) const {
  return running_of_node_.at(node);
}

template <typename Visit>
void Parameters::for_each_tensor(const Visit& visit) const {
  const HostView values(values_.view()), running(running_.view());
  const auto part = [](const HostView& flat, const auto& entry) {
    return slice(flat.view(), entry.offset, entry.shape);
  };
  for (const Entry& entry : entries_) visit(entry.name, part(values, entry));
  for (const RunningEntry& entry : running_entries_) visit(entry.name, part(running, entry));
}

std::uint64_t Parameters::hash() const {
  std::uint64_t hash = 0;
  for_each_tensor([&](const std::string& name, const TensorView& tensor) {
    hash = hash64(name.data(), name.size(), hash);
    hash = hash64(tensor.data, tensor.bytes(), hash);
  });
  return hash;
}

std::vector<std::uint64_t> Parameters::tensor_hashes() const {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(entries_.size() + running_entries_.size());
  for_each_tensor([&](const std::string&, const TensorView& tensor) {
    hashes.push_back(hash64(tensor.data, tensor.bytes()));
  });
  return hashes;
}

std::vector<std::string> Parameters::tensor_names() const {
  std::vector<std::string> names;
  names.reserve(entries_.size() + running_entries_.size());
  for (const Entry& entry : entries_) names.push_back(entry.name);
  for (const RunningEntry& entry : running_entries_) names.push_back(entry.name);
  return names;
}

}  // namespace hadal
