// Ctrl-C and its kin as something a loop can ask for.
#pragma once

namespace hadal::launcher {

/// While it lives, SIGINT, SIGTERM and SIGHUP are counted instead of ending the process. At most
/// one at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// How many have come.
  int count() const;
  /// The latest one; 0 if none.
  int last() const;
};

}  // namespace hadal::launcher
