#include "core/train/replica_group.h"

#include "core/base/error.h"
#include "core/params.h"

namespace hadal {
namespace {

template <typename Entries>
std::vector<ReplicaBuffers::Extent> extents_of(const Entries& entries) {
  std::vector<ReplicaBuffers::Extent> extents;
  extents.reserve(entries.size());
  for (const auto& entry : entries) extents.push_back({entry.offset, entry.elements});
  return extents;
}

std::span<float> floats(const TensorView& view) {
  if (!view) return {};
  return {view.as<float>(), static_cast<std::size_t>(view.shape.elements())};
}

}  // namespace

ReplicaBuffers replica_buffers(const Parameters& parameters) {
  if (parameters.type() != DType::kFloat32)
    throw ConfigError("data-parallel training: parameters are " +
                      std::string(name_of(parameters.type())) + ", only float32 can be exchanged");
  return {.entries = extents_of(parameters.entries()),
          .gradients = floats(parameters.gradients()),
          .statistics_entries = extents_of(parameters.running_entries()),
          .statistics = floats(parameters.statistics()),
          .device = parameters.device()};
}

}  // namespace hadal
