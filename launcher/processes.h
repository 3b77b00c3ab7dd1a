// The operating system's processes, as a dependency of the schedulers: tests put their own in its
// place.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hadal::launcher {

struct ProcessSpec {
  /// Program (searched in PATH) and arguments; never seen by a shell.
  std::vector<std::string> arguments = {};
  /// Added to the environment of this process.
  std::map<std::string, std::string> environment = {};
  /// Cores it may use; empty: all.
  std::vector<int> cores = {};
  /// Standard output and error are appended here.
  std::filesystem::path log = {};
  /// What the process gets when the one that started it dies, however that happens.
  int signal_when_orphaned = 0;
};

class Processes {
 public:
  virtual ~Processes() = default;

  /// Starts it in a session of its own, so that a terminal's Ctrl-C does not reach it, with
  /// /dev/null as standard input. Returns its pid. Throws IoError when it cannot be started.
  virtual int start(const ProcessSpec& spec) = 0;

  /// Exit code if it has ended (128 + n by signal n); reported once. Never waits.
  virtual std::optional<int> try_wait(int pid) = 0;

  virtual void send_signal(int pid, int signal) = 0;

  /// Own living processes whose environment has `variable`=`value`: finds what a run left behind,
  /// whoever started it. Processes pass the variable on to those they start.
  virtual std::vector<int> find_marked(const std::string& variable, const std::string& value) = 0;
};

class SystemProcesses final : public Processes {
 public:
  int start(const ProcessSpec& spec) override;
  std::optional<int> try_wait(int pid) override;
  void send_signal(int pid, int signal) override;
  std::vector<int> find_marked(const std::string& variable, const std::string& value) override;
};

}  // namespace hadal::launcher
