#include "core/initializer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "core/layers/linear.h"
#include "core/layers/rbf_codes.h"
#include "core/params.h"

namespace hadal {
namespace {

constexpr std::uint64_t kSeed = 7;

std::vector<double> drawn(const Shape& shape, const Initializer& initializer,
                          const std::string& name = "conv1.weight", DType type = DType::kFloat64) {
  Tensor values(shape, type), in_double(shape, DType::kFloat64);
  initialize(values.view(), initializer, kSeed, name);
  copy_converted(values.view(), in_double.view());
  const auto span = in_double.span<double>();
  return {span.begin(), span.end()};
}

struct Moments {
  double mean, variance, largest;
};

Moments moments(const std::vector<double>& x) {
  const auto n = static_cast<double>(x.size());
  Moments m{std::accumulate(x.begin(), x.end(), 0.0) / n, 0, 0};
  for (const double value : x) {
    m.variance += (value - m.mean) * (value - m.mean) / n;
    m.largest = std::max(m.largest, std::abs(value));
  }
  return m;
}

// 64 x 3 x 3 x 32: fan-in 288, fan-out 576.
const Shape kConv{64, 3, 3, 32};
// 300 outputs, 200 inputs.
const Shape kMatrix{300, 200};

struct Expected {
  const char* name;
  Initializer initializer;
  Shape shape;
  double variance;
  double kurtosis;  // fourth moment over squared variance
  double limit;     // 0: none
};

class InitializerMoments : public testing::TestWithParam<Expected> {};

TEST_P(InitializerMoments, AreThoseOfItsDistribution) {
  const Expected& expected = GetParam();
  const std::vector<double> x = drawn(expected.shape, expected.initializer);
  const auto n = static_cast<double>(x.size());
  const Moments m = moments(x);
  // Five standard errors of the mean and of the variance of n independent draws.
  EXPECT_NEAR(m.mean, 0, 5 * std::sqrt(expected.variance / n));
  EXPECT_NEAR(m.variance / expected.variance, 1, 5 * std::sqrt((expected.kurtosis - 1) / n));
  if (expected.limit > 0) {
    EXPECT_LE(m.largest, expected.limit);
    EXPECT_GT(m.largest, 0.99 * expected.limit);
  }
}

constexpr double kNormal = 3.0, kUniform = 1.8;
// A normal cut at +-2: variance 1 - 4 phi(2) / (2 Phi(2) - 1) = 0.7737, kurtosis below the
// normal's.
constexpr double kCutVariance = 0.77374;

INSTANTIATE_TEST_SUITE_P(
    Kinds, InitializerMoments,
    testing::Values(
        Expected{"gaussian", Initializer::gaussian(0.01), kConv, 1e-4, kNormal, 0},
        Expected{"truncated_normal", Initializer::truncated_normal(0.1), kConv, 0.01 * kCutVariance,
                 kNormal, 0.2},
        Expected{"uniform", Initializer::uniform(0.05), kConv, 0.05 * 0.05 / 3, kUniform, 0.05},
        Expected{"he_fan_in_conv", Initializer::he_fan_in(), kConv, 2.0 / 288, kNormal, 0},
        Expected{"he_fan_in_matrix", Initializer::he_fan_in(), kMatrix, 2.0 / 200, kNormal, 0},
        Expected{"he_fan_out_conv", Initializer::he_fan_out(), kConv, 2.0 / 576, kNormal, 0},
        Expected{"he_fan_out_matrix", Initializer::he_fan_out(), kMatrix, 2.0 / 300, kNormal, 0},
        Expected{"glorot_uniform_conv", Initializer::glorot_uniform(), kConv, 2.0 / 864, kUniform,
                 std::sqrt(6.0 / 864)},
        Expected{"glorot_uniform_matrix", Initializer::glorot_uniform(), kMatrix, 2.0 / 500,
                 kUniform, std::sqrt(6.0 / 500)},
        Expected{"glorot_normal_conv", Initializer::glorot_normal(), kConv, 2.0 / 864, kNormal, 0},
        Expected{"xavier_fan_in_conv", Initializer::xavier_fan_in(), kConv, 1.0 / 288, kUniform,
                 std::sqrt(3.0 / 288)},
        Expected{"fan_in_uniform_matrix", Initializer::fan_in_uniform(2.4), kMatrix,
                 (2.4 / 200) * (2.4 / 200) / 3, kUniform, 2.4 / 200}),
    [](const auto& test) { return test.param.name; });

TEST(Initializer, ConstantIsConstant) {
  for (const double value : drawn({5}, Initializer::constant(0.25))) EXPECT_EQ(value, 0.25);
}

TEST(Initializer, OrthogonalHasOrthonormalRowsOrColumnsWhicheverAreFewer) {
  const double gain = 1.5;
  for (const Shape& shape : {Shape{8, 3, 3, 4}, Shape{40, 8}, Shape{16, 16}, Shape{1, 5}}) {
    const std::vector<double> w = drawn(shape, Initializer::orthogonal(gain));
    const std::int64_t rows = shape[0], columns = shape.elements() / rows;
    const bool by_row = rows <= columns;
    const std::int64_t count = std::min(rows, columns), length = std::max(rows, columns);
    const auto at = [&](std::int64_t vector, std::int64_t i) {
      return by_row ? w[vector * columns + i] : w[i * columns + vector];
    };
    for (std::int64_t a = 0; a < count; ++a)
      for (std::int64_t b = 0; b < count; ++b) {
        double product = 0;
        for (std::int64_t i = 0; i < length; ++i) product += at(a, i) * at(b, i);
        // Rounding of a sum of `length` products of unit vectors.
        EXPECT_NEAR(product, a == b ? gain * gain : 0, 1e-13) << shape.to_string();
      }
  }
}

TEST(Initializer, FloatAndDoubleGetTheSameDraws) {
  for (const Initializer& kind : {Initializer::he_fan_in(), Initializer::truncated_normal(0.1),
                                  Initializer::glorot_uniform(), Initializer::orthogonal()}) {
    const auto in_double = drawn({20, 30}, kind);
    const auto in_float = drawn({20, 30}, kind, "conv1.weight", DType::kFloat32);
    for (std::size_t i = 0; i < in_double.size(); ++i)
      EXPECT_EQ(in_float[i], static_cast<double>(static_cast<float>(in_double[i])));
  }
}

TEST(Initializer, NameAndSeedSelectTheDrawsAndNothingElseDoes) {
  const Initializer he = Initializer::he_fan_in();
  EXPECT_EQ(drawn({4, 4}, he, "a.weight"), drawn({4, 4}, he, "a.weight"));
  EXPECT_NE(drawn({4, 4}, he, "a.weight"), drawn({4, 4}, he, "b.weight"));
  Tensor other_seed({4, 4}, DType::kFloat64);
  initialize(other_seed.view(), he, kSeed + 1, "a.weight");
  EXPECT_NE(drawn({4, 4}, he, "a.weight")[0], other_seed.as<double>()[0]);
}

TEST(Initializer, AParameterDoesNotDependOnWhichOthersExist) {
  const auto values_of_fc2 = [](bool alone) {
    Graph g;
    Value x = g.input("x", {1, 6});
    if (!alone) x = linear(g, "fc1", x, {.out = 6});
    linear(g, "fc2", x, {.out = 4});
    Parameters parameters(g);
    parameters.initialize(kSeed);
    const auto values = parameters.value(parameters.find("fc2.weight"));
    return std::vector<float>(values.as<float>(), values.as<float>() + values.shape.elements());
  };
  EXPECT_EQ(values_of_fc2(true), values_of_fc2(false));
}

TEST(Initializer, ARedrawnElementDoesNotMoveTheOthers) {
  const auto normal = drawn({1000}, Initializer::gaussian(1.0));
  const auto truncated = drawn({1000}, Initializer::truncated_normal(1.0));
  int redrawn = 0;
  for (std::size_t i = 0; i < normal.size(); ++i) {
    if (std::abs(normal[i]) <= 2.0)
      EXPECT_EQ(truncated[i], normal[i]);
    else
      ++redrawn;
    EXPECT_LE(std::abs(truncated[i]), 2.0);
  }
  EXPECT_GT(redrawn, 10);
}

TEST(Initializer, CodesAreThoseOfTheDigits) {
  const std::vector<double> codes = drawn({10, 84}, Initializer::code());
  for (int digit = 0; digit < 10; ++digit)
    for (int element = 0; element < 84; ++element)
      EXPECT_EQ(codes[digit * 84 + element], rbf_code(digit, element));
}

TEST(Initializer, ParametersWithoutFansAreRefusedByName) {
  Tensor bias({10});
  try {
    initialize(bias.view(), Initializer::he_fan_in(), kSeed, "fc.bias");
    FAIL() << "accepted";
  } catch (const ShapeError& error) {
    EXPECT_EQ(
        std::string(error.what()),
        "fc.bias: no fans for a parameter of shape 10, wanted out x in or out x kh x kw x in");
  }
}

}  // namespace
}  // namespace hadal
