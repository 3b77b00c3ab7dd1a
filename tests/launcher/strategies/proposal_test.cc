// Search against random search on functions whose minimum is known.
#include "launcher/strategies/proposal.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include <gtest/gtest.h>

#include "core/base/random.h"

namespace hadal::launcher {
namespace {

using Point = std::vector<double>;
using Function = std::function<double(const Point&)>;

Point drawn(std::uint64_t seed, std::uint64_t number) {
  const random::Stream stream{.seed = seed, .purpose = random::Purpose::kTest, .a = 1, .b = number};
  return {random::uniform_open(stream, 0), random::uniform_open(stream, 1)};
}

// On [-5, 10] x [0, 15]; its lowest value is 0.397887 at three points.
double branin(const Point& p) {
  constexpr double kPi = std::numbers::pi;
  const double x = 15 * p[0] - 5, y = 15 * p[1];
  const double bowl = y - 5.1 / (4 * kPi * kPi) * x * x + 5 / kPi * x - 6;
  return bowl * bowl + 10 * (1 - 1 / (8 * kPi)) * std::cos(x) + 10;
}

double quadratic(const Point& p) {
  return 30 * (p[0] - 0.7) * (p[0] - 0.7) + 10 * (p[1] - 0.2) * (p[1] - 0.2);
}

constexpr std::size_t kBudget = 24, kFirst = 8;
constexpr std::uint64_t kCandidates = 400;

// The lowest true value among the points looked at; results have noise of this deviation.
double lowest_found(const Function& f, std::uint64_t seed, double noise, bool guided) {
  std::vector<Observation> observed;
  double lowest = 1e9;
  while (observed.size() < kBudget) {
    const std::uint64_t number = observed.size();
    Point point = drawn(seed, number);
    if (guided && number >= kFirst) {
      std::vector<Point> candidates;
      for (std::uint64_t c = 0; c < kCandidates; ++c)
        candidates.push_back(drawn(seed, 1000 * number + c));
      point = candidates[propose(observed, {}, candidates, 100 * seed + number).candidate];
    }
    const double value = f(point);
    lowest = std::min(lowest, value);
    const random::Stream stream{.seed = seed, .purpose = random::Purpose::kTest, .a = 2};
    observed.push_back({point, value + noise * random::normal(stream, number)});
  }
  return lowest;
}

// Both start from the same eight points.
void expect_better_than_random(const Function& f, double minimum, double noise) {
  constexpr int kSeeds = 5;
  double log_regret = 0, log_regret_of_random = 0;
  int won = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const double guided = lowest_found(f, seed, noise, true) - minimum;
    const double random = lowest_found(f, seed, noise, false) - minimum;
    won += guided < random;
    log_regret += std::log10(guided + 1e-6) / kSeeds;
    log_regret_of_random += std::log10(random + 1e-6) / kSeeds;
    std::printf("seed %d: %.4f above the minimum, at random %.4f\n", static_cast<int>(seed), guided,
                random);
  }
  EXPECT_GE(won, 4) << "of " << kSeeds;
  EXPECT_LT(log_regret, log_regret_of_random - 0.3) << "not half as far from the minimum";
}

TEST(Proposal, FindsTheMinimumOfBraninSoonerThanRandomSearch) {
  expect_better_than_random(branin, 0.397887, 0);
}

TEST(Proposal, FindsTheMinimumOfANoisyQuadraticSoonerThanRandomSearch) {
  expect_better_than_random(quadratic, 0, 0.3);
}

TEST(Proposal, IsAFunctionOfItsArguments) {
  std::vector<Observation> observed;
  std::vector<Point> candidates;
  for (std::uint64_t i = 0; i < 10; ++i) observed.push_back({drawn(1, i), branin(drawn(1, i))});
  for (std::uint64_t i = 0; i < 50; ++i) candidates.push_back(drawn(2, i));
  const Proposal a = propose(observed, {}, candidates, 3), b = propose(observed, {}, candidates, 3);
  EXPECT_EQ(a.candidate, b.candidate);
  EXPECT_EQ(a.predicted.mean, b.predicted.mean);
  EXPECT_EQ(a.expected_improvement, b.expected_improvement);
}

TEST(Proposal, GoesElsewhereWhileOneIsPending) {
  std::vector<Observation> observed;
  std::vector<Point> candidates;
  for (std::uint64_t i = 0; i < 10; ++i) observed.push_back({drawn(1, i), branin(drawn(1, i))});
  for (std::uint64_t i = 0; i < 200; ++i) candidates.push_back(drawn(2, i));
  const Proposal first = propose(observed, {}, candidates, 3);
  const Proposal second = propose(observed, {candidates[first.candidate]}, candidates, 3);
  EXPECT_NE(second.candidate, first.candidate);
  EXPECT_LT(second.expected_improvement, first.expected_improvement);
}

}  // namespace
}  // namespace hadal::launcher
