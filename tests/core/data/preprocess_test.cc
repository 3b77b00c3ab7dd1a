#include "core/data/preprocess.h"

#include <cmath>

#include <cblas.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/data/generator.h"
#include "core/data/split.h"

namespace hadal::data {
namespace {

ImageSet random_images(std::int64_t count, int height, int width, int channels) {
  ImageSet set{.count = count, .height = height, .width = width, .channels = channels};
  set.labels.resize(static_cast<std::size_t>(count));
  set.pixels.resize(static_cast<std::size_t>(count * set.bytes_per_image()));
  for (std::size_t i = 0; i < set.pixels.size(); ++i) {
    const std::uint32_t word =
        random::bits({.seed = 5, .purpose = random::Purpose::kTest}, static_cast<std::uint64_t>(i));
    // Every channel has a range of its own.
    set.pixels[i] =
        static_cast<std::uint8_t>(word % (60 + 60 * (i % static_cast<std::size_t>(channels))));
  }
  return set;
}

struct Prepared {
  Preprocessor preprocessor;
  std::vector<float> values;  // of the training images
};

Prepared prepare(const std::vector<PreprocessStep>& steps, const ImageSet& set) {
  Prepared p{Preprocessor::fit(steps, set, all_indices(set.count)), {}};
  p.values.resize(static_cast<std::size_t>(set.count * p.preprocessor.elements()));
  p.preprocessor.apply(set.pixels.data(), set.count, p.values.data());
  return p;
}

// Moments of values[start], values[start + stride], ...
std::pair<double, double> mean_and_std(const std::vector<float>& values, std::size_t start,
                                       std::size_t stride) {
  double sum = 0, squares = 0, n = 0;
  for (std::size_t i = start; i < values.size(); i += stride, ++n) {
    sum += values[i];
    squares += double{values[i]} * values[i];
  }
  return {sum / n, std::sqrt(squares / n - sum / n * sum / n)};
}

// fp32 elements around 1 to 100, means of hundreds of them in double.
constexpr double kTolerance = 2e-5;

TEST(Preprocess, WithoutStepsPixelsStayWhatTheyAre) {
  const ImageSet set = random_images(3, 4, 5, 2);
  const auto p = prepare({}, set);
  EXPECT_EQ(p.values, std::vector<float>(set.pixels.begin(), set.pixels.end()));
}

TEST(Preprocess, PixelMeanAndScalarStdAreThoseOfTheTrainingImages) {
  const ImageSet set = random_images(200, 4, 4, 3);
  const auto p = prepare({{"subtract_pixel_mean"}, {"divide_std"}}, set);
  for (std::size_t e = 0; e < 48; ++e)
    EXPECT_NEAR(mean_and_std(p.values, e, 48).first, 0.0, kTolerance);
  EXPECT_NEAR(mean_and_std(p.values, 0, 1).second, 1.0, kTolerance);
  EXPECT_TRUE(p.preprocessor.is_elementwise());
}

TEST(Preprocess, ChannelMeanAndStdAreThoseOfTheTrainingImages) {
  const ImageSet set = random_images(100, 4, 4, 3);
  const auto p = prepare({{"divide_255"}, {"subtract_channel_mean"}, {"divide_channel_std"}}, set);
  for (std::size_t c = 0; c < 3; ++c) {
    const auto [mean, std] = mean_and_std(p.values, c, 3);
    EXPECT_NEAR(mean, 0.0, kTolerance);
    EXPECT_NEAR(std, 1.0, kTolerance);
  }
}

TEST(Preprocess, FitsOnTheGivenImagesOnly) {
  ImageSet set = random_images(20, 2, 2, 1);
  const std::vector<std::int64_t> training = {0, 2, 4, 6};
  const std::vector<PreprocessStep> steps = {{"subtract_pixel_mean"}, {"divide_std"}};
  const auto before = Preprocessor::fit(steps, set, training).state();
  std::fill(set.pixels.begin() + 4, set.pixels.begin() + 8, std::uint8_t{255});  // image 1
  const auto after = Preprocessor::fit(steps, set, training).state();
  for (std::size_t i = 1; i < before.size(); ++i)
    for (std::int64_t e = 0; e < before[i].tensor.shape().elements(); ++e)
      EXPECT_EQ(before[i].tensor.as<double>()[e], after[i].tensor.as<double>()[e]);
}

TEST(Preprocess, LeNetRangeMapsBackgroundAndForegroundAndPadsWithBackground) {
  ImageSet set{.count = 1, .height = 28, .width = 28, .channels = 1};
  set.pixels.assign(28 * 28, 255);
  set.labels = {0};
  const auto preprocessor =
      Preprocessor::fit(std::vector<PreprocessStep>{{"pad", {2}}, {"lenet_range"}}, set,
                        std::vector<std::int64_t>{0});
  EXPECT_EQ(preprocessor.height(), 32);
  std::vector<float> out(32 * 32);
  preprocessor.apply(padded(set, 2).pixels.data(), 1, out.data());
  EXPECT_FLOAT_EQ(out[0], -0.1f);
  EXPECT_FLOAT_EQ(out[33], -0.1f);
  EXPECT_FLOAT_EQ(out[2 * 32 + 2], 1.175f);
}

TEST(Preprocess, NormalizeUsesTheGivenNumbers) {
  const ImageSet set = random_images(1, 1, 1, 2);
  const auto p = prepare({{"divide_255"}, {"normalize", {0.5, 0.25, 0.2, 0.1}}}, set);
  EXPECT_NEAR(p.values[0], (set.pixels[0] / 255.0 - 0.5) / 0.2, 1e-6);
  EXPECT_NEAR(p.values[1], (set.pixels[1] / 255.0 - 0.25) / 0.1, 1e-6);
}

TEST(Preprocess, ContrastNormalizationGivesEveryImageMeanZeroAndNorm55) {
  ImageSet set = random_images(5, 6, 6, 3);
  std::fill_n(set.pixels.begin(), 108, std::uint8_t{9});  // flat: its norm is left alone
  const auto p = prepare({{"gcn"}}, set);
  for (std::size_t i = 0; i < 5; ++i) {
    double sum = 0, squares = 0;
    for (std::size_t e = 0; e < 108; ++e) {
      sum += p.values[i * 108 + e];
      squares += double{p.values[i * 108 + e]} * p.values[i * 108 + e];
    }
    EXPECT_NEAR(sum, 0.0, 1e-4);
    EXPECT_NEAR(std::sqrt(squares), i == 0 ? 0.0 : 55.0, 1e-4);
  }
}

TEST(Preprocess, WhitenedTrainingImagesHaveUnitCovariance) {
  const ImageSet set = random_images(400, 3, 3, 2);
  const auto p = prepare({{"divide_255"}, {"zca", {1e-9}}}, set);
  const std::size_t d = 18;
  for (std::size_t a = 0; a < d; ++a)
    for (std::size_t b = 0; b < d; ++b) {
      double product = 0;
      for (std::size_t i = 0; i < 400; ++i)
        product += double{p.values[i * d + a]} * p.values[i * d + b];
      // P in fp32 with entries up to 30: relative 1e-7 of sums of 18.
      EXPECT_NEAR(product / 400, a == b ? 1.0 : 0.0, 1e-4) << a << "," << b;
    }
}

TEST(Preprocess, AnImageDoesNotDependOnItsNeighbours) {
  const ImageSet set = random_images(130, 4, 4, 3);
  for (const bool whiten : {false, true}) {
    std::vector<PreprocessStep> steps = {{"gcn"}};
    if (whiten) steps.push_back({"zca"});
    const auto p = prepare(steps, set);
    EXPECT_FALSE(p.preprocessor.is_elementwise());
    std::vector<float> alone(48);
    for (const std::int64_t i : {0, 63, 64, 129}) {
      p.preprocessor.apply(set.image(i), 1, alone.data());
      for (std::size_t e = 0; e < 48; ++e)
        // Whitening: fp32 sums of 48 terms below 55 in an order BLAS chooses.
        ASSERT_NEAR(alone[e], p.values[static_cast<std::size_t>(i) * 48 + e], whiten ? 1e-4 : 0);
    }
  }
}

TEST(Preprocess, WhiteningHasTheSameBitsOnAnyNumberOfCores) {
  // Large enough for OpenBLAS to share the work among its threads.
  const ImageSet set = random_images(300, 14, 14, 3);
  std::vector<std::vector<float>> values;
  const int before = openblas_get_num_threads();
  for (const int threads : {1, 2, 3}) {
    openblas_set_num_threads(threads);
    values.push_back(prepare({{"gcn"}, {"zca", {0.1}}}, set).values);
    EXPECT_EQ(openblas_get_num_threads(), threads) << "not put back";
  }
  openblas_set_num_threads(before);
  EXPECT_EQ(values[1], values[0]);
  EXPECT_EQ(values[2], values[0]);
}

TEST(Preprocess, StateGivesBackTheSameBits) {
  const ImageSet set = random_images(50, 4, 4, 3);
  for (const std::vector<PreprocessStep>& steps :
       {std::vector<PreprocessStep>{{"divide_255"}, {"subtract_pixel_mean"}, {"divide_std"}},
        std::vector<PreprocessStep>{{"gcn"}, {"zca"}, {"subtract_channel_mean"}}}) {
    const auto p = prepare(steps, set);
    const Preprocessor again = Preprocessor::from_state(p.preprocessor.state());
    std::vector<float> values(p.values.size());
    again.apply(set.pixels.data(), set.count, values.data());
    EXPECT_EQ(values, p.values);
  }
}

TEST(Preprocess, WhatCannotBeIsRefused) {
  const ImageSet set = random_images(10, 2, 2, 1);
  const auto fit = [&](const std::vector<PreprocessStep>& steps) {
    return Preprocessor::fit(steps, set, all_indices(set.count));
  };
  EXPECT_THROW(fit({{"gnc"}}), ConfigError);
  EXPECT_THROW(fit({{"divide_255", {3}}}), ConfigError);
  EXPECT_THROW(fit({{"divide_255"}, {"pad", {2}}}), ConfigError);
  EXPECT_THROW(fit({{"normalize", {0.5}}}), ConfigError);
  EXPECT_THROW(Preprocessor::fit({}, set, {}), ConfigError);
  ImageSet flat = set;
  std::fill(flat.pixels.begin(), flat.pixels.end(), std::uint8_t{7});
  EXPECT_THROW(
      Preprocessor::fit(std::vector<PreprocessStep>{{"divide_std"}}, flat, all_indices(flat.count)),
      DataError);
  auto state = fit({{"divide_255"}}).state();
  state.pop_back();
  EXPECT_THROW(Preprocessor::from_state(state), DataError);
}

}  // namespace
}  // namespace hadal::data
