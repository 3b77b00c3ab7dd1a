#include "tests/core/kernel_case.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "core/reference/reference_backend.h"

namespace hadal::test {
namespace {

constexpr double kSlack = 16 * std::numeric_limits<float>::epsilon();

void round_to_float(std::vector<double>& values) {
  for (double& value : values) value = static_cast<float>(value);
}
void round_to_float(std::vector<std::vector<double>>& tensors) {
  for (std::vector<double>& values : tensors) round_to_float(values);
}

void expect_near(const std::vector<double>& found, const std::vector<double>& wanted, double terms,
                 const std::string& what) {
  if (found.empty()) return;  // not asked for in this run
  ASSERT_EQ(found.size(), wanted.size()) << what;
  double magnitude = 0;
  for (const double value : wanted)
    if (!std::isnan(value)) magnitude = std::max(magnitude, std::abs(value));
  const double tolerance = kSlack * (1 + std::sqrt(terms)) * magnitude;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    // NaN: the reference left the element alone (a closed gate), so the candidate must have too.
    if (std::isnan(wanted[i]))
      ASSERT_TRUE(std::isnan(found[i])) << what << "[" << i << "] was written";
    else
      ASSERT_NEAR(found[i], wanted[i], tolerance) << what << "[" << i << "]";
  }
}

}  // namespace

void judge(Backend& candidate, const KernelCase& kernel_case) {
  SCOPED_TRACE(kernel_case.name);
  const auto layer = layer_of(kernel_case);
  const Shape out = output_shape_of(kernel_case);
  LayerValues values = draw_values(kernel_case);
  for (auto* tensors : {&values.in, &values.parameters, &values.running, &values.d_in_before})
    round_to_float(*tensors);
  round_to_float(values.d_out);

  ReferenceBackend reference;
  const LayerResult wanted = run_layer(reference, kernel_case, values);
  const double terms = static_cast<double>(std::max(
      kernel_case.terms, layer->macs(kernel_case.in) / std::max<std::int64_t>(1, out.elements())));
  const double channel_terms =
      std::max(terms, static_cast<double>(out.elements()) / static_cast<double>(out.c()));

  const auto expect_run = [&](RunOptions options, const std::string& how) {
    options.type = DType::kFloat32;
    const LayerResult found = run_layer(candidate, kernel_case, values, options);
    expect_near(found.out, wanted.out, terms, how + ": out");
    for (std::size_t i = 0; i < wanted.statistics.size(); ++i)
      expect_near(found.statistics[i], wanted.statistics[i], channel_terms, how + ": statistics");
    if (!found.ran_backward) return;
    for (std::size_t i = 0; i < wanted.d_in.size(); ++i)
      expect_near(found.d_in[i], wanted.d_in[i], terms, how + ": d_in[" + std::to_string(i) + "]");
    for (std::size_t i = 0; i < wanted.d_parameters.size(); ++i)
      expect_near(found.d_parameters[i], wanted.d_parameters[i], channel_terms,
                  how + ": d_parameters[" + std::to_string(i) + "]");
  };
  expect_run({}, "plain");
  for (const bool preferred : {false, true}) {
    const std::string layouts = preferred ? " in its own layouts" : "";
    expect_run({.preferred_layouts = preferred, .poison = true}, "poisoned" + layouts);
    expect_run({.preferred_layouts = preferred,
                .forward_in_place = true,
                .backward_in_place = true,
                .poison = true},
               "in place" + layouts);
    expect_run({.preferred_layouts = preferred, .add_to_d_in = true}, "adding to d_in" + layouts);
    expect_run({.preferred_layouts = preferred, .wants_d_parameters = false},
               "without d_parameters" + layouts);
    for (int i = 0; i < static_cast<int>(kernel_case.in.size()); ++i)
      expect_run({.preferred_layouts = preferred, .without_d_in = {i}},
                 "without d_in[" + std::to_string(i) + "]" + layouts);
    expect_run({.backward = false, .preferred_layouts = preferred}, "forward alone" + layouts);
  }
}

}  // namespace hadal::test
