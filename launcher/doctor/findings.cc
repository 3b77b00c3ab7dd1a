#include "launcher/doctor/findings.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/base/strings.h"

namespace hadal::launcher::doctor {
namespace fs = std::filesystem;
namespace {

constexpr double kLeastSharedMemory = 64.0 * (1 << 20);
constexpr double kLeastDisk = 1.0 * (1 << 30);
constexpr double kClockApart_s = 1;
constexpr double kSlowHost = 0.8, kSlowLink = 0.5;
constexpr int kPromptTcpRetries = 8;  // about 100 s until a dead peer is noticed; 15: 15 min

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// "2.6" of "2.6.3".
std::string minor_of(const std::string& version) {
  const std::vector<std::string> parts = split(version, '.');
  return parts.size() < 2 ? version : parts[0] + "." + parts[1];
}

class Diagnosis {
 public:
  Diagnosis(std::span<const HostFacts> hosts, std::span<const DiskReport> disks,
            std::span<const dist::LinkReport> links, const Devices& devices)
      : hosts_(hosts), disks_(disks), links_(links), devices_(devices) {}

  std::vector<Finding> run() {
    for (const char* key : {"version", "commit", "compiler"}) same_environment(key);
    same_libraries();
    as_built();
    distinct_names();
    room();
    speed();
    links();
    devices();
    system_settings();
    folders();
    slurm();
    return std::move(findings_);
  }

 private:
  void bad(std::string text) { findings_.push_back({Level::kBad, std::move(text)}); }
  void note(std::string text) { findings_.push_back({Level::kNote, std::move(text)}); }
  bool several_hosts() const {
    return std::any_of(hosts_.begin(), hosts_.end(),
                       [&](const HostFacts& each) { return each.host != hosts_.front().host; });
  }

  void same_environment(const std::string& key) {
    const auto value = [&](const HostFacts& facts) {
      const auto at = facts.environment.find(key);
      return at == facts.environment.end() ? std::string("unknown") : at->second;
    };
    for (std::size_t rank = 1; rank < hosts_.size(); ++rank)
      if (value(hosts_[rank]) != value(hosts_[0])) {
        bad(fmt::format(
            "{} of the program differs: {} on rank 0 ({}), {} on rank {} ({}); install "
            "the same program everywhere",
            key, value(hosts_[0]), hosts_[0].host, value(hosts_[rank]), rank, hosts_[rank].host));
        return;
      }
  }

  void same_libraries() {
    for (std::size_t rank = 1; rank < hosts_.size(); ++rank)
      for (const auto& [name, file] : hosts_[0].libraries) {
        const auto at = hosts_[rank].libraries.find(name);
        if (at == hosts_[rank].libraries.end() ||
            fs::path(at->second).filename() == fs::path(file).filename())
          continue;
        bad(
            fmt::format("{} is {} on rank 0 ({}) and {} on rank {} ({}): bits may differ; install "
                        "the same packages",
                        name, file, hosts_[0].host, at->second, rank, hosts_[rank].host));
      }
  }

  // A patch release keeps to what was promised; anything more may not.
  void as_built() {
    for (std::size_t rank = 0; rank < hosts_.size(); ++rank) {
      if (!first_of_host(rank)) continue;
      for (const auto& [name, version] : hosts_[rank].versions) {
        if (version.built == version.running) continue;
        const std::string text =
            fmt::format("{}: the program was built for {} {} and finds {}", hosts_[rank].host, name,
                        version.built, version.running);
        if (minor_of(version.built) == minor_of(version.running))
          note(text);
        else
          bad(text + "; build it again, or install what it was built for");
      }
    }
  }

  // Open MPI takes hosts apart by their names.
  void distinct_names() {
    std::map<std::string, std::set<std::vector<std::string>>> addresses;
    for (const HostFacts& facts : hosts_) addresses[facts.host].insert(facts.interfaces);
    for (const auto& [host, different] : addresses)
      if (different.size() > 1)
        bad(
            fmt::format("{} machines call themselves {}: Open MPI takes them for one and ranks on "
                        "them cannot talk; give each a name of its own",
                        different.size(), host));
  }

  void room() {
    for (std::size_t rank = 0; rank < hosts_.size(); ++rank) {
      if (!first_of_host(rank)) continue;
      const HostFacts& facts = hosts_[rank];
      if (static_cast<double>(facts.shared_memory_bytes) < kLeastSharedMemory)
        bad(fmt::format(
            "{}: {} left in /dev/shm, ranks need at least {}; remove what is stale there "
            "or mount it larger",
            facts.host, format_bytes(static_cast<double>(facts.shared_memory_bytes)),
            format_bytes(kLeastSharedMemory)));
      if (rank < disks_.size() && static_cast<double>(disks_[rank].free_bytes) < kLeastDisk)
        bad(fmt::format("{}: {} left on the disk of {}; runs need room for checkpoints", facts.host,
                        format_bytes(static_cast<double>(disks_[rank].free_bytes)),
                        disks_[rank].path));
    }
  }

  void speed() {
    std::vector<double> all;
    for (const HostFacts& facts : hosts_) all.push_back(facts.multiply_adds_per_s);
    const double usual = median(all);
    for (std::size_t rank = 0; rank < hosts_.size(); ++rank)
      if (all[rank] < kSlowHost * usual)
        note(fmt::format("rank {} ({}) computes at {:.0f} % of the median: every step waits for it",
                         rank, hosts_[rank].host, 100 * all[rank] / usual));
  }

  void links() {
    for (const bool inside : {true, false}) {
      std::vector<double> rates;
      for (const dist::LinkReport& link : links_)
        if (is_inside(link) == inside) rates.push_back(link.bytes_per_s);
      const double usual = median(rates);
      for (const dist::LinkReport& link : links_)
        if (is_inside(link) == inside && link.bytes_per_s < kSlowLink * usual)
          note(fmt::format("ranks {} ({}) and {} ({}): {}/s, the median of such links is {}/s",
                           link.a, host_of(link.a), link.b, host_of(link.b),
                           format_bytes(link.bytes_per_s), format_bytes(usual)));
    }
    for (const dist::LinkReport& link : links_)
      if (std::abs(link.clock_offset_s) > kClockApart_s + link.clock_error_s)
        note(
            fmt::format("the clocks of {} and {} are {:.1f} s apart: times in journals will not "
                        "fit together; run NTP",
                        host_of(link.a), host_of(link.b), std::abs(link.clock_offset_s)));
  }

  void devices() {
    std::vector<std::string> on_cpu, on_gpu;
    for (std::size_t rank = 0; rank < devices_.by_rank.size(); ++rank) {
      const DeviceReport& report = devices_.by_rank[rank];
      const std::string where = fmt::format("{} ({})", rank, hosts_[rank].host);
      (report.device == "cpu" ? on_cpu : on_gpu).push_back(where);
      if (!report.note.empty()) note(fmt::format("rank {}: {}", where, report.note));
    }
    if (!on_cpu.empty() && !on_gpu.empty())
      bad(
          fmt::format("GPUs on ranks {} and none on {}: bits would depend on the rank; take hosts "
                      "of one kind, or --device cpu",
                      join(on_gpu, ", "), join(on_cpu, ", ")));
    if (!devices_.exchange_note.empty()) note(devices_.exchange_note);
    if (!devices_.sums)
      bad(
          fmt::format("a sum over all ranks through {} came out wrong: no training on these GPUs "
                      "can be trusted",
                      devices_.exchange));
  }

  void system_settings() {
    for (std::size_t rank = 0; rank < hosts_.size(); ++rank) {
      if (!first_of_host(rank)) continue;
      const HostFacts& facts = hosts_[rank];
      if (!facts.copies_between_processes)
        note(fmt::format(
            "{}: one process may not copy from another's memory{}: ranks of one "
            "machine copy messages twice",
            facts.host,
            facts.ptrace_scope.value_or(0) > 0
                ? fmt::format(" (kernel.yama.ptrace_scope is {}; 0 allows it)", *facts.ptrace_scope)
                : ""));
      if (several_hosts() && facts.tcp_retries.value_or(0) > kPromptTcpRetries)
        note(
            fmt::format("{}: net.ipv4.tcp_retries2 is {}: TCP notices a dead host after a quarter "
                        "of an hour (the watchdog does not wait for it); {} is advised",
                        facts.host, *facts.tcp_retries, kPromptTcpRetries));
    }
  }

  void folders() {
    for (std::size_t rank = 0; rank < disks_.size(); ++rank) {
      const DiskReport& disk = disks_[rank];
      if (disk.path.empty()) continue;
      const std::string& host = hosts_[rank].host;
      if (!disk.is_shared)
        bad(
            fmt::format("{}: {} is not the folder that rank 0 ({}) sees there; runs on several "
                        "hosts need one that all share",
                        host, disk.path, hosts_[0].host));
      if (disk.file_system == "tmpfs")
        note(
            fmt::format("{}: {} lies in memory (tmpfs): what is there is gone when the machine "
                        "stops",
                        host, disk.path));
      if (disk.file_system == "nfs")
        note(
            fmt::format("{}: {} is on NFS: only one launcher per sweep is sure where its locks "
                        "reach all hosts (NFS 4, or lockd)",
                        host, disk.path));
    }
  }

  void slurm() {
    for (std::size_t rank = 0; rank < hosts_.size(); ++rank) {
      const HostFacts& facts = hosts_[rank];
      if (!first_of_host(rank) || facts.slurm.empty()) continue;
      const auto setting = [&](const char* name) {
        const auto at = facts.slurm.find(name);
        return at == facts.slurm.end() ? std::string() : at->second;
      };
      const std::string preempt = setting("PreemptMode");
      if (!preempt.empty() && preempt != "OFF" &&
          setting("SlurmctldParameters").find("preempt_send_user_signal") == std::string::npos)
        note(
            fmt::format("{}: Slurm preempts ({}) without preempt_send_user_signal in "
                        "SlurmctldParameters: a run that is preempted has no time to save",
                        facts.host, preempt));
      if (setting("AuthInfo").find("cred_expire") == std::string::npos)
        note(
            fmt::format("{}: Slurm has no cred_expire in AuthInfo: a job that goes back into the "
                        "queue waits two minutes before it starts again",
                        facts.host));
      if (setting("JobRequeue") == "0")
        note(fmt::format("{}: Slurm has JobRequeue=0; runs ask for --requeue themselves",
                         facts.host));
      return;  // the same configuration everywhere
    }
  }

  bool first_of_host(std::size_t rank) const {
    return std::none_of(hosts_.begin(), hosts_.begin() + static_cast<std::ptrdiff_t>(rank),
                        [&](const HostFacts& before) { return before.host == hosts_[rank].host; });
  }
  const std::string& host_of(int rank) const { return hosts_[static_cast<std::size_t>(rank)].host; }
  bool is_inside(const dist::LinkReport& link) const { return host_of(link.a) == host_of(link.b); }

  std::span<const HostFacts> hosts_;
  std::span<const DiskReport> disks_;
  std::span<const dist::LinkReport> links_;
  const Devices& devices_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> findings(std::span<const HostFacts> hosts, std::span<const DiskReport> disks,
                              std::span<const dist::LinkReport> links, const Devices& devices) {
  return Diagnosis(hosts, disks, links, devices).run();
}

}  // namespace hadal::launcher::doctor
