// All that is told of one decomposition, in words, in lines and as JSON.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/matrix/row_source.h"
#include "dist/linalg/svd.h"
#include "launcher/sheet.h"

namespace hadal::launcher {

struct Decomposition {
  std::string command;  // "pca" or "svd"
  std::string command_line;
  const matrix::RowSource& a;
  dist::SvdOptions options;
  dist::SvdResult result;
  int ranks = 1;
  double seconds = 0;           // from the first read to the last
  std::int64_t bytes_read = 0;  // by all ranks

  /// sigma_i^2 / |A|_F^2 (A centred and scaled as asked): of PCA the share of variance that
  /// component i explains, i from 0.
  double share(int i) const;
  /// Of all k.
  double kept() const;
  /// sigma_i^2 / (m - 1), the variance along a component; of SVD, which knows no mean, sigma_i^2.
  double variance(int i) const;
  /// Mean variance along the directions left out: (|A|_F^2 - sum sigma^2) / (m - 1) / (min(m, n) -
  /// k); 0 when none are.
  double noise_variance() const;
  /// XXH3 of the bits of components, singular values, mean and scale.
  std::string hash() const;
};

/// "60,000 x 784 u8 (44.9 MiB)  Gram matrix of 784 columns, 2 passes; 2 ranks x 1 thread  predicted
/// 0.4s"
std::string plan_line(const dist::SvdPlan& plan, const matrix::RowSource& a, int ranks,
                      int threads);

/// The first `lines` components: number, singular value, variance, shares; with bars for a
/// terminal.
Sheet components_sheet(const Decomposition& d, int lines, bool bars);

/// "|A - A50|_2 is at most 5,210 (with probability 1 - 1e-06); no matrix of rank 50 is nearer than
/// 5,108, so this is at most 1.02 times the best possible. |A - A50|_F is 8,123."
std::string certificate_sentence(const Decomposition& d);

/// Plan against what happened.
Sheet timings_sheet(const Decomposition& d);

/// summary.json, without the environment.
nlohmann::ordered_json summary_json(const Decomposition& d);

/// component,singular_value,explained_variance,explained_variance_ratio,cumulative_ratio
std::string variance_csv(const Decomposition& d);

}  // namespace hadal::launcher
