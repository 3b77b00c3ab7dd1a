#include "experiments/studies/eigenfaces/lane_transform.h"

#include <cmath>
#include <complex>
#include <numbers>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/base/random.h"

namespace hadal::eigenfaces {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

using Sequence = std::vector<std::complex<double>>;

std::vector<LaneComplex> random_lanes(int length) {
  std::vector<LaneComplex> x(static_cast<std::size_t>(length));
  for (std::size_t i = 0; i < x.size(); ++i)
    for (int lane = 0; lane < kLanes; ++lane) {
      const random::Stream stream{3, random::Purpose::kTest, static_cast<std::uint64_t>(lane)};
      x[i].re[lane] = static_cast<float>(random::normal(stream, 2 * i));
      x[i].im[lane] = static_cast<float>(random::normal(stream, 2 * i + 1));
    }
  return x;
}

Sequence lane_of(const std::vector<LaneComplex>& x, int lane) {
  Sequence values;
  for (const LaneComplex& element : x) values.emplace_back(element.re[lane], element.im[lane]);
  return values;
}

// sum_j a[j] b[(i - j) mod length], by its definition.
Sequence circular_convolution(const Sequence& a, const Sequence& b) {
  Sequence result(a.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < a.size(); ++j) result[i] += a[j] * b[(i + a.size() - j) % a.size()];
  return result;
}

double largest_difference(const Sequence& a, const Sequence& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

std::vector<const CorrelationKernels*> kernels_of_this_machine() {
  std::vector<const CorrelationKernels*> all = {&portable_kernels()};
  if (&correlation_kernels() != all.front()) all.push_back(&correlation_kernels());
  return all;
}

class LaneTransforms : public testing::TestWithParam<int> {};

TEST_P(LaneTransforms, ComeBackToWhatTheyTransformed) {
  const LaneTransform transform(GetParam());
  const std::vector<LaneComplex> x = random_lanes(GetParam());
  for (const CorrelationKernels* kernels : kernels_of_this_machine()) {
    std::vector<LaneComplex> y = x;
    kernels->forward(transform.stages(), y.data());
    kernels->inverse(transform.stages(), y.data());
    for (int lane = 0; lane < kLanes; ++lane) {
      Sequence scaled = lane_of(x, lane);
      for (auto& value : scaled) value *= GetParam();
      // float32: some 1e-7 at each of a few stages, of values up to 4 x length.
      EXPECT_LT(largest_difference(lane_of(y, lane), scaled), 4e-6 * GetParam());
    }
  }
}

TEST_P(LaneTransforms, MakeProductsOfSpectraConvolutions) {
  const int length = GetParam();
  const LaneTransform transform(length);
  const std::vector<LaneComplex> g = random_lanes(length);
  const Sequence p = lane_of(random_lanes(length), 5);
  for (const CorrelationKernels* kernels : kernels_of_this_machine()) {
    std::vector<LaneComplex> spectra = g, picture(g.size()), result(g.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
      picture[i].re[0] = static_cast<float>(p[i].real());
      picture[i].im[0] = static_cast<float>(p[i].imag());
    }
    kernels->forward(transform.stages(), spectra.data());
    kernels->forward(transform.stages(), picture.data());
    std::vector<float> pairs;
    for (const LaneComplex& element : picture) {
      pairs.push_back(element.re[0]);
      pairs.push_back(element.im[0]);
    }
    kernels->inverse_of_product(transform.stages(), spectra.data(), pairs.data(), result.data());
    for (const int lane : {0, 5, kLanes - 1}) {
      Sequence wanted = circular_convolution(lane_of(g, lane), p);
      for (auto& value : wanted) value *= length;
      // As above; a convolution sums `length` products.
      EXPECT_LT(largest_difference(lane_of(result, lane), wanted),
                2e-6 * length * std::sqrt(length));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(OfLength, LaneTransforms,
                         testing::Values(1, 2, 3, 4, 5, 6, 8, 15, 16, 25, 27, 60, 240, 320));

TEST(LaneTransform, TakesProductsOfTwoThreeAndFiveOnly) {
  EXPECT_THAT([] { LaneTransform transform(77); },
              ThrowsMessage<ConfigError>(HasSubstr(
                  "Fourier transform of 77 points: wanted a product of 2, 3 and 5; the next is "
                  "80")));
  EXPECT_EQ(smooth_length(241), 243);
  EXPECT_EQ(smooth_length(1), 1);
}

}  // namespace
}  // namespace hadal::eigenfaces
