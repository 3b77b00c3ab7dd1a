// The eigenvalue side of ZCA whitening, in double through LAPACK.
#pragma once

#include <cstdint>
#include <vector>

namespace hadal::data {

/// D x D doubles twice: 4 GiB at this size.
inline constexpr std::int64_t kMaxWhitenedElements = 16384;

/// Sums (x - mean)(x - mean)^T over images.
class SecondMoments {
 public:
  explicit SecondMoments(std::int64_t dimension);

  /// values: count x dimension.
  void add(const float* values, std::int64_t count, const std::vector<double>& mean);

  /// E diag(eigenvalue)^(-1/2) E^T of (sum / count + bias I), row-major, symmetric.
  /// Throws ConfigError for a bias too small to make every eigenvalue positive.
  std::vector<float> whitening_matrix(double bias) const;

 private:
  std::int64_t dimension_, count_ = 0;
  std::vector<double> sum_;  // dimension x dimension, upper triangle of row-major
  std::vector<double> centred_;
};

}  // namespace hadal::data
