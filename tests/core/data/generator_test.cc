#include "core/data/generator.h"

#include <set>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/hash.h"

namespace hadal::data {
namespace {

std::vector<std::uint8_t> image(const GeneratorOptions& options, GeneratorSplit split,
                                std::int64_t index) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(options.side * options.side * 3));
  generate_image(options, split, index, pixels.data());
  return pixels;
}

TEST(Generator, ImagesArePureFunctionsOfSeedSplitAndIndex) {
  const GeneratorOptions options;
  const auto train5 = image(options, GeneratorSplit::kTrain, 5);
  EXPECT_EQ(image(options, GeneratorSplit::kTrain, 5), train5);
  EXPECT_NE(image(options, GeneratorSplit::kTrain, 15), train5);
  EXPECT_NE(image(options, GeneratorSplit::kTest, 5), train5);
  EXPECT_NE(image({.seed = 2}, GeneratorSplit::kTrain, 5), train5);
}

TEST(Generator, AnyPrefixOfASetIsTheSmallerSet) {
  const Dataset large = generate_dataset({.train = 40, .test = 20});
  const Dataset small = generate_dataset({.train = 15, .test = 20});
  EXPECT_TRUE(
      std::equal(small.train.pixels.begin(), small.train.pixels.end(), large.train.pixels.begin()));
  EXPECT_EQ(small.test.pixels, large.test.pixels);
}

TEST(Generator, ClassesAreBalancedAndNamed) {
  const Dataset set = generate_dataset({.train = 50, .test = 10});
  EXPECT_EQ(set.class_names.size(), 10u);
  EXPECT_EQ(label_histogram(set.train, set.classes, "train"), std::vector<std::int64_t>(10, 5));
}

TEST(Generator, SidesThatAreNotMultiplesOfTheNoiseBlockWork) {
  const Dataset set = generate_dataset({.train = 10, .test = 0, .side = 17});
  EXPECT_EQ(set.train.pixels.size(), 10u * 17 * 17 * 3);
}

TEST(Generator, OptionsOutOfRangeAreRefused) {
  EXPECT_THROW(generate_dataset({.train = 0}), ConfigError);
  EXPECT_THROW(generate_dataset({.side = 8}), ConfigError);
  EXPECT_THROW(generate_dataset({.difficulty = 1.5}), ConfigError);
}

}  // namespace
}  // namespace hadal::data
