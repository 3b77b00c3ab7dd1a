// Weights of a picture and its distances in one pass over the eigenfaces.
//
// With y = x - 128 the whole numbers of a picture, relit as a x + b, and c = 128 a + b - 128:
//   w_i = a u_i . y + c u_i . 1 - u_i . (psi - 128)
//   |x - psi|^2 = a^2 |y|^2 + 2 a c (1 . y) + n c^2 - 2 a (psi - 128) . y - 2 c sum(psi - 128)
//                 + |psi - 128|^2
// so one product with a matrix of k + 1 rows is all that looks at pixels. The rows are kept as
// 16-bit integers, each with its own scale, half the memory of float32: the sums are exact, and the
// same on every machine. What rounding the rows does to a weight is about 5e-6 of the largest entry
// of u_i times |y|, a few thousandths of a grey level for faces of 10,000 pixels; e^2 is right to
// 1e-4 of |x - psi|^2, from which it is a difference.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "experiments/studies/eigenfaces/model.h"

namespace hadal::eigenfaces {

class Projector {
 public:
  explicit Projector(const Model& model);

  struct Result {
    std::vector<float> weights{};  // k
    FaceDistance distance{};
  };
  /// `picture`: n grey levels. Throws ShapeError for another size.
  Result project(std::span<const std::uint8_t> picture) const;

 private:
  // What a row's product with y must be multiplied by, and what the formula adds.
  struct Row {
    double scale, sum, with_mean;  // sum of u; u . (psi - 128)
  };

  std::int64_t n_ = 0, steps_ = 0;
  Lighting lighting_;
  std::vector<double> eigenvalues_;
  std::vector<std::int16_t> rows_{};  // in the order in which the pass reads them
  std::vector<Row> of_row_{};         // k eigenfaces, then psi - 128
  double mean_sum_ = 0, mean_squared_ = 0;
};

}  // namespace hadal::eigenfaces
