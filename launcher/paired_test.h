// Is one method better than another? Values of both with the same seeds, compared pair by pair.
#pragma once

#include <optional>
#include <span>

namespace hadal::launcher {

/// Over n pairs with differences d_i = a_i - b_i:
///
///   mean        = sum d_i / n
///   deviation   = sqrt(sum (d_i - mean)^2 / (n - 1)); none for n = 1
///   t_p         = two-sided p of Student's paired t-test, t = mean sqrt(n) / deviation, n - 1
///                 degrees of freedom; none for n = 1 and where all differences are equal
///   wilcoxon_p  = two-sided p of the signed-rank test: differences of 0 left out, ranks of ties
///                 averaged; exact up to 50 pairs, the normal approximation with its correction for
///                 ties above; none where all are 0
///
/// With few pairs the signed-rank test cannot be significant, whatever the values: its least p is
/// 2^(1 - n), 0.0625 for 5 pairs.
/// Source: Wilcoxon 1945; Demsar 2006 on comparing classifiers.
struct PairedTest {
  int pairs = 0;
  double mean = 0;
  std::optional<double> deviation{};
  std::optional<double> t_p{};
  std::optional<double> wilcoxon_p{};
};

/// `a` and `b` are equally long. None without pairs, and where a value is not finite.
std::optional<PairedTest> paired_test(std::span<const double> a, std::span<const double> b);

}  // namespace hadal::launcher
