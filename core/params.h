// The parameters of a graph, their gradients and BN's running statistics, each in one flat buffer,
// laid out in the order in which backward completes the gradients (the last layer first), so that a
// communication bucket is a slice.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph.h"

namespace hadal {

class Parameters {
 public:
  struct Entry {
    std::string name;  // "stage1.block0.conv1.weight"
    int node = -1;
    Shape shape;
    std::int64_t offset = 0;  // in elements; entries are padded to 16 elements (zeros in between)
    std::int64_t elements = 0;
    ParameterSpec spec;
  };
  struct RunningEntry {
    std::string name;  // "stage1.block0.bn1.mean"
    int node = -1;
    Shape shape;
    std::int64_t offset = 0;
    std::int64_t elements = 0;
    double initial_value = 0.0;
  };

  /// All buffers lie on `device`; null: in the host's memory.
  explicit Parameters(const Graph& graph, DType type = DType::kFloat32, Device* device = nullptr);

  /// Replaces the initialiser of every trainable weight of two dimensions or more.
  void set_weight_initializer(const Initializer& initializer);
  /// Sets every parameter from its initialiser and every running statistic to its initial value.
  void initialize(std::uint64_t seed);

  std::span<const Entry> entries() const { return entries_; }
  std::span<const RunningEntry> running_entries() const { return running_entries_; }
  const Entry& find(std::string_view name) const;  // ConfigError with the nearest name

  DType type() const { return values_.type(); }
  Device* device() const { return values_.device(); }
  std::int64_t trainable_count() const;  // without padding and fixed parameters

  /// Whole flat buffers, padding included.
  TensorView values() const { return values_.view(); }
  TensorView gradients() const { return gradients_.view(); }
  TensorView running() const { return running_.view(); }  // BN running mean and variance
  TensorView statistics() const {
    return statistics_.view();
  }  // the same layout: of the batch just run

  TensorView value(const Entry& entry) const;
  TensorView gradient(const Entry& entry) const;
  TensorView running(const RunningEntry& entry) const;
  TensorView statistic(const RunningEntry& entry) const;

  /// Indices into entries() / running_entries() of one node, in the layer's order.
  std::span<const int> of_node(int node) const;
  std::span<const int> running_of_node(int node) const;

  /// One 64-bit hash over names, values and running statistics.
  std::uint64_t hash() const;
  /// A hash of its own for the values of each of tensor_names(): to say where two replicas or two
  /// runs part.
  std::vector<std::uint64_t> tensor_hashes() const;
  /// Parameters, then running statistics, in the order of entries() and running_entries().
  std::vector<std::string> tensor_names() const;

 private:
  /// visit(name, bytes that the host can read), in the order of tensor_names().
  template <typename Visit>
  void for_each_tensor(const Visit& visit) const;

  std::vector<Entry> entries_;
  std::vector<RunningEntry> running_entries_;
  std::vector<std::vector<int>> of_node_, running_of_node_;
  Tensor values_, gradients_, running_, statistics_;
};

}  // namespace hadal
