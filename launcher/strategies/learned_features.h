// Features of points that a small net has learned from the results at some of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/linalg/dense_matrix.h"

namespace hadal::launcher {

/// A net of two hidden layers of tanh and one linear output, trained on (points, targets) by Adam
/// on the whole batch with weight decay; its features are the last hidden layer and a one. Plain
/// loops in float64 on the calling thread, initial values from `seed`: the same bits every time.
///
/// points: n points of d coordinates in [0, 1]; targets: n, of mean 0 and deviation 1.
/// Source: Snoek et al. 2015, section 3.1 (tanh, the last layer's features); the sizes are ours,
/// for some tens of points rather than thousands.
class LearnedFeatures {
 public:
  LearnedFeatures(const std::vector<std::vector<double>>& points, std::span<const double> targets,
                  std::uint64_t seed);

  /// kWidth + 1 numbers.
  std::vector<double> of(std::span<const double> point) const;
  linalg::DenseMatrix of(const std::vector<std::vector<double>>& points) const;

 private:
  static constexpr int kWidth = 32;

  struct Layer {
    int in = 0, out = 0;
    std::vector<double> weights = {};  // out x in, then out biases
    std::vector<double> gradient = {}, first = {}, second = {};
  };
  static Layer make_layer(int in, int out, std::uint64_t seed, std::uint64_t number);
  static void forward(const Layer& layer, std::span<const double> in, std::span<double> out);
  void add_gradient(std::span<const double> point, double target, double scale);
  void step(int iteration);

  std::vector<Layer> layers_;
};

}  // namespace hadal::launcher
