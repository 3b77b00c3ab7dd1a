// The devices that the ranks of a job would train on, and how gradients would travel between them.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/backend.h"
#include "dist/communicator.h"

namespace hadal::launcher::doctor {

/// Of one rank.
struct DeviceReport {
  std::string device;  // what --device auto takes: "cpu", "cuda:0"
  std::string note{};  // why that is no GPU although the machine has a driver for one
};

struct Devices {
  std::vector<DeviceReport> by_rank;
  std::string exchange{};       // "NCCL 2.28.9", "host memory"; "" where not all ranks have a GPU
  std::string exchange_note{};  // why that is not NCCL
  bool sums = true;             // whether a sum over all ranks through it was right
};

/// Collective. Opens the exchange as a training does, and sums through it. `note`: of the rank that
/// this backend was opened for.
Devices probe_devices(dist::Communicator& comm, Backend& backend, const std::string& note);

nlohmann::json to_json(const Devices& devices);

}  // namespace hadal::launcher::doctor
