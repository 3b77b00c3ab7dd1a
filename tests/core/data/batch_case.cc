#include "tests/core/data/batch_case.h"

#include <cstring>

#include <gtest/gtest.h>

#include "core/base/random.h"
#include "core/data/loader.h"
#include "core/data/split.h"

namespace hadal::test {
namespace {

using data::Padding;

constexpr std::int64_t kImages = 53;  // of which 5 are left for the last batch of 16
constexpr int kShards = 4;

data::ImageSet random_images(const BatchCase& c) {
  data::ImageSet set{
      .count = kImages, .height = c.height, .width = c.width, .channels = c.channels};
  const random::Stream stream{.seed = 1, .purpose = random::Purpose::kTest};
  for (std::int64_t i = 0; i < set.count * set.bytes_per_image(); ++i)
    set.pixels.push_back(
        static_cast<std::uint8_t>(random::bits(stream, static_cast<std::uint64_t>(i)) >> 24));
  for (std::int32_t i = 0; i < kImages; ++i) set.labels.push_back(i % 10);
  return set;
}

void expect_same(const TensorView& there, const TensorView& here, const char* what) {
  const HostView found(there);
  ASSERT_EQ(there.shape, here.shape) << what;
  EXPECT_EQ(std::memcmp(found.view().data, here.data, here.bytes()), 0) << what;
}

void expect_same_batches(data::Loader& there, data::Loader& here, const Device* device,
                         std::int64_t batches) {
  for (std::int64_t i = 0; i < batches && !testing::Test::HasFailure(); ++i) {
    const data::Batch& found = there.next();
    const data::Batch& wanted = here.next();
    SCOPED_TRACE(testing::Message() << "epoch " << wanted.epoch << " step " << wanted.step
                                    << " shard " << wanted.shard);
    ASSERT_EQ(found.images.device(), device);
    EXPECT_EQ(found.indices, wanted.indices);
    EXPECT_EQ(found.total_weight, wanted.total_weight);
    expect_same(found.images.view(), wanted.images.view(), "images");
    expect_same(found.labels.view(), wanted.labels.view(), "labels");
    expect_same(found.weights.view(), wanted.weights.view(), "weights");
  }
}

}  // namespace

std::vector<BatchCase> batch_cases() {
  const std::vector<data::PreprocessStep> pixelwise = {{"subtract_pixel_mean"}, {"divide_std"}};
  const std::vector<data::PreprocessStep> channelwise = {{"divide_255"}, {"subtract_channel_mean"}};
  const std::vector<data::PreprocessStep> in_floats = {{"gcn"}, {"zca"}};
  return {
      {.name = "Zero", .steps = pixelwise, .augmentation = {.pad = 4, .mirror = true}},
      {.name = "Reflect",
       .height = 7,
       .width = 5,
       .steps = channelwise,
       .augmentation = {.pad = 4, .padding = Padding::kReflect, .mirror = true}},
      {.name = "Edge",
       .height = 5,
       .width = 9,
       .channels = 1,
       .steps = {{"pad", {2}}, {"lenet_range"}},
       .augmentation = {.pad = 3, .padding = Padding::kEdge}},
      {.name = "OddCutout",
       .channels = 4,
       .steps = pixelwise,
       .augmentation = {.pad = 2, .mirror = true, .cutout = 5}},
      {.name = "CutoutAlone", .steps = channelwise, .augmentation = {.cutout = 8}},
      {.name = "MirrorAlone", .height = 3, .width = 4, .augmentation = {.mirror = true}},
      {.name = "BytesAsTheyAre", .shuffle = false},
      {.name = "Floats",
       .height = 6,
       .width = 7,
       .steps = in_floats,
       .augmentation = {.pad = 2, .mirror = true, .cutout = 2}},
      {.name = "FloatsAsTheyAre", .height = 4, .width = 4, .steps = in_floats, .shuffle = false},
  };
}

void judge(Backend& backend, const BatchCase& c) {
  const data::ImageSet set = random_images(c);
  const std::vector<std::int64_t> all = data::all_indices(set.count);
  const data::PreparedImages here(set, data::Preprocessor::fit(c.steps, set, all));
  data::PreparedImages there(set, data::Preprocessor::fit(c.steps, set, all));
  ASSERT_TRUE(there.place_on(backend));
  for (const int ranks : {1, 2, 4})
    for (int rank = 0; rank < ranks; ++rank) {
      SCOPED_TRACE(testing::Message() << "rank " << rank << " of " << ranks);
      const data::LoaderOptions options{.global_batch = 16,
                                        .logical_shards = kShards,
                                        .first_shard = rank * kShards / ranks,
                                        .shards = kShards / ranks,
                                        .shuffle = c.shuffle,
                                        .seed = 3,
                                        .augmentation = c.augmentation};
      data::Loader on_host(here, all, options), on_device(there, all, options);
      const std::int64_t an_epoch = on_host.steps_per_epoch() * options.shards;
      expect_same_batches(on_device, on_host, backend.device(), 2 * an_epoch);
      on_host.seek(5, 2);
      on_device.seek(5, 2);
      expect_same_batches(on_device, on_host, backend.device(), an_epoch);
    }
}

}  // namespace hadal::test
