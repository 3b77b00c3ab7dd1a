// How nearly orthogonal two random vectors are, by dimension.
//
// For X, Y independent and N(0, I) in n dimensions:
//
//   cos(X, Y) = <X, Y> / (|X| |Y|)   mean 0, standard deviation 1/sqrt(n) exactly, because X/|X| is
//                                    uniform on the unit sphere and E (x_1)^2 = 1/n there
//   <X, Y>                           mean 0, standard deviation sqrt(n) exactly: a sum of n
//                                    products of variance 1
//   P(|cos| >= t) <= 2 exp(-n t^2 / 2)
//
// So it is the angle that comes near 90 degrees, and the inner product of points of the unit sphere
// that comes near 0. That of N(0, I) vectors themselves does not: it grows like sqrt(n), and is
// small only beside |X| |Y|, which is near n. (Often said as "<X, Y> is about 0" of both.) An inner
// product far from 0 on this scale hints at dependence; it says nothing of cause, and for few
// dimensions it is nothing unusual.
#pragma once

#include <cstdint>
#include <vector>

namespace hadal::studies {

struct HighDimensionOptions {
  std::vector<int> dimensions = {2, 3, 10, 30, 100, 300, 1000, 3000, 10000};
  int pairs = 2000;
  std::uint64_t seed = 1;
};

/// Over the pairs drawn in one dimension.
struct HighDimensionRow {
  int dimension = 0;
  double cosine_deviation = 0;   // sqrt(mean cos^2), 1/sqrt(n) by theory
  double cosine_low = 0;         // 5 % of the cosines lie below
  double cosine_high = 0;        // 5 % lie above
  double angle_degrees = 0;      // mean |angle - 90|
  double product_deviation = 0;  // sqrt(mean <X,Y>^2), sqrt(n) by theory
  double far_share = 0;          // of pairs with |cos| >= 0.1
  double far_bound = 0;          // min(1, 2 exp(-n 0.1^2 / 2))
};

/// Throws ConfigError unless every dimension is in 1..1,000,000 and pairs in 2..1,000,000.
std::vector<HighDimensionRow> measure_high_dimension(const HighDimensionOptions& options);

}  // namespace hadal::studies
