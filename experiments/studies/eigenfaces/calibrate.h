// Thresholds, the best likeness and the ridge of reconstruction, all from training pictures alone:
// every fold of them is held out once of a model trained on the rest.
#pragma once

#include <cstdint>
#include <vector>

#include "experiments/studies/eigenfaces/gallery.h"
#include "experiments/studies/eigenfaces/model.h"

namespace hadal::eigenfaces {

struct CalibrateOptions {
  int folds = 5;
  std::uint64_t seed = 1;
  bool ridge = true;            // chosen too; it takes longer than the rest
  double refused_faces = 0.01;  // share of held-out faces beyond the threshold of face space
};

struct Calibrated {
  Calibration calibration{};
  /// Of the held-out pictures whose person has others to be recognised by, the share that each
  /// likeness recognised; likenesses that these pictures cannot serve are left out.
  struct Accuracy {
    Likeness likeness;
    double accuracy;
  };
  std::vector<Accuracy> accuracies{};
  /// Distances by the chosen likeness: of held-out pictures to the nearest person, and to the
  /// nearest other than their own, as if nobody knew them.
  std::vector<double> known{}, stranger{};
  std::vector<double> space{};  // balanced distances of held-out faces
};

/// What a model trained on `pictures` with `options` should use. `components` above what a fold
/// spans are cut to that. The person threshold makes the share of known people refused plus the
/// share of strangers accepted least. Throws what train() throws, ConfigError for folds < 2.
Calibrated calibrate(const Pictures& pictures, const TrainOptions& options,
                     const CalibrateOptions& calibrate_options = {});

/// Where known (below) and stranger (above) are told apart with the least sum of the two shares of
/// mistakes; midway between two values. REQUIRES: neither is empty.
double separating_threshold(std::vector<double> known, std::vector<double> stranger);

/// The least of `values` that at most `share` of them exceed.
double upper_quantile(std::vector<double> values, double share);

}  // namespace hadal::eigenfaces
