// The published sets, where HADAL_DATA names a folder that holds them.
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/data/registry.h"

namespace hadal::data {
namespace {

#define LOAD_OR_SKIP(set, name, values_)                                                   \
  if (!std::getenv("HADAL_DATA")) GTEST_SKIP() << "HADAL_DATA names no folder with " name; \
  const Dataset set = load_dataset(name, {.data_dir = "", .values = values_})

TEST(RealData, Cifar10HasItsCounts) {
  LOAD_OR_SKIP(set, "cifar10", {});
  EXPECT_EQ(label_histogram(set.train, 10, "train"), std::vector<std::int64_t>(10, 5000));
  EXPECT_EQ(label_histogram(set.test, 10, "test"), std::vector<std::int64_t>(10, 1000));
  EXPECT_EQ(set.class_names[6], "frog");
  EXPECT_EQ(set.train.labels[0], 6);  // the first training image is a frog
}

TEST(RealData, Cifar100HasItsCounts) {
  LOAD_OR_SKIP(set, "cifar100", {});
  EXPECT_EQ(label_histogram(set.train, 100, "train"), std::vector<std::int64_t>(100, 500));
  EXPECT_EQ(label_histogram(set.test, 100, "test"), std::vector<std::int64_t>(100, 100));
  EXPECT_EQ(set.class_names[0], "apple");
}

TEST(RealData, MnistHasItsCounts) {
  LOAD_OR_SKIP(set, "mnist", {});
  EXPECT_EQ(set.train.count, 60000);
  EXPECT_EQ(set.test.count, 10000);
  EXPECT_THAT(std::vector(set.train.labels.begin(), set.train.labels.begin() + 5),
              ::testing::ElementsAre(5, 0, 4, 1, 9));
}

TEST(RealData, SvhnSliceHasItsCounts) {
  const OptionValues slice = {
      {"train_file", "train_32x32_first1083.mat"}, {"test_file", "none"}, {"extra_file", "none"}};
  LOAD_OR_SKIP(set, "svhn", slice);
  EXPECT_THAT(label_histogram(set.train, 10, "train"),
              ::testing::ElementsAre(66, 227, 141, 134, 110, 112, 78, 70, 78, 67));
}

}  // namespace
}  // namespace hadal::data
