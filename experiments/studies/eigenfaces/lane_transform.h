// Plans of the Fourier transforms in correlation_kernels.h.
#pragma once

#include <vector>

#include "experiments/studies/eigenfaces/correlation_kernels.h"

namespace hadal::eigenfaces {

/// The stages of transforms of one length, and their twiddles.
class LaneTransform {
 public:
  /// Throws ConfigError for a length with a prime factor above 5.
  explicit LaneTransform(int length);
  LaneTransform(const LaneTransform&) = delete;
  LaneTransform& operator=(const LaneTransform&) = delete;

  int length() const { return length_; }
  TransformStages stages() const {
    return {.length = length_, .count = static_cast<int>(stages_.size()), .first = stages_.data()};
  }

 private:
  int length_;
  std::vector<TransformStage> stages_{};
  std::vector<float> twiddles_{};
};

/// Radices of a length, the largest span first. Throws ConfigError as LaneTransform().
std::vector<int> radices_of(int length);

/// The least length >= `at_least` with no prime factor above 5.
int smooth_length(int at_least);

}  // namespace hadal::eigenfaces
