// Batches in order, prepared ahead by one thread, or, where the images lie on a device, made there
// when they are asked for.
//
// An epoch visits every image once, in an order drawn from (seed, epoch). Step s takes the images
// from s * global_batch on; the global batch is cut into `logical_shards` equal parts, and a loader
// serves the parts [first_shard, first_shard + shards) of every step, one after another. What a
// batch holds is a function of (options, epoch, step, shard) and of nothing else: not of the rank
// count, of prefetching, or of where the loader was started.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/data/augment.h"
#include "core/data/prepared_images.h"
#include "core/tensor.h"

namespace hadal::data {

struct LoaderOptions {
  std::int64_t global_batch = 128;
  int logical_shards = 1;  // divides global_batch
  int first_shard = 0;
  int shards = 1;  // served here
  bool shuffle = true;
  bool drop_last = false;  // leave out the images of a last, partial global batch
  std::uint64_t seed = 1;
  Augmentation augmentation{};
  // Batches prepared ahead by a thread; 0: none, and no thread. A device takes work from one thread
  // only, so the batches that it makes are never prepared ahead.
  int prefetch = 2;
};

/// One shard of a step, n = global_batch / logical_shards samples.
struct Batch {
  Tensor images;   // n x H x W x C, float32; on PreparedImages::device()
  Tensor labels;   // n, int32
  Tensor weights;  // n, float32: 1, or 0 for a sample that fills up the last batch
  std::vector<std::int64_t> indices;  // n: which image of the set each sample is
  std::int64_t epoch = 0, step = 0;
  int shard = 0;
  std::int64_t first_sample = 0;  // place of sample 0 in the global batch
  double total_weight = 0;        // of the whole global batch
};

class Loader {
 public:
  /// Serves the images `indices` of `images`, which must outlive the loader. Samples that fill up a
  /// last, partial batch repeat the epoch's first images with weight 0.
  /// Throws ConfigError for options that do not fit together or no images at all.
  Loader(const PreparedImages& images, std::vector<std::int64_t> indices,
         const LoaderOptions& options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  std::int64_t image_count() const;
  std::int64_t steps_per_epoch() const;
  std::int64_t shard_size() const;

  /// The next batch is the first shard of (epoch, step). A new loader stands at (0, 0).
  void seek(std::int64_t epoch, std::int64_t step);

  /// The next shard; after the last of a step the next step, after the last step the next epoch.
  /// Valid until the next call of next() or seek().
  const Batch& next();

 private:
  class Maker;
  class Prefetcher;
  std::unique_ptr<Maker> maker_;
  std::unique_ptr<Prefetcher> prefetcher_;  // null without prefetching, then
  Batch batch_;                             // is what next() gives
};

}  // namespace hadal::data
