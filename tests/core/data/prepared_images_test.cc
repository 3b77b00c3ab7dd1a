#include "core/data/prepared_images.h"

#include <gtest/gtest.h>

#include "core/data/generator.h"
#include "core/data/split.h"
#include "core/reference/reference_backend.h"
#include "tests/core/data/batch_case.h"
#include "tests/core/fake_device.h"

namespace hadal::data {
namespace {

using test::FakeDevice;
using test::FakeDeviceBackend;

class OnADevice : public testing::TestWithParam<test::BatchCase> {};

TEST_P(OnADevice, BatchesHaveTheBitsOfTheHosts) {
  FakeDevice device;
  ReferenceBackend reference;
  FakeDeviceBackend backend(reference, device);
  test::judge(backend, GetParam());
  EXPECT_EQ(device.live_bytes(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Batches, OnADevice, testing::ValuesIn(test::batch_cases()),
                         [](const auto& info) { return info.param.name; });

class PlacedImages : public testing::Test {
 protected:
  static constexpr std::size_t kBytes = 10 * 16 * 16 * 3;

  ReferenceBackend reference_;
  FakeDevice small_{2 * kBytes - 1}, large_{2 * kBytes};
  FakeDeviceBackend on_small_{reference_, small_}, on_large_{reference_, large_};
  ImageSet set_ = generate_dataset({.train = 10, .test = 0, .side = 16}).train;
  PreparedImages images_{set_, Preprocessor::fit({}, set_, all_indices(set_.count))};
};

TEST_F(PlacedImages, TakeAtMostTheirShareOfADevice) {
  EXPECT_FALSE(images_.place_on(on_small_));
  EXPECT_EQ(small_.live_bytes(), 0U);
  EXPECT_EQ(images_.device(), nullptr);
  EXPECT_TRUE(images_.place_on(on_large_));
  EXPECT_EQ(images_.device(), &large_);
}

TEST_F(PlacedImages, StayWhereTheBackendWorksInTheHostsMemory) {
  EXPECT_FALSE(images_.place_on(reference_));
  EXPECT_EQ(images_.device(), nullptr);
}

}  // namespace
}  // namespace hadal::data
