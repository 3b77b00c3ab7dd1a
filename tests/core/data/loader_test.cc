#include "core/data/loader.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/data/generator.h"
#include "core/data/split.h"

namespace hadal::data {
namespace {

// What a test compares: a batch without its tensors' identity.
struct Seen {
  std::int64_t epoch, step, first_sample;
  int shard;
  double total_weight;
  std::vector<std::int64_t> indices;
  std::vector<std::int32_t> labels;
  std::vector<float> weights, images;
  bool operator==(const Seen&) const = default;
};

Seen seen(const Batch& b) {
  const auto copy = []<typename T>(const Tensor& t, T) {
    return std::vector<T>(t.as<T>(), t.as<T>() + t.shape().elements());
  };
  return {b.epoch,
          b.step,
          b.first_sample,
          b.shard,
          b.total_weight,
          b.indices,
          copy(b.labels, std::int32_t{}),
          copy(b.weights, float{}),
          copy(b.images, float{})};
}

class LoaderTest : public ::testing::Test {
 protected:
  LoaderTest()
      : set_(generate_dataset({.train = 53, .test = 0, .side = 16}).train),
        images_(set_, Preprocessor::fit(
                          std::vector<PreprocessStep>{{"subtract_pixel_mean"}, {"divide_std"}},
                          set_, all_indices(set_.count))) {}

  LoaderOptions options() const {
    return {.global_batch = 16,
            .logical_shards = 4,
            .first_shard = 0,
            .shards = 4,
            .seed = 3,
            .augmentation = {.pad = 2, .mirror = true, .cutout = 4}};
  }

  std::vector<Seen> run(const LoaderOptions& o, std::int64_t epoch, std::int64_t step, int count) {
    Loader loader(images_, all_indices(set_.count), o);
    loader.seek(epoch, step);
    std::vector<Seen> all;
    for (int i = 0; i < count; ++i) all.push_back(seen(loader.next()));
    return all;
  }

  ImageSet set_;
  PreparedImages images_;
};

TEST_F(LoaderTest, AnEpochVisitsEveryImageOnceAndPadsWithZeroWeights) {
  Loader loader(images_, all_indices(set_.count), options());
  ASSERT_EQ(loader.steps_per_epoch(), 4);
  for (const std::int64_t epoch : {0, 1}) {
    std::multiset<std::int64_t> visited;
    for (int step = 0; step < 4; ++step) {
      double weight = 0;
      for (int shard = 0; shard < 4; ++shard) {
        const Batch& batch = loader.next();
        ASSERT_EQ(batch.epoch, epoch);
        ASSERT_EQ(batch.step, step);
        ASSERT_EQ(batch.shard, shard);
        ASSERT_EQ(batch.first_sample, 4 * shard);
        EXPECT_EQ(batch.total_weight, step < 3 ? 16 : 5);
        for (std::size_t i = 0; i < 4; ++i) {
          const float w = batch.weights.as<float>()[i];
          weight += w;
          if (w == 1.0f) visited.insert(batch.indices[i]);
          EXPECT_EQ(batch.labels.as<std::int32_t>()[i],
                    set_.labels[static_cast<std::size_t>(batch.indices[i])]);
        }
      }
      EXPECT_EQ(weight, step < 3 ? 16 : 5);
    }
    const auto all = all_indices(set_.count);
    EXPECT_EQ(visited, std::multiset<std::int64_t>(all.begin(), all.end()));
  }
}

TEST_F(LoaderTest, SameBitsWithAndWithoutPrefetching) {
  LoaderOptions o = options();
  o.prefetch = 0;
  const auto plain = run(o, 0, 0, 40);
  for (const int prefetch : {1, 2, 7}) {
    o.prefetch = prefetch;
    EXPECT_EQ(run(o, 0, 0, 40), plain) << prefetch;
  }
}

TEST_F(LoaderTest, SameBitsFromAnyStartingPoint) {
  const auto whole = run(options(), 0, 0, 48);
  for (const int start : {1, 3, 5, 9}) {
    const auto tail = run(options(), start / 4, start % 4, 8);
    EXPECT_TRUE(std::equal(tail.begin(), tail.end(), whole.begin() + 4 * start)) << start;
  }
}

TEST_F(LoaderTest, SameBitsOnAnyNumberOfRanks) {
  const auto whole = run(options(), 0, 0, 32);
  for (const int ranks : {2, 4}) {
    for (int rank = 0; rank < ranks; ++rank) {
      LoaderOptions o = options();
      o.shards = 4 / ranks;
      o.first_shard = rank * o.shards;
      const auto part = run(o, 0, 0, 8 * o.shards);
      for (std::size_t i = 0; i < part.size(); ++i) {
        const std::size_t step = i / static_cast<std::size_t>(o.shards);
        EXPECT_EQ(part[i], whole[4 * step + static_cast<std::size_t>(part[i].shard)]);
      }
    }
  }
}

TEST_F(LoaderTest, SeekingInMidFlightDropsWhatWasPreparedBefore) {
  const auto whole = run(options(), 0, 0, 16);
  Loader loader(images_, all_indices(set_.count), options());
  for (int round = 0; round < 50; ++round) {
    const std::int64_t step = round % 4;
    loader.seek(0, step);
    for (int i = 0; i < round % 3; ++i)
      ASSERT_EQ(seen(loader.next()), whole[static_cast<std::size_t>(4 * step + i) % 16]);
  }
}

TEST_F(LoaderTest, StoppingAtAnyMomentJoinsTheThread) {
  for (int taken = 0; taken < 20; ++taken) {
    Loader loader(images_, all_indices(set_.count), options());
    for (int i = 0; i < taken; ++i) loader.next();
  }
}

TEST_F(LoaderTest, WithoutShufflingImagesComeInOrder) {
  LoaderOptions o = options();
  o.shuffle = false;
  o.augmentation = {};
  const auto batches = run(o, 0, 0, 2);
  EXPECT_EQ(batches[0].indices, (std::vector<std::int64_t>{0, 1, 2, 3}));
  EXPECT_EQ(batches[1].indices, (std::vector<std::int64_t>{4, 5, 6, 7}));
  std::vector<float> image(16 * 16 * 3);
  images_.read(5, image.data());
  EXPECT_TRUE(std::equal(image.begin(), image.end(), batches[1].images.begin() + 16 * 16 * 3));
}

TEST_F(LoaderTest, DroppingTheLastPartialBatchLeavesWholeOnes) {
  LoaderOptions o = options();
  o.drop_last = true;
  Loader loader(images_, all_indices(set_.count), o);
  EXPECT_EQ(loader.steps_per_epoch(), 3);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(loader.next().total_weight, 16);
  EXPECT_EQ(loader.next().epoch, 1);
}

TEST_F(LoaderTest, FewerImagesThanABatchRepeatAsOftenAsNeeded) {
  LoaderOptions o = options();
  o.shuffle = false;
  Loader loader(images_, {7, 9, 11}, o);
  ASSERT_EQ(loader.steps_per_epoch(), 1);
  const Seen first = seen(loader.next());
  EXPECT_EQ(first.indices, (std::vector<std::int64_t>{7, 9, 11, 7}));
  EXPECT_EQ(first.weights, (std::vector<float>{1, 1, 1, 0}));
  EXPECT_EQ(first.total_weight, 3);
  EXPECT_EQ(seen(loader.next()).weights, std::vector<float>(4, 0.0f));
}

TEST_F(LoaderTest, OptionsThatDoNotFitAreRefused) {
  const auto with = [&](auto change) {
    LoaderOptions o = options();
    change(o);
    Loader loader(images_, all_indices(set_.count), o);
  };
  EXPECT_THROW(with([](auto& o) { o.global_batch = 18; }), ConfigError);
  EXPECT_THROW(with([](auto& o) { o.first_shard = 1; }), ConfigError);
  EXPECT_THROW(with([](auto& o) { o.global_batch = 64, o.drop_last = true; }), ConfigError);
  EXPECT_THROW(with([](auto& o) { o.augmentation.pad = 16; }), ConfigError);
  EXPECT_THROW(Loader(images_, {}, options()), ConfigError);
}

}  // namespace
}  // namespace hadal::data
