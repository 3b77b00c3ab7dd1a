#include "launcher/paired_test.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

#include "core/base/error.h"
#include "launcher/statistic.h"

namespace hadal::launcher {
namespace {

constexpr std::size_t kExactUpTo = 50;

std::optional<double> student_p(double mean, const std::optional<double>& deviation, int n) {
  // What rounding leaves of equal differences is no spread.
  if (!deviation || *deviation <= 1e-12 * std::abs(mean)) return std::nullopt;
  const double t = mean * std::sqrt(n) / *deviation;
  const boost::math::students_t distribution(n - 1);
  return 2 * boost::math::cdf(boost::math::complement(distribution, std::abs(t)));
}

/// Twice the rank of every value's magnitude, ties averaged: a whole number.
std::vector<int> doubled_ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto magnitude = [&](std::size_t i) { return std::abs(values[i]); };
  std::sort(order.begin(), order.end(),
            [&](auto i, auto j) { return magnitude(i) < magnitude(j); });
  std::vector<int> ranks(values.size());
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && magnitude(order[end]) == magnitude(order[begin])) ++end;
    for (std::size_t i = begin; i < end; ++i)
      ranks[order[i]] = static_cast<int>(begin + 1 + end);  // ranks begin+1 .. end
  }
  return ranks;
}

/// P(sum of ranks under random signs <= `least`), by counting; doubled ranks throughout.
double exact_tail(const std::vector<int>& ranks, int least) {
  std::vector<double> probability(
      static_cast<std::size_t>(std::accumulate(ranks.begin(), ranks.end(), 0)) + 1);
  probability[0] = 1;
  for (const int rank : ranks)
    for (std::size_t sum = probability.size(); sum-- > 0;) {
      const auto step = static_cast<std::size_t>(rank);
      probability[sum] = 0.5 * (probability[sum] + (sum >= step ? probability[sum - step] : 0));
    }
  return std::accumulate(probability.begin(), probability.begin() + least + 1, 0.0);
}

double normal_tail(const std::vector<int>& ranks, int least) {
  double mean = 0, variance = 0;
  for (const int rank : ranks) {
    mean += 0.5 * rank;
    variance += 0.25 * rank * rank;
  }
  // Half a step of a rank, which is one of a doubled rank, for the steps of the true distribution.
  const double z = (least + 1 - mean) / std::sqrt(variance);
  return boost::math::cdf(boost::math::normal(), std::min(z, 0.0));
}

std::optional<double> signed_rank_p(std::vector<double> differences) {
  std::erase(differences, 0.0);
  if (differences.empty()) return std::nullopt;
  const std::vector<int> ranks = doubled_ranks(differences);
  int positive = 0, negative = 0;
  for (std::size_t i = 0; i < ranks.size(); ++i)
    (differences[i] > 0 ? positive : negative) += ranks[i];
  const int least = std::min(positive, negative);
  const double tail =
      ranks.size() <= kExactUpTo ? exact_tail(ranks, least) : normal_tail(ranks, least);
  return std::min(1.0, 2 * tail);
}

}  // namespace

std::optional<PairedTest> paired_test(std::span<const double> a, std::span<const double> b) {
  HADAL_CHECK(a.size() == b.size());
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.size(); ++i) differences.push_back(a[i] - b[i]);
  if (differences.empty() || !std::all_of(differences.begin(), differences.end(),
                                          [](double d) { return std::isfinite(d); }))
    return std::nullopt;
  PairedTest test;
  const Statistic summary = summarize(differences).value();
  test.pairs = summary.n;
  test.mean = summary.mean;
  test.deviation = summary.deviation;
  test.t_p = student_p(test.mean, test.deviation, test.pairs);
  test.wilcoxon_p = signed_rank_p(std::move(differences));
  return test;
}

}  // namespace hadal::launcher
