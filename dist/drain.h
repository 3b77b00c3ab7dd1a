// Stop on request: a signal sets a flag, ranks agree on it at a step boundary
// (ReplicaGroup::any(drain.requested())), save, and end with ExitCode::kDrained.
//
// mpirun passes SIGUSR1 and SIGUSR2 on to every rank and waits; on SIGTERM it kills the ranks a
// second later, which is too short for large checkpoints. Slurm sends SIGCONT before SIGTERM, which
// means nothing here.
#pragma once

#include <array>
#include <csignal>

namespace hadal::dist {

class Drain {
 public:
  /// Catches SIGTERM, SIGUSR1 and SIGUSR2 until it is destroyed; one at a time per process.
  Drain();
  ~Drain();
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

  bool requested() const { return signal() != 0; }
  /// The last signal that came, 0 if none did.
  int signal() const;
  /// "SIGTERM".
  const char* signal_name() const;

 private:
  static constexpr std::array<int, 3> kSignals = {SIGTERM, SIGUSR1, SIGUSR2};
  std::array<struct sigaction, kSignals.size()> before_{};
};

}  // namespace hadal::dist
