#include "launcher/doctor/host_facts.h"

#include <cerrno>
#include <cmath>
#include <fstream>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <link.h>
#include <net/if.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/json.h"
#include "core/base/strings.h"
#include "core/cpu/dnnl_version.h"
#include "dist/mpi_version.h"
#include "launcher/environment.h"
#include "launcher/memory_limit.h"
#include "launcher/privacy.h"

namespace hadal::launcher::doctor {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr double kSlurmPatience_s = 10;

/// "libdnnl.so.2" -> "libdnnl.so"; "" for what is no library.
std::string library_name(const std::string& file) {
  const std::size_t end = file.find(".so");
  return end == std::string::npos ? "" : file.substr(0, end + 3);
}

void add_direct_libraries(const dl_phdr_info& program, std::vector<std::string>& to) {
  for (int i = 0; i < program.dlpi_phnum; ++i) {
    if (program.dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
    const auto* entries =
        reinterpret_cast<const ElfW(Dyn)*>(program.dlpi_addr + program.dlpi_phdr[i].p_vaddr);
    const char* texts = nullptr;
    for (const auto* entry = entries; entry->d_tag != DT_NULL; ++entry)
      if (entry->d_tag == DT_STRTAB) texts = reinterpret_cast<const char*>(entry->d_un.d_ptr);
    for (const auto* entry = entries; texts && entry->d_tag != DT_NULL; ++entry)
      if (entry->d_tag == DT_NEEDED) to.push_back(library_name(texts + entry->d_un.d_val));
  }
}

int add_library(dl_phdr_info* info, std::size_t, void* to) {
  HostFacts& facts = *static_cast<HostFacts*>(to);
  const fs::path path = info->dlpi_name ? info->dlpi_name : "";
  if (path.empty() && facts.direct_libraries.empty())  // the program itself comes first
    add_direct_libraries(*info, facts.direct_libraries);
  const std::string name = library_name(path.filename().string());
  std::error_code error;
  const fs::path file = fs::canonical(path, error);
  if (!name.empty() && !error) facts.libraries[name] = file.string();
  return 0;
}

std::optional<int> number_in(const char* path) {
  int value = 0;
  if (std::ifstream(path) >> value) return value;
  return std::nullopt;
}

std::vector<std::string> interfaces() {
  std::vector<std::string> found;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return found;
  for (const ifaddrs* each = list; each; each = each->ifa_next) {
    if (!each->ifa_addr || !(each->ifa_flags & IFF_UP)) continue;
    const int family = each->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const void* address = family == AF_INET
                              ? static_cast<const void*>(
                                    &reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr)
                              : &reinterpret_cast<const sockaddr_in6*>(each->ifa_addr)->sin6_addr;
    char text[INET6_ADDRSTRLEN] = {};
    if (::inet_ntop(family, address, text, sizeof text))
      found.push_back(fmt::format("{} {}", each->ifa_name, text));
  }
  ::freeifaddrs(list);
  return found;
}

/// Whether one child of this process can copy from another's memory, as ranks of one machine do.
bool copies_between_siblings() {
  const int value = 42;
  const pid_t owner = ::fork();
  if (owner == 0) {
    ::pause();
    ::_exit(0);
  }
  const pid_t reader = owner < 0 ? -1 : ::fork();
  if (reader == 0) {
    int copy = 0;
    iovec local{&copy, sizeof copy}, remote{const_cast<int*>(&value), sizeof value};
    const bool copied = ::process_vm_readv(owner, &local, 1, &remote, 1, 0) == sizeof copy;
    ::_exit(copied && copy == value ? 0 : 1);
  }
  int status = 1;
  if (reader > 0)
    while (::waitpid(reader, &status, 0) < 0 && errno == EINTR) continue;
  if (owner > 0) {
    ::kill(owner, SIGKILL);
    while (::waitpid(owner, nullptr, 0) < 0 && errno == EINTR) continue;
  }
  return reader > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::map<std::string, std::string> slurm_settings(Tools& tools) {
  std::map<std::string, std::string> settings;
  try {
    const ToolOutput answer = tools.call({"scontrol", "show", "config"}, {}, kSlurmPatience_s);
    for (const std::string& line : split(answer.out, '\n')) {
      const std::size_t equals = line.find('=');
      if (equals == std::string::npos) continue;
      const std::string name(trim(std::string_view(line).substr(0, equals)));
      for (const char* known : {"AuthInfo", "JobRequeue", "KillWait", "MaxArraySize", "PreemptMode",
                                "PreemptType", "SlurmctldParameters", "SLURM_VERSION"})
        if (name == known) settings[name] = trim(std::string_view(line).substr(equals + 1));
    }
  } catch (const IoError&) {
    // Slurm is not installed here.
  }
  return settings;
}

/// The quickest of some turns, so that others on the machine disturb little.
double multiply_adds_per_s() {
  constexpr int kTurns = 20, kSteps = 200000, kLanes = 16;
  const SystemClock clock;
  double best = 0;
  for (int turn = 0; turn < kTurns; ++turn) {
    float lanes[kLanes] = {};
    const double start = clock.now_s();
    for (int i = 0; i < kSteps; ++i)
      for (float& lane : lanes) lane = lane * 0.999f + 0.5f;
    const double seconds = clock.now_s() - start;
    float sum = 0;
    for (const float lane : lanes) sum += lane;
    HADAL_CHECK(std::isfinite(sum));
    best = std::max(best, static_cast<double>(kSteps) * kLanes / seconds);
  }
  return best;
}

std::string file_system_name(const struct statfs& at) {
  switch (static_cast<unsigned long>(at.f_type)) {
    case 0xEF53:
      return "ext4";
    case 0x6969:
      return "nfs";
    case 0x58465342:
      return "xfs";
    case 0x9123683E:
      return "btrfs";
    case 0x01021994:
      return "tmpfs";
    case 0x794c7630:
      return "overlay";
    case 0x0BD00BD0:
      return "lustre";
    case 0x47504653:
      return "gpfs";
    case 0x65735546:
      return "fuse";
    default:
      return fmt::format("type {:#x}", static_cast<unsigned long>(at.f_type));
  }
}

/// An open file that is gone when it is closed.
class ScratchFile {
 public:
  explicit ScratchFile(const fs::path& folder) : name_((folder / ".hadal-doctor-XXXXXX").string()) {
    descriptor_ = ::mkstemp(name_.data());
    if (descriptor_ < 0) throw io_error("cannot write in", folder.string(), errno);
    ::unlink(name_.c_str());
  }
  ~ScratchFile() { ::close(descriptor_); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  void write(const std::vector<char>& block, std::int64_t bytes) {
    for (std::int64_t done = 0; done < bytes; done += static_cast<std::int64_t>(block.size()))
      if (::write(descriptor_, block.data(), block.size()) != static_cast<ssize_t>(block.size()))
        throw io_error("cannot write", name_, errno);
    if (::fsync(descriptor_) != 0) throw io_error("cannot sync", name_, errno);
  }
  void read(std::vector<char>& block, std::int64_t bytes) {
    ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_DONTNEED);
    ::lseek(descriptor_, 0, SEEK_SET);
    for (std::int64_t done = 0; done < bytes;) {
      const ssize_t got = ::read(descriptor_, block.data(), block.size());
      if (got <= 0) throw io_error("cannot read", name_, errno);
      done += got;
    }
  }

 private:
  std::string name_;
  int descriptor_ = -1;
};

}  // namespace

HostFacts host_facts(Tools& tools) {
  HostFacts facts;
  facts.host = host_name();
  facts.environment = describe_environment({}, 1);
  for (const char* of_this_run : {"started", "command", "ranks", "host"})
    facts.environment.erase(of_this_run);
  ::dl_iterate_phdr(add_library, &facts);
  facts.interfaces = interfaces();
  struct statvfs shared {};
  if (::statvfs("/dev/shm", &shared) == 0)
    facts.shared_memory_bytes = static_cast<std::int64_t>(shared.f_bavail * shared.f_frsize);
  facts.ptrace_scope = number_in("/proc/sys/kernel/yama/ptrace_scope");
  facts.tcp_retries = number_in("/proc/sys/net/ipv4/tcp_retries2");
  facts.versions = {{"oneDNN", {cpu::dnnl_built_version(), cpu::dnnl_version()}},
                    {"Open MPI", {dist::mpi_built_version(), dist::mpi_version()}}};
  facts.copies_between_processes = copies_between_siblings();
  const MemoryLimit memory = memory_limit();
  facts.memory_bytes = memory.bytes;
  facts.memory_by = memory.by;
  facts.slurm = slurm_settings(tools);
  facts.multiply_adds_per_s = multiply_adds_per_s();
  return facts;
}

DiskReport probe_disk(const fs::path& folder, std::int64_t bytes) {
  DiskReport report;
  report.path = folder.string();
  struct statfs at {};
  if (::statfs(folder.c_str(), &at) != 0) throw io_error("cannot look at", folder.string(), errno);
  report.file_system = file_system_name(at);
  report.free_bytes = static_cast<std::int64_t>(at.f_bavail) * at.f_bsize;
  std::vector<char> block(std::size_t{4} << 20, 'h');
  ScratchFile file(folder);
  const SystemClock clock;
  const double start = clock.now_s();
  file.write(block, bytes);
  const double written = clock.now_s();
  file.read(block, bytes);
  report.write_bytes_per_s = static_cast<double>(bytes) / (written - start);
  report.read_bytes_per_s = static_cast<double>(bytes) / (clock.now_s() - written);
  return report;
}

SharedFolder::SharedFolder(const fs::path& folder, bool is_first)
    : file_(folder / ".hadal-doctor-shared"), is_first_(is_first) {
  if (is_first_) write_file_atomically(file_, user_name() + "\n");
}

SharedFolder::~SharedFolder() {
  std::error_code ignored;
  if (is_first_) fs::remove(file_, ignored);
}

bool SharedFolder::is_seen() const { return fs::exists(file_); }

json to_json(const DiskReport& report) {
  return {{"path", report.path},
          {"file_system", report.file_system},
          {"free_bytes", report.free_bytes},
          {"write_bytes_per_s", report.write_bytes_per_s},
          {"read_bytes_per_s", report.read_bytes_per_s},
          {"is_shared", report.is_shared}};
}

DiskReport disk_report_from_json(const json& object) {
  return {object.at("path"),
          object.at("file_system"),
          object.at("free_bytes"),
          object.at("write_bytes_per_s"),
          object.at("read_bytes_per_s"),
          object.at("is_shared")};
}

std::string to_json(const HostFacts& facts) {
  json object = {{"host", facts.host},
                 {"environment", facts.environment},
                 {"libraries", facts.libraries},
                 {"direct_libraries", facts.direct_libraries},
                 {"interfaces", facts.interfaces},
                 {"shared_memory_bytes", facts.shared_memory_bytes},
                 {"multiply_adds_per_s", facts.multiply_adds_per_s}};
  for (const auto& [name, version] : facts.versions)
    object["versions"][name] = {{"built", version.built}, {"running", version.running}};
  object["copies_between_processes"] = facts.copies_between_processes;
  object["memory_bytes"] = facts.memory_bytes;
  object["memory_by"] = facts.memory_by;
  object["slurm"] = facts.slurm;
  if (facts.ptrace_scope) object["ptrace_scope"] = *facts.ptrace_scope;
  if (facts.tcp_retries) object["tcp_retries"] = *facts.tcp_retries;
  return object.dump();
}

HostFacts host_facts_from_json(const std::string& text) {
  const json object = parse_json(text, "facts of a host");
  HostFacts facts;
  try {
    object.at("host").get_to(facts.host);
    object.at("environment").get_to(facts.environment);
    object.at("libraries").get_to(facts.libraries);
    object.at("direct_libraries").get_to(facts.direct_libraries);
    object.at("interfaces").get_to(facts.interfaces);
    object.at("shared_memory_bytes").get_to(facts.shared_memory_bytes);
    object.at("multiply_adds_per_s").get_to(facts.multiply_adds_per_s);
    if (object.contains("versions"))
      for (const auto& [name, version] : object["versions"].items())
        facts.versions[name] = {version.at("built"), version.at("running")};
    object.at("copies_between_processes").get_to(facts.copies_between_processes);
    object.at("memory_bytes").get_to(facts.memory_bytes);
    object.at("memory_by").get_to(facts.memory_by);
    object.at("slurm").get_to(facts.slurm);
    if (object.contains("ptrace_scope")) facts.ptrace_scope = object["ptrace_scope"].get<int>();
    if (object.contains("tcp_retries")) facts.tcp_retries = object["tcp_retries"].get<int>();
  } catch (const json::exception& error) {
    throw DataError(fmt::format("facts of a host: damaged ({})", error.what()));
  }
  return facts;
}

}  // namespace hadal::launcher::doctor
