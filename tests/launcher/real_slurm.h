// A Slurm of its own on this machine: munged, slurmctld and several slurmd, all in one temporary
// folder and on free ports, gone with the object. Nothing in /etc is read or written. Takes about
// a second to be ready.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/files.h"
#include "launcher/processes.h"
#include "launcher/tools.h"

namespace hadal::launcher {

class RealSlurm {
 public:
  /// What keeps it from starting here ("slurmctld is not installed (slurm-wlm)"); "" for nothing.
  static std::string missing();

  /// Partitions `low` (the default, where jobs make room by going back into the queue) and `high`.
  /// SLURM_CONF is set in this process while it lives. Throws IoError when it does not come up.
  explicit RealSlurm(int nodes = 4);
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
  void configure(int nodes);
  int start(const std::string& name, const std::vector<std::string>& arguments);
  void start_controller();
  void start_nodes();
  void stop(const std::string& name, int signal);
  void wait_until_ready();

  TemporaryFolder folder_;
  SystemProcesses processes_;
  SystemTools tools_;
  SystemClock clock_;
  int nodes_;
  std::map<std::string, int> running_;  // pids by name
};

}  // namespace hadal::launcher
