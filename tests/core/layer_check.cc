#include "tests/core/layer_check.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "core/reference/reference_backend.h"

namespace hadal::test {
namespace {

constexpr double kStep = 1e-5;
constexpr double kTruncation = 1e-6;
constexpr double kRounding = 64 * std::numeric_limits<double>::epsilon();

double magnitude(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

bool untouched(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isnan(v); });
}

/// Exactly equal; NaN equals NaN.
void expect_same(const std::vector<double>& found, const std::vector<double>& wanted,
                 const std::string& what) {
  ASSERT_EQ(found.size(), wanted.size()) << what;
  for (std::size_t i = 0; i < found.size(); ++i)
    ASSERT_TRUE(found[i] == wanted[i] || (std::isnan(found[i]) && std::isnan(wanted[i])))
        << what << "[" << i << "]: " << found[i] << ", plain run " << wanted[i];
}

/// sum(d_out * out) as a function of any number behind it.
class Differences {
 public:
  explicit Differences(const LayerCase& layer_case)
      : case_(layer_case), values_(draw_values(layer_case)) {}

  LayerValues& values() { return values_; }

  /// Compares `analytic` with the derivative by `numbers`, which are part of values().
  void expect_derivative(std::vector<double>& numbers, const std::vector<double>& analytic,
                         const std::string& what) {
    std::vector<double> numeric(numbers.size());
    double absolute_sum = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const double value = numbers[i];
      numbers[i] = value + kStep;
      const double above = objective(&absolute_sum);
      numbers[i] = value - kStep;
      const double below = objective(&absolute_sum);
      numbers[i] = value;
      numeric[i] = (above - below) / (2 * kStep);
    }
    if (!case_.closed.empty() && untouched(analytic)) {
      EXPECT_EQ(magnitude(numeric), 0) << what << " was not written";
      return;
    }
    ASSERT_EQ(analytic.size(), numeric.size()) << what;
    const double tolerance = kTruncation * magnitude(numeric) + kRounding * absolute_sum / kStep;
    for (std::size_t i = 0; i < numeric.size(); ++i)
      ASSERT_NEAR(analytic[i], numeric[i], tolerance) << what << "[" << i << "]";
  }

 private:
  /// sum(d_out * out); keeps the largest sum(|d_out * out|) seen.
  double objective(double* absolute_sum) {
    const std::vector<double> out = run_layer(backend_, case_, values_, {.backward = false}).out;
    double sum = 0, absolute = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      sum += values_.d_out[i] * out[i];
      absolute += std::abs(values_.d_out[i] * out[i]);
    }
    *absolute_sum = std::max(*absolute_sum, absolute);
    return sum;
  }

  const LayerCase& case_;
  LayerValues values_;
  ReferenceBackend backend_;
};

}  // namespace

void check_layer(const LayerCase& layer_case) {
  SCOPED_TRACE(layer_case.name);
  const auto layer = layer_of(layer_case);
  const int inputs = static_cast<int>(layer_case.in.size());
  ReferenceBackend backend;
  Differences differences(layer_case);
  LayerValues& values = differences.values();

  const LayerResult plain = run_layer(backend, layer_case, values);
  for (const double y : plain.out) ASSERT_TRUE(std::isfinite(y)) << "out";
  for (std::size_t i = 0; i < plain.d_in.size(); ++i)
    if (!plain.d_in[i].empty())
      differences.expect_derivative(values.in[i], plain.d_in[i], "d_in[" + std::to_string(i) + "]");
  const auto specs = layer->parameters(layer_case.in);
  for (std::size_t i = 0; i < specs.size(); ++i)
    if (specs[i].trainable)
      differences.expect_derivative(values.parameters[i], plain.d_parameters[i],
                                    "d_" + specs[i].name);

  const auto expect_same_run = [&](const RunOptions& options, const std::string& how) {
    const LayerResult other = run_layer(backend, layer_case, values, options);
    expect_same(other.out, plain.out, how + ": out");
    for (std::size_t i = 0; i < plain.statistics.size(); ++i)
      expect_same(other.statistics[i], plain.statistics[i], how + ": statistics");
    if (!other.ran_backward) return;
    for (std::size_t i = 0; i < plain.d_in.size(); ++i)
      if (!other.d_in[i].empty()) expect_same(other.d_in[i], plain.d_in[i], how + ": d_in");
    for (std::size_t i = 0; i < specs.size(); ++i)
      if (!other.d_parameters[i].empty())
        expect_same(other.d_parameters[i], plain.d_parameters[i], how + ": d_" + specs[i].name);
  };
  expect_same_run({.poison = true}, "poisoned");
  expect_same_run({.forward_in_place = true}, "forward in place");
  expect_same_run({.backward_in_place = true}, "backward in place");
  expect_same_run({.forward_in_place = true, .backward_in_place = true, .poison = true},
                  "both in place");
  expect_same_run({.wants_d_parameters = false}, "without d_parameters");
  for (int i = 0; i < inputs; ++i)
    expect_same_run({.without_d_in = {i}}, "without d_in[" + std::to_string(i) + "]");
}

}  // namespace hadal::test
