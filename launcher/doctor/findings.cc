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

class Diagnosis {
 public:
  Diagnosis(std::span<const HostFacts> hosts, std::span<const DiskReport> disks,
            std::span<const dist::LinkReport> links)
      : hosts_(hosts), disks_(disks), links_(links) {}

  std::vector<Finding> run() {
    for (const char* key : {"version", "commit", "compiler"}) same_environment(key);
    same_libraries();
    distinct_names();
    room();
    speed();
    links();
    system_settings();
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

  void system_settings() {
    for (std::size_t rank = 0; rank < hosts_.size(); ++rank) {
      if (!first_of_host(rank)) continue;
      const HostFacts& facts = hosts_[rank];
      if (facts.ptrace_scope.value_or(0) > 0)
        note(
            fmt::format("{}: kernel.yama.ptrace_scope is {}: ranks of one machine copy messages "
                        "twice; 0 lets them copy once",
                        facts.host, *facts.ptrace_scope));
      if (several_hosts() && facts.tcp_retries.value_or(0) > kPromptTcpRetries)
        note(
            fmt::format("{}: net.ipv4.tcp_retries2 is {}: TCP notices a dead host after a quarter "
                        "of an hour (the watchdog does not wait for it); {} is advised",
                        facts.host, *facts.tcp_retries, kPromptTcpRetries));
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
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> findings(std::span<const HostFacts> hosts, std::span<const DiskReport> disks,
                              std::span<const dist::LinkReport> links) {
  return Diagnosis(hosts, disks, links).run();
}

}  // namespace hadal::launcher::doctor
