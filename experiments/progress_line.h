#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/clock.h"
#include "experiments/status_line.h"

namespace hadal::experiments {

struct ProgressState {
  int epoch = 1, epochs = 1;  // the one being trained, from 1
  std::int64_t step_of_epoch = 0, steps_per_epoch = 1;
  std::int64_t step = 0, total_steps = 1;
  double loss = 0, error = 0;  // means over the epoch so far; error in percent
};

/// "epoch 3/10  step 117/390  loss 1.2340  error 5.84%  412 images/s  2m 10s left": how far a
/// training is, wherever that is shown.
struct ProgressText {
  int epoch = 1, epochs = 1;
  std::int64_t step = 0, steps = 1;  // of the epoch, or of the whole
  double loss = 0;
  std::optional<double> error = {};  // percent
  double images_per_second = 0, seconds_left = 0;
};
std::string to_text(const ProgressText& progress);

/// The line a person watches while a net trains.
class ProgressLine {
 public:
  /// As StatusLine.
  ProgressLine(Clock& clock, bool quiet, bool terminal);

  /// `images` trained since the last call, over all ranks.
  void update(const ProgressState& state, std::int64_t images);
  /// A line that stays, above the one that is rewritten.
  void say(const std::string& line) { line_.say(line); }

 private:
  Clock& clock_;
  StatusLine line_;
  double started_;
  double window_start_;
  std::int64_t window_images_ = 0, first_step_ = -1;
  double images_per_second_ = 0;
};

}  // namespace hadal::experiments
