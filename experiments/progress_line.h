#pragma once

#include <cstdint>
#include <string>

#include "core/base/clock.h"

namespace hadal::experiments {

struct ProgressState {
  int epoch = 1, epochs = 1;  // the one being trained, from 1
  std::int64_t step_of_epoch = 0, steps_per_epoch = 1;
  std::int64_t step = 0, total_steps = 1;
  double loss = 0, error = 0;  // means over the epoch so far; error in percent
};

/// The line a person watches, on standard output: on a terminal rewritten in place a few times a
/// second, elsewhere a plain line every half minute.
class ProgressLine {
 public:
  /// `terminal`: somebody watches a terminal. (mpirun gives its ranks a pseudo-terminal of its own,
  /// so isatty() alone does not tell.)
  ProgressLine(Clock& clock, bool quiet, bool terminal);
  ~ProgressLine();

  /// `images` trained since the last call, over all ranks.
  void update(const ProgressState& state, std::int64_t images);
  /// A line that stays, above the one that is rewritten.
  void say(const std::string& line);

 private:
  void erase();

  Clock& clock_;
  bool quiet_, terminal_;
  bool on_line_ = false;
  double started_, last_shown_;
  double window_start_;
  std::int64_t window_images_ = 0, first_step_ = -1;
  double images_per_second_ = 0;
};

}  // namespace hadal::experiments
