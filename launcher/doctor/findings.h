// What the facts of hosts and links mean: nothing to say, worth knowing, or in the way of training.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "dist/link_probe.h"
#include "launcher/doctor/devices.h"
#include "launcher/doctor/host_facts.h"

namespace hadal::launcher::doctor {

enum class Level { kNote, kBad };

struct Finding {
  Level level = Level::kNote;
  std::string text;  // one line: what, where, and the way out
};

/// One HostFacts and one DiskReport per rank, by rank; links and devices of them.
///
/// Bad: ranks of different programs (version, commit), libraries of different files' names, hosts
/// whose name is the same while their interfaces are not, a folder that is another one on another
/// host, libraries of another minor version than the program was built for, less than 64 MiB of
/// shared memory, less than 1 GiB of disk, GPUs on some
/// ranks alone, a sum between GPUs that came out wrong. Notes: GPUs that were not taken or not
/// connected by NCCL, clocks more than a second apart, a host at less
/// than 0.8 of the median speed, a link at less than half the median bandwidth of its kind, shared
/// memory copies refused, TCP that takes a quarter of an hour to notice a dead host, a folder in
/// memory or on NFS, a Slurm that preempts without warning or lets requeued jobs wait.
std::vector<Finding> findings(std::span<const HostFacts> hosts, std::span<const DiskReport> disks,
                              std::span<const dist::LinkReport> links, const Devices& devices);

}  // namespace hadal::launcher::doctor
