#include "dist/device_group.h"

namespace hadal::dist {
namespace {

TensorView view_of(std::span<float> values, Device* device) {
  return {values.data(),
          {static_cast<std::int64_t>(values.size())},
          DType::kFloat32,
          Layout::kNhwc,
          device};
}

}  // namespace

void DeviceGroup::attach(const ReplicaBuffers& buffers) {
  device_ = buffers.device;
  if (!device_) return inner_.attach(buffers);
  gradients_ = view_of(buffers.gradients, device_);
  statistics_ = view_of(buffers.statistics, device_);
  host_gradients_ = Tensor(stages() ? gradients_.shape : Shape{0});
  host_statistics_ = Tensor(stages() ? statistics_.shape : Shape{0});
  if (!stages()) return inner_.attach({});
  ReplicaBuffers on_host = buffers;
  on_host.gradients = host_gradients_.span<float>();
  on_host.statistics = host_statistics_.span<float>();
  on_host.device = nullptr;
  inner_.attach(on_host);
}

void DeviceGroup::begin_step(std::int64_t step, std::span<const std::uint8_t> active,
                             std::span<const std::uint8_t> active_statistics) {
  if (device_ && !stages()) return inner_.begin_step(step);
  inner_.begin_step(step, active, active_statistics);
}

void DeviceGroup::ready(int entry) {
  if (!device_) inner_.ready(entry);
}

void DeviceGroup::shard_done() {
  if (stages()) {
    copy_converted(gradients_, host_gradients_.view());
    copy_converted(statistics_, host_statistics_.view());
  }
  inner_.shard_done();
}

void DeviceGroup::finish() {
  inner_.finish();
  if (!stages()) return;
  copy_converted(host_gradients_.view(), gradients_);
  copy_converted(host_statistics_.view(), statistics_);
}

}  // namespace hadal::dist
