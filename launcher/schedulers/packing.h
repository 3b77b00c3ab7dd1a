// How many small runs share one set of cores or one GPU: found by trying, where asked for.
//
// At one place the first run is timed with the company it has (none, to begin with), then with one
// more beside it. If each of n goes at x steps a second and each of n + 1 at y, one more does
// (n + 1) y / (n x) times the work; above kWorthIt it stays so, at every place, and the next one is
// tried. Else the limit is n, and the run too many ends in its own time. Only the first run is
// timed, against itself, so that runs of different sizes can be tried together; that the others
// slow down as it does is an assumption.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"

namespace hadal::launcher {

/// A run at the place where it is tried, and how far it is.
struct PackedRun {
  std::string id;
  long long step = 0;  // 0: has not begun
};

class PackingProbe {
 public:
  static constexpr double kWindow_s = 10;  // progress is told every second
  static constexpr long long kSteps = 10;  // at least, in a window
  static constexpr double kWorthIt = 1.1;  // times the work; less may be chance
  static constexpr int kMost = 8;

  explicit PackingProbe(const Clock& clock) : clock_(clock) {}

  /// Runs at a time at every place, as far as is known.
  int limit() const { return limit_; }
  /// At the place where it is tried.
  int limit_where_tried() const { return limit_ + (base_rate_ && !decided_ ? 1 : 0); }
  bool decided() const { return decided_; }

  /// To be called several times a second with what runs at that place, the first one in front.
  /// Returns what has been found, for people, when something has.
  std::optional<std::string> observe(const std::vector<PackedRun>& runs);

 private:
  struct Mark {
    double at = 0;
    long long step = 0;
  };
  std::optional<double> rate_of_first(const std::vector<PackedRun>& runs);
  std::string conclude(double rate);

  const Clock& clock_;
  int limit_ = 1;
  bool decided_ = false;
  std::string first_;                // id of the run that is timed
  std::size_t company_ = 0;          // runs at the place since `began_`
  std::optional<Mark> began_;        // of the window
  long long last_step_ = 0;          // of the first run
  std::optional<double> base_rate_;  // with `limit_` runs, steps per second
};

}  // namespace hadal::launcher
