// What a process can say of the machine it runs on, for `hadal doctor`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hadal::launcher::doctor {

struct HostFacts {
  std::string host;
  std::map<std::string, std::string> environment;  // describe_environment(), without the time
  std::map<std::string, std::string> libraries;    // "libdnnl.so" -> the file, links followed
  std::vector<std::string> direct_libraries;       // of these, what the program itself names
  std::vector<std::string> interfaces;             // "eth0 10.0.0.7", up and with an address
  std::int64_t shared_memory_bytes = 0;            // free in /dev/shm
  std::optional<int> ptrace_scope{};  // above 0, ranks may not copy from each other's memory
  std::optional<int> tcp_retries{};   // net.ipv4.tcp_retries2
  double multiply_adds_per_s = 0;     // of one core, a fixed small loop
};

/// Takes about a tenth of a second.
HostFacts host_facts();

struct DiskReport {
  std::string path, file_system;  // "ext4", "nfs", …
  std::int64_t free_bytes = 0;
  double write_bytes_per_s = 0;  // with fsync
  double read_bytes_per_s = 0;   // after the pages were given back, where the system does that
};

/// Writes, reads and removes a file of `bytes` in `folder`. Throws IoError.
DiskReport probe_disk(const std::filesystem::path& folder, std::int64_t bytes);

std::string to_json(const HostFacts& facts);
HostFacts host_facts_from_json(const std::string& text);

}  // namespace hadal::launcher::doctor
