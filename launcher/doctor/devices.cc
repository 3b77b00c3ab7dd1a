#include "launcher/doctor/devices.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/base/json.h"
#include "launcher/training_group.h"

namespace hadal::launcher::doctor {
using nlohmann::json;
namespace {

constexpr std::size_t kSummed = 1 << 16;

/// Whether ones from all ranks add up to their number in every element.
bool sums_ones(dist::Communicator& comm, Device& device, dist::DeviceExchange& exchange) {
  const std::size_t bytes = kSummed * sizeof(float);
  std::vector<float> values(kSummed, 1);
  std::byte* const memory = exchange.allocate(bytes);
  device.upload(reinterpret_cast<const std::byte*>(values.data()), memory, bytes);
  exchange.all_reduce({reinterpret_cast<float*>(memory), kSummed});
  device.download(memory, reinterpret_cast<std::byte*>(values.data()), bytes);
  exchange.release(memory);
  return std::ranges::all_of(values,
                             [&](float value) { return value == static_cast<float>(comm.size()); });
}

}  // namespace

Devices probe_devices(dist::Communicator& comm, Backend& backend, const std::string& note) {
  Device* const device = backend.device();
  const std::string text = json{{"device", device ? device->name() : "cpu"}, {"note", note}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
  Devices devices;
  for (const std::string& each : comm.all_gather(std::string_view(text))) {
    const json report = parse_json(each, "report on a device");
    devices.by_rank.push_back({report.at("device"), report.at("note")});
  }
  if (std::ranges::count(devices.by_rank, "cpu", &DeviceReport::device) > 0) return devices;
  const auto exchange = open_exchange(comm, *device, devices.exchange_note);
  devices.exchange = exchange->name();
  devices.sums =
      comm.all_reduce(std::int64_t{sums_ones(comm, *device, *exchange)}, dist::ReduceOp::kMin) == 1;
  return devices;
}

json to_json(const Devices& devices) {
  json ranks = json::array();
  for (const DeviceReport& each : devices.by_rank)
    ranks.push_back({{"device", each.device}, {"note", each.note}});
  return {{"ranks", ranks},
          {"exchange", devices.exchange},
          {"exchange_note", devices.exchange_note},
          {"sums", devices.sums}};
}

}  // namespace hadal::launcher::doctor
