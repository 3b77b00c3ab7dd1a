// Several hosts on this machine: network, process, name and mount namespaces of their own with an
// sshd each, on one bridge inside a network namespace that the test program moves into. Nothing of
// the machine's own network is touched, and all is gone with the object.
//
// They are called n1, n2, …; n0 is the test program. They share the file system, but for /dev/shm.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/files.h"
#include "launcher/processes.h"
#include "launcher/tools.h"
#include "tests/launcher/bad_cable.h"

namespace hadal::launcher {

class RealHosts {
 public:
  /// What keeps them from being made here ("sshd is not installed (openssh-server)"); "" for
  /// nothing.
  static std::string missing();

  /// Moves this process into namespaces of its own: one object per process. `cable`: bad_cable, for
  /// degrade(); "" for cables that are only cut. Throws IoError.
  explicit RealHosts(int hosts, std::string cable = "");
  ~RealHosts();
  RealHosts(const RealHosts&) = delete;
  RealHosts& operator=(const RealHosts&) = delete;

  std::string name(int host) const { return "n" + std::to_string(host); }
  std::string ssh_config() const { return (folder_.path() / "ssh_config").string(); }
  /// On the network; host 0 is the test program.
  static std::string address(int host);
  /// `command` as it has to be started for it to run on the host, as though typed there.
  std::vector<std::string> on(int host, const std::vector<std::string>& command) const;
  static constexpr const char* kNetwork = "10.77.0.0/24";

  /// Gives the host's cable these faults; they are there when this returns.
  void degrade(int host, const CableFaults& faults);

  /// Pulls the host's cable, silently for all, or puts it back.
  void cut(int host);
  void mend(int host);

 private:
  void call(const std::vector<std::string>& arguments);
  void write_files(int hosts);
  void start_host(int host);
  void lay_cable(int host, const std::string& network);
  std::filesystem::path faults_of(int host) const {
    return folder_.path() / ("cable_" + name(host));
  }

  const std::string cable_;
  TemporaryFolder folder_;
  SystemTools tools_;
  SystemProcesses processes_;
  SystemClock clock_;
  std::vector<int> running_;  // pids that end with this
  std::vector<int> keepers_;  // of these, those that keep the hosts alive, by host
};

}  // namespace hadal::launcher
