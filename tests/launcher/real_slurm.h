// A Slurm of its own on this machine: munged, slurmctld and several slurmd, all in one temporary
// folder and on free ports, gone with the object. Nothing in /etc is read or written. Takes about
// a second to be ready.
#pragma once

#include <filesystem>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/files.h"
#include "launcher/processes.h"
#include "launcher/tools.h"
#include "tests/launcher/real_hosts.h"

namespace hadal::launcher {

class RealSlurm {
 public:
  /// What keeps it from starting here ("slurmctld is not installed (slurm-wlm)"); "" for nothing.
  static std::string missing();

  /// Partitions `low` (the default, where jobs make room by going back into the queue) and `high`.
  /// SLURM_CONF is set in this process while it lives. Throws IoError when it does not come up.
  explicit RealSlurm(int nodes = 4);
  /// Its nodes are the first of these hosts, which must outlive it; the controller is this machine.
  RealSlurm(const RealHosts& hosts, int nodes);
  ~RealSlurm();
  RealSlurm(const RealSlurm&) = delete;
  RealSlurm& operator=(const RealSlurm&) = delete;

  void restart_nodes();
  /// Ends the controller as a power cut would, and starts it again from what it had saved.
  void crash_controller();

  /// Trimmed output of one of Slurm's programs; a test failure when it fails.
  std::string ask(const std::vector<std::string>& arguments);

  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  RealSlurm(const RealHosts* hosts, int nodes);
  std::string node_name(int node) const;
  void configure();
  void write_nodes(std::ostream& conf) const;
  /// On one of the hosts, or here (0).
  int start(const std::string& name, const std::vector<std::string>& arguments, int host = 0);
  void start_controller();
  void start_nodes();
  void stop(const std::string& name, int signal);
  void wait_until_ready();

  TemporaryFolder folder_;
  SystemProcesses processes_;
  SystemTools tools_;
  SystemClock clock_;
  const RealHosts* hosts_;  // null: all nodes are this machine
  int nodes_;
  std::map<std::string, int> running_;  // pids by name
};

}  // namespace hadal::launcher
