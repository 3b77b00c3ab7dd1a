// U diag(sigma) of all ranks of a process, for tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/linalg/dense_matrix.h"
#include "dist/linalg/svd.h"

namespace hadal::dist {

/// Rows never overlap, so ranks and threads may write at once.
class KeptScores : public ScoreSink {
 public:
  KeptScores(std::int64_t rows, int k) : scores(rows, k) {}
  void take(std::int64_t first_row, std::int64_t rows, int k, const float* values) override {
    std::copy_n(values, rows * k, scores.values.begin() + first_row * k);
  }
  void take(std::int64_t first_row, std::int64_t rows, int k, const double* values) override {
    std::copy_n(values, rows * k, scores.values.begin() + first_row * k);
  }

  linalg::DenseMatrix scores;
};

}  // namespace hadal::dist
