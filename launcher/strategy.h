// Which run of a sweep is started next and how far it is trained. A strategy decides from what the
// sweep's files say and from nothing else, neither time nor order of events, so that a launcher
// that was killed takes the same decision again; SweepRunner writes each into the journal before it
// acts on it. Selection is by validation error; no strategy sees a test error.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "launcher/sweep_store.h"

namespace hadal::launcher {

/// What a strategy sees of a run.
struct Standing {
  /// kWaiting: never started. kUnderWay: it was let go further than it has got, whether or not it
  /// executes at this moment. kPaused: it has got as far as it was let go.
  enum class State { kWaiting, kUnderWay, kPaused, kFinished, kFailed, kCancelled };
  State state = State::kWaiting;
  bool diverged = false;                   // failed by a loss that is not finite
  int granted = 0;                         // epochs it may train; kToTheEnd
  std::map<int, double> validation_error;  // percent, by epoch
};

struct Decision {
  /// Lets a run go: an index into the runs, up to `epochs`.
  std::optional<std::size_t> run = {};
  int epochs = kToTheEnd;
  /// Or adds a run for this draw of the random axes.
  std::optional<std::uint64_t> draw = {};
  std::string why = {};  // for the journal; "" where there was nothing to decide
};

class Strategy {
 public:
  virtual ~Strategy() = default;

  /// Whether Standing::validation_error is read.
  virtual bool needs_errors() const { return true; }

  /// What is done next, asked when a run could be started; nothing when there is nothing to do
  /// before another run has ended. `planned` and `standing` belong together.
  virtual std::optional<Decision> next(const std::vector<PlannedRun>& planned,
                                       const std::vector<Standing>& standing) = 0;

  /// "asha: epochs 1, 3, 9 of 9; the best third of each goes on"
  virtual std::string describe() const = 0;
};

/// Draws of the sweep's random axes among which a search chooses.
struct Candidate {
  std::uint64_t draw = 0;
  std::vector<double> coordinates = {};
};
/// Those of the draws [first, first + count) that no `skip` or `require` speaks against.
using Candidates = std::function<std::vector<Candidate>(std::uint64_t first, std::uint64_t count)>;

}  // namespace hadal::launcher
