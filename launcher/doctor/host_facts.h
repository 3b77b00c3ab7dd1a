// What a process can say of the machine it runs on, for `hadal doctor`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "launcher/tools.h"

namespace hadal::launcher::doctor {

/// A library as it was when the program was built, and as it is found now.
struct LibraryVersion {
  std::string built, running;
};

struct HostFacts {
  std::string host;
  std::map<std::string, std::string> environment;    // describe_environment(), without the time
  std::map<std::string, std::string> libraries;      // "libdnnl.so" -> the file, links followed
  std::vector<std::string> direct_libraries;         // of these, what the program itself names
  std::vector<std::string> interfaces;               // "eth0 10.0.0.7", up and with an address
  std::int64_t shared_memory_bytes = 0;              // free in /dev/shm
  std::map<std::string, LibraryVersion> versions{};  // "oneDNN" -> …
  std::optional<int> ptrace_scope{};     // of Yama; above 0 it restricts what is tried below
  bool copies_between_processes = true;  // one copied from another's memory (process_vm_readv)
  std::int64_t memory_bytes = 0;         // that may be used; memory_limit()
  std::string memory_by{};
  /// Of `scontrol show config` where Slurm is installed and answers: PreemptMode, AuthInfo, …
  std::map<std::string, std::string> slurm{};
  std::optional<int> tcp_retries{};  // net.ipv4.tcp_retries2
  double multiply_adds_per_s = 0;    // of one core, a fixed small loop
};

/// Takes about a tenth of a second, and longer where Slurm is asked.
HostFacts host_facts(Tools& tools);

struct DiskReport {
  std::string path, file_system;  // "ext4", "nfs", …
  std::int64_t free_bytes = 0;
  double write_bytes_per_s = 0;  // with fsync
  double read_bytes_per_s = 0;   // after the pages were given back, where the system does that
  bool is_shared = true;         // rank 0 sees the same folder there
};

/// Writes, reads and removes a file of `bytes` in `folder`. Throws IoError.
DiskReport probe_disk(const std::filesystem::path& folder, std::int64_t bytes);

/// A file that the first rank leaves in a folder while this lives, for the others to look for.
class SharedFolder {
 public:
  /// Throws IoError.
  SharedFolder(const std::filesystem::path& folder, bool is_first);
  ~SharedFolder();
  SharedFolder(const SharedFolder&) = delete;
  SharedFolder& operator=(const SharedFolder&) = delete;
  bool is_seen() const;

 private:
  std::filesystem::path file_;
  bool is_first_;
};

nlohmann::json to_json(const DiskReport& report);
DiskReport disk_report_from_json(const nlohmann::json& object);

std::string to_json(const HostFacts& facts);
HostFacts host_facts_from_json(const std::string& text);

}  // namespace hadal::launcher::doctor
