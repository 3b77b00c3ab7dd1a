// The whole program as a user starts it, alone or under mpirun: for tests of its exit codes, of
// what it says, and of what it leaves behind.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/clock.h"
#include "core/base/files.h"
#include "launcher/processes.h"
#include "launcher/run_store.h"

namespace hadal::launcher {

/// How a program ended, and what it said.
struct Ended {
  int exit_code = -1;
  std::string out, err;

  /// What follows "hadal: " on the lines of standard error that begin so.
  std::vector<std::string> complaints() const;
  /// The only complaint; a test failure and "" when there is none or more than one.
  std::string complaint() const;
};

class ProgramTest : public testing::Test {
 protected:
  struct How {
    int ranks = 0;  // 0: without mpirun
    std::map<std::string, std::string> environment = {};
    std::vector<int> cores = {};            // it may use; empty: all
    std::vector<std::string> through = {};  // the command that runs it: {"setpriv", "--reuid=1"}
  };
  struct Started {
    int pid = 0;
    std::string name;  // unique in this test
  };

  void TearDown() override;

  std::filesystem::path path(const std::string& name) const { return root_.path() / name; }
  /// Writes a file below the test's folder.
  std::filesystem::path write(const std::string& name, const std::string& text) const;

  Started start(const std::vector<std::string>& arguments, const How& how);
  /// Waits for the end of it and of everything it started; a test failure after two minutes.
  Ended wait(const Started& started);
  Ended run(const std::vector<std::string>& arguments, const How& how) {
    return wait(start(arguments, how));
  }
  Ended run(const std::vector<std::string>& arguments) { return run(arguments, {}); }

  void send_signal(const Started& started, int signal) {
    processes_.send_signal(started.pid, signal);
  }
  /// To one rank of a program under mpirun.
  void send_signal_to_rank(const Started& started, int rank, int signal);

  /// Waits for a checkpoint of at least this step in the run's folder.
  void wait_for_checkpoint(const std::filesystem::path& folder, long long step);

  /// `hadal train SPEC --out FOLDER`, which must succeed; what the folder then says.
  RunRecord train(const std::filesystem::path& spec, const std::string& folder, const How& how,
                  const std::vector<std::string>& more = {});

 private:
  std::vector<int> alive(const std::string& name);

  TemporaryFolder root_;
  SystemProcesses processes_;
  SystemClock clock_;
  std::vector<std::string> names_;
};

/// Steps of the checkpoints in a run's folder, ascending.
std::vector<long long> checkpoint_steps(const std::filesystem::path& folder);

/// Expects that both are finished and agree in everything that does not depend on time and ranks:
/// weights, losses, errors, to the last bit.
void expect_same_run(const RunRecord& a, const RunRecord& b);

}  // namespace hadal::launcher
