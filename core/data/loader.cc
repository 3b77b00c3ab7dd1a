#include "core/data/loader.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/data/image_gather.h"
#include "core/data/permutation.h"

namespace hadal::data {
namespace {

struct Position {
  std::int64_t epoch = 0, step = 0;
  int shard = 0;  // counted from first_shard
};

void require_valid_options(const LoaderOptions& o, std::int64_t images) {
  if (o.global_batch < 1 || o.logical_shards < 1 || o.global_batch % o.logical_shards != 0)
    throw ConfigError(
        fmt::format("loader: global batch of {} in {} logical shards, wanted a batch that the "
                    "shards divide; the nearest is {}",
                    o.global_batch, o.logical_shards,
                    std::max<std::int64_t>(1, o.global_batch / std::max(1, o.logical_shards)) *
                        std::max(1, o.logical_shards)));
  if (o.first_shard < 0 || o.shards < 1 || o.first_shard + o.shards > o.logical_shards)
    throw ConfigError(fmt::format("loader: shards {} to {} of {}", o.first_shard,
                                  o.first_shard + o.shards - 1, o.logical_shards));
  if (o.prefetch < 0 || o.prefetch > 1024)
    throw ConfigError(fmt::format("loader: prefetch {}, wanted 0 to 1024 batches", o.prefetch));
  if (images == 0) throw ConfigError("loader: no images to load");
  if (o.drop_last && images < o.global_batch)
    throw ConfigError(
        fmt::format("loader: {} images and the last partial batch dropped leave no batch of {}",
                    images, o.global_batch));
}

}  // namespace

// Makes batches one after another; used by one thread at a time.
class Loader::Maker {
 public:
  Maker(const PreparedImages& images, std::vector<std::int64_t> indices,
        const LoaderOptions& options)
      : images_(images), indices_(std::move(indices)), options_(options) {
    require_valid_options(options_, count());
    require_valid(options_.augmentation, images_.height(), images_.width());
    for (const std::int64_t i : indices_) HADAL_CHECK(i >= 0 && i < images_.count());
    scratch_.resize(static_cast<std::size_t>(images_.elements()));
    if (!device_) return;
    samples_ = Tensor({shard_size(), kSampleColumns}, DType::kInt32);
    samples_there_ = Tensor(samples_.shape(), DType::kInt32, Layout::kNhwc, device_);
  }

  const LoaderOptions& options() const { return options_; }
  bool may_run_ahead() const { return options_.prefetch > 0 && !device_; }
  std::int64_t count() const { return static_cast<std::int64_t>(indices_.size()); }
  std::int64_t shard_size() const { return options_.global_batch / options_.logical_shards; }
  std::int64_t steps() const {
    const std::int64_t whole = count() / options_.global_batch;
    return options_.drop_last || count() % options_.global_batch == 0 ? whole : whole + 1;
  }

  void seek(std::int64_t epoch, std::int64_t step) {
    if (epoch < 0 || step < 0 || step > steps())
      throw ConfigError(fmt::format("loader: epoch {} step {}, wanted a step from 0 to {}", epoch,
                                    step, steps()));
    at_ = step == steps() ? Position{epoch + 1, 0, 0} : Position{epoch, step, 0};
  }

  // Fills `batch` for the position at hand and moves on.
  void make_next(Batch& batch) {
    make(at_, batch);
    if (++at_.shard < options_.shards) return;
    at_.shard = 0;
    if (++at_.step < steps()) return;
    at_.step = 0;
    ++at_.epoch;
  }

 private:
  void make(const Position& at, Batch& batch) {
    const std::int64_t n = shard_size();
    if (!batch.images.view()) {
      batch.images = Tensor({n, images_.height(), images_.width(), images_.channels()},
                            DType::kFloat32, Layout::kNhwc, device_);
      batch.labels = Tensor({n}, DType::kInt32);
      batch.weights = Tensor({n});
      batch.indices.resize(static_cast<std::size_t>(n));
    }
    batch.epoch = at.epoch;
    batch.step = at.step;
    batch.shard = options_.first_shard + at.shard;
    batch.first_sample = batch.shard * n;
    const std::int64_t start = at.step * options_.global_batch;
    batch.total_weight = static_cast<double>(std::min(options_.global_batch, count() - start));
    order_epoch(at.epoch);
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t place = start + batch.first_sample + i;
      const std::int64_t image = image_at(place % count());
      batch.indices[static_cast<std::size_t>(i)] = image;
      batch.labels.as<std::int32_t>()[i] = images_.label(image);
      batch.weights.as<float>()[i] = place < count() ? 1.0f : 0.0f;
    }
    if (device_)
      gather_images(batch);
    else
      write_images(batch);
  }

  AugmentationDraw draw(std::int64_t epoch, std::int64_t image) const {
    return draw_augmentation(options_.augmentation, options_.seed, epoch, image, images_.height(),
                             images_.width());
  }

  // Draws are made here and travel, six numbers for an image; pixels do not.
  void gather_images(Batch& batch) {
    std::int32_t* columns = samples_.as<std::int32_t>();
    for (const std::int64_t image : batch.indices) {
      write_sample(image, draw(batch.epoch, image), columns);
      columns += kSampleColumns;
    }
    copy_converted(samples_.view(), samples_there_.view());
    images_.gather(samples_there_.view(), options_.augmentation, batch.images.view());
  }

  void write_images(Batch& batch) {
    float* out = batch.images.as<float>();
    for (const std::int64_t image : batch.indices) {
      write_image(batch.epoch, image, out);
      out += images_.elements();
    }
  }

  void write_image(std::int64_t epoch, std::int64_t image, float* out) {
    const Augmentation& a = options_.augmentation;
    if (!a.changes_anything()) {
      const float* values = images_.read(image, out);
      if (values != out) std::copy_n(values, images_.elements(), out);
      return;
    }
    apply_augmentation(a, draw(epoch, image), images_.read(image, scratch_.data()),
                       images_.height(), images_.width(), images_.channels(), out);
  }

  void order_epoch(std::int64_t epoch) {
    if (!options_.shuffle || epoch == ordered_epoch_) return;
    order_ = permutation(count(), {.seed = options_.seed,
                                   .purpose = random::Purpose::kShuffle,
                                   .a = static_cast<std::uint64_t>(epoch)});
    ordered_epoch_ = epoch;
  }

  std::int64_t image_at(std::int64_t place) const {
    const auto p = static_cast<std::size_t>(place);
    return indices_[options_.shuffle ? static_cast<std::size_t>(order_[p]) : p];
  }

  const PreparedImages& images_;
  Device* const device_ = images_.device();
  const std::vector<std::int64_t> indices_;
  const LoaderOptions options_;
  Position at_;
  std::vector<float> scratch_;
  Tensor samples_, samples_there_;  // of a batch that is made on a device, in both memories
  std::vector<std::int64_t> order_;
  std::int64_t ordered_epoch_ = -1;
};

// A ring of prefetch + 1 batches: one in the caller's hands, the others made or being made. The
// maker belongs to the thread while `making_`, to whoever holds the mutex otherwise.
class Loader::Prefetcher {
 public:
  explicit Prefetcher(Maker& maker)
      : maker_(maker), batches_(static_cast<std::size_t>(maker.options().prefetch) + 1) {
    for (Batch& batch : batches_) free_.push_back(&batch);
    thread_ = std::thread([this] { run(); });
  }

  ~Prefetcher() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  const Batch& next() {
    std::unique_lock lock(mutex_);
    release_current();
    changed_.wait(lock, [&] { return !ready_.empty() || failure_; });
    if (ready_.empty()) std::rethrow_exception(failure_);
    current_ = ready_.front();
    ready_.pop_front();
    return *current_;
  }

  void seek(std::int64_t epoch, std::int64_t step) {
    std::unique_lock lock(mutex_);
    // Whatever is being made belongs to the old place: let it come in, then drop all of it.
    seeking_ = true;
    changed_.wait(lock, [&] { return !making_; });
    seeking_ = false;
    release_current();
    free_.insert(free_.end(), ready_.begin(), ready_.end());
    ready_.clear();
    failure_ = nullptr;
    maker_.seek(epoch, step);
    changed_.notify_all();
  }

 private:
  void release_current() {
    if (!current_) return;
    free_.push_back(current_);
    current_ = nullptr;
    changed_.notify_all();
  }

  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] {
        return stopping_ || (!seeking_ && !failure_ && !free_.empty() &&
                             static_cast<int>(ready_.size()) < maker_.options().prefetch);
      });
      if (stopping_) return;
      Batch* batch = free_.front();
      free_.pop_front();
      making_ = true;
      lock.unlock();
      std::exception_ptr failure;
      try {
        maker_.make_next(*batch);
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      making_ = false;
      failure_ = failure;
      (failure ? free_ : ready_).push_back(batch);
      changed_.notify_all();
    }
  }

  Maker& maker_;
  std::vector<Batch> batches_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch*> free_, ready_;
  Batch* current_ = nullptr;
  std::exception_ptr failure_;
  bool making_ = false, seeking_ = false, stopping_ = false;
  std::thread thread_;
};

Loader::Loader(const PreparedImages& images, std::vector<std::int64_t> indices,
               const LoaderOptions& options)
    : maker_(std::make_unique<Maker>(images, std::move(indices), options)) {
  if (maker_->may_run_ahead()) prefetcher_ = std::make_unique<Prefetcher>(*maker_);
}

Loader::~Loader() = default;

std::int64_t Loader::image_count() const { return maker_->count(); }
std::int64_t Loader::steps_per_epoch() const { return maker_->steps(); }
std::int64_t Loader::shard_size() const { return maker_->shard_size(); }

void Loader::seek(std::int64_t epoch, std::int64_t step) {
  if (prefetcher_)
    prefetcher_->seek(epoch, step);
  else
    maker_->seek(epoch, step);
}

const Batch& Loader::next() {
  if (prefetcher_) return prefetcher_->next();
  maker_->make_next(batch_);
  return batch_;
}

}  // namespace hadal::data
