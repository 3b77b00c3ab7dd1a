#include "dist/linalg/row_pass.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <new>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal::dist {
namespace {

constexpr std::int64_t kSlots = 3;  // blocks of the ring: read, worked on, being finished
constexpr std::int64_t kBlockBytes = 8 << 20;
constexpr double kProgressSeconds = 0.1;

/// Memory that nobody touched yet: pages come where they are first written.
class Bytes {
 public:
  explicit Bytes(std::int64_t bytes)
      : data_(static_cast<std::byte*>(std::aligned_alloc(64, rounded(bytes)))) {
    if (data_ == nullptr) throw std::bad_alloc();
  }
  std::byte* data() const { return data_.get(); }

 private:
  static std::size_t rounded(std::int64_t bytes) {
    return (static_cast<std::size_t>(std::max<std::int64_t>(bytes, 1)) + 63) / 64 * 64;
  }
  struct Free {
    void operator()(std::byte* data) const { std::free(data); }
  };
  std::unique_ptr<std::byte, Free> data_;
};

/// The first exception of several threads; the others stop when they see it.
class FirstError {
 public:
  bool any() const { return any_.load(std::memory_order_relaxed); }
  void take() {
    const std::lock_guard lock(mutex_);
    if (error_ == nullptr) error_ = std::current_exception();
    any_ = true;
  }
  void rethrow() const {
    if (error_ != nullptr) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr error_;
  std::atomic<bool> any_ = false;
};

/// Tells how far this rank is, from one thread and not too often.
class Progress {
 public:
  explicit Progress(const std::function<void(std::int64_t)>& callback) : callback_(callback) {}
  void add(std::int64_t rows) { done_.fetch_add(rows, std::memory_order_relaxed); }
  void tell(bool now) {
    if (!callback_) return;
    const double time = SystemClock().now_s();
    if (!now && time - last_ < kProgressSeconds) return;
    last_ = time;
    callback_(done_.load(std::memory_order_relaxed));
  }

 private:
  const std::function<void(std::int64_t)>& callback_;
  std::atomic<std::int64_t> done_ = 0;
  double last_ = 0;
};

/// body(0) .. body(threads - 1), the first on the calling thread.
template <typename F>
void on_threads(int threads, const F& body) {
  std::vector<std::jthread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back([&body, t] { body(t); });
  body(0);
}

}  // namespace

/// Blocks of groups in memory. Block b lies in slot b mod slots; a slot is filled again when all
/// groups of its block are finished.
class RowPass::Ring {
 public:
  struct Slot {
    explicit Slot(std::int64_t bytes) : buffer(bytes) {}
    Bytes buffer;
    std::int64_t block = -1;  // that is ready to be worked on
    std::int64_t claimed = 0, finished = 0;
  };
  /// A group that was claimed and must be finished.
  struct Claim {
    std::int64_t block = 0, group = 0;
    const std::byte* data = nullptr;
  };

  Ring(std::int64_t slots, std::int64_t slot_bytes, std::int64_t groups, std::int64_t per_block)
      : groups_(groups), per_block_(per_block) {
    for (std::int64_t s = 0; s < slots; ++s) slots_.emplace_back(slot_bytes);
  }

  std::int64_t blocks() const { return (groups_ + per_block_ - 1) / per_block_; }
  std::int64_t first(std::int64_t block) const { return block * per_block_; }
  std::int64_t groups(std::int64_t block) const {
    return std::min(per_block_, groups_ - first(block));
  }
  bool holds_everything() const { return static_cast<std::int64_t>(slots_.size()) >= blocks(); }
  bool loaded() const { return loaded_; }

  /// Before a pass: nothing is ready, unless everything still is.
  void rewind() {
    loaded_ = holds_everything() && front_ == blocks() && !stopped_;
    front_ = 0;
    stopped_ = false;
    for (Slot& slot : slots_) {
      slot.claimed = slot.finished = 0;
      if (!loaded_) slot.block = -1;
    }
  }

  /// Where to read `block`, once its slot is free; null when the pass was stopped.
  std::byte* wait_for_slot(std::int64_t block) {
    std::unique_lock lock(mutex_);
    Slot& slot = slot_of(block);
    freed_.wait(lock,
                [&] { return stopped_ || slot.block < 0 || slot.finished == groups(slot.block); });
    if (stopped_) return nullptr;
    slot.block = -1;
    slot.claimed = slot.finished = 0;
    return slot.buffer.data();
  }
  void ready(std::int64_t block) {
    const std::lock_guard lock(mutex_);
    slot_of(block).block = block;
    filled_.notify_all();
  }

  /// False at the end of the pass.
  bool claim(Claim& claim) {
    std::unique_lock lock(mutex_);
    while (!stopped_ && front_ < blocks()) {
      Slot& slot = slot_of(front_);
      if (slot.block != front_) {
        filled_.wait(lock);
        continue;
      }
      claim = {front_, first(front_) + slot.claimed++, slot.buffer.data()};
      // At once: when its last group is finished the slot is given to another block.
      if (slot.claimed == groups(front_)) {
        ++front_;
        filled_.notify_all();
      }
      return true;
    }
    return false;
  }
  /// True when it was the last one of its block.
  bool finish(const Claim& claim) {
    const std::lock_guard lock(mutex_);
    if (++slot_of(claim.block).finished < groups(claim.block)) return false;
    freed_.notify_one();
    return true;
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    freed_.notify_all();
    filled_.notify_all();
  }

 private:
  Slot& slot_of(std::int64_t block) {
    return slots_[static_cast<std::size_t>(block % static_cast<std::int64_t>(slots_.size()))];
  }

  const std::int64_t groups_, per_block_;
  std::vector<Slot> slots_;
  std::mutex mutex_;
  std::condition_variable freed_, filled_;
  std::int64_t front_ = 0;  // the oldest block with groups to claim
  bool stopped_ = false;
  bool loaded_ = false;
};

RowPass::RowPass(const Communicator& comm, const matrix::RowSource& a,
                 const RowPassOptions& options)
    : a_(a), options_(options) {
  HADAL_CHECK(options.threads >= 1);
  length_ = options.along == Along::kRows ? a.rows() : a.cols();
  width_ = options.along == Along::kRows ? a.cols() : a.rows();
  const std::int64_t groups = (length_ + kGroup - 1) / kGroup;
  first_group_ = groups * comm.rank() / comm.size();
  end_group_ = groups * (comm.rank() + 1) / comm.size();
  choose_mode();
}

RowPass::~RowPass() = default;

std::int64_t RowPass::count() const {
  return std::min(end_group_ * kGroup, length_) - std::min(first(), length_);
}

std::int64_t RowPass::group_bytes() const { return block_bytes(0, 1); }

std::int64_t RowPass::block_bytes(std::int64_t first, std::int64_t groups) const {
  const std::int64_t end = std::min((first + groups) * kGroup, length_);
  return (end - first * kGroup) * width_ *
         static_cast<std::int64_t>(matrix::bytes_of(a_.element()));
}

const std::byte* RowPass::in_place(std::int64_t group) const {
  if (options_.along == Along::kColumns) {
    const std::byte* all = a_.in_place(0, a_.rows());
    return all == nullptr
               ? nullptr
               : all + static_cast<std::size_t>(group * kGroup) * matrix::bytes_of(a_.element());
  }
  return a_.in_place(group * kGroup, std::min(kGroup, length_ - group * kGroup));
}

// A group that straddles two files is in neither; a few of those may be copied each pass.
void RowPass::choose_mode() {
  const std::int64_t own = block_bytes(first_group_, group_count());
  const bool fits = own <= options_.memory_bytes;
  std::int64_t missing = 0;
  for (std::int64_t g = first_group_; g < end_group_; ++g) missing += in_place(g) == nullptr;
  if (fits && missing * 16 <= group_count()) return;

  if (!fits && options_.memory_bytes < 2 * group_bytes())
    throw ConfigError(fmt::format(
        "{}: {} of memory for rows is too little; wanted at least {} (two groups of {} rows), or "
        "more ranks",
        a_.name(), format_bytes(static_cast<double>(options_.memory_bytes)),
        format_bytes(static_cast<double>(2 * group_bytes())), kGroup));
  mode_ = fits ? Mode::kResident : Mode::kStreamed;
  const std::int64_t slots = std::min(kSlots, options_.memory_bytes / group_bytes());
  const std::int64_t share =
      fits ? kBlockBytes : std::min(kBlockBytes, options_.memory_bytes / slots);
  groups_per_block_ = std::clamp<std::int64_t>(share / std::max<std::int64_t>(group_bytes(), 1), 1,
                                               std::max<std::int64_t>(group_count(), 1));
  const std::int64_t blocks = (group_count() + groups_per_block_ - 1) / groups_per_block_;
  const std::int64_t held = fits ? blocks : std::min(slots, blocks);
  const std::int64_t slot_bytes = group_bytes() * groups_per_block_;
  ring_ = std::make_unique<Ring>(held, slot_bytes, group_count(), groups_per_block_);
  counters_.buffer_bytes = fits ? own : held * slot_bytes;
}

void RowPass::read_block(std::int64_t first, std::int64_t groups, std::byte* to) const {
  const std::int64_t begin = first * kGroup;
  const std::int64_t count = std::min((first + groups) * kGroup, length_) - begin;
  if (options_.along == Along::kRows)
    a_.read(begin, count, 0, a_.cols(), to);
  else
    a_.read(0, a_.rows(), begin, count, to);
}

Group RowPass::group_in_block(std::int64_t group, std::int64_t first, std::int64_t groups,
                              const std::byte* block) const {
  const std::int64_t begin = group * kGroup;
  const std::int64_t count = std::min(kGroup, length_ - begin);
  const auto size = static_cast<std::int64_t>(matrix::bytes_of(a_.element()));
  const std::int64_t before = begin - first * kGroup;
  if (options_.along == Along::kRows)
    return {begin, count, block + before * width_ * size, a_.cols()};
  const std::int64_t stride = std::min((first + groups) * kGroup, length_) - first * kGroup;
  return {begin, count, block + before * size, stride};
}

void RowPass::run(const Work& work) {
  const double start = SystemClock().now_s();
  if (mode_ == Mode::kInPlace)
    run_in_place(work);
  else
    run_ring(work);
  counters_.seconds += SystemClock().now_s() - start;
  counters_.bytes_read += block_bytes(first_group_, group_count());
  ++counters_.passes;
}

void RowPass::run_in_place(const Work& work) {
  std::atomic<std::int64_t> next = first_group_;
  FirstError error;
  Progress progress(options_.on_progress);
  on_threads(options_.threads, [&](int thread) {
    try {
      for (std::int64_t g; !error.any() && (g = next.fetch_add(1)) < end_group_;) {
        const std::byte* data = in_place(g);
        if (data != nullptr) {
          work(thread, {g * kGroup, std::min(kGroup, length_ - g * kGroup), data, a_.cols()});
        } else {
          const Bytes copy(block_bytes(g, 1));
          read_block(g, 1, copy.data());
          work(thread, group_in_block(g, g, 1, copy.data()));
        }
        progress.add(std::min(kGroup, length_ - g * kGroup));
        if (thread == 0) progress.tell(false);
      }
    } catch (...) {
      error.take();
    }
  });
  error.rethrow();
  progress.tell(true);
}

void RowPass::run_without_rows(const Work& work) {
  std::atomic<std::int64_t> next = first_group_;
  FirstError error;
  on_threads(options_.threads, [&](int thread) {
    try {
      for (std::int64_t g; !error.any() && (g = next.fetch_add(1)) < end_group_;)
        work(thread, {g * kGroup, std::min(kGroup, length_ - g * kGroup), nullptr, 0});
    } catch (...) {
      error.take();
    }
  });
  error.rethrow();
}

void RowPass::run_ring(const Work& work) {
  Ring& ring = *ring_;
  ring.rewind();
  FirstError error;
  Progress progress(options_.on_progress);
  const auto fail = [&] {
    error.take();
    ring.stop();
  };
  std::jthread reader;
  if (ring.loaded()) {
    for (std::int64_t b = 0; b < ring.blocks(); ++b) ring.ready(b);
  } else {
    reader = std::jthread([&] {
      try {
        for (std::int64_t b = 0; b < ring.blocks(); ++b) {
          std::byte* const to = ring.wait_for_slot(b);
          if (to == nullptr) return;
          const double start = SystemClock().now_s();
          read_block(first_group_ + ring.first(b), ring.groups(b), to);
          counters_.read_seconds += SystemClock().now_s() - start;
          ring.ready(b);
        }
      } catch (...) {
        fail();
      }
    });
  }
  on_threads(options_.threads, [&](int thread) {
    try {
      for (Ring::Claim claim; ring.claim(claim);) {
        const std::int64_t first = first_group_ + ring.first(claim.block);
        const Group group =
            group_in_block(first_group_ + claim.group, first, ring.groups(claim.block), claim.data);
        work(thread, group);
        if (ring.finish(claim) && mode_ == Mode::kStreamed && options_.along == Along::kRows)
          a_.release(
              first * kGroup,
              std::min((first + ring.groups(claim.block)) * kGroup, length_) - first * kGroup);
        progress.add(group.count);
        if (thread == 0) progress.tell(false);
      }
    } catch (...) {
      fail();
    }
  });
  if (reader.joinable()) reader.join();
  error.rethrow();
  progress.tell(true);
}

void RowPass::sample(int groups, const Work& work) {
  const std::int64_t all = (length_ + kGroup - 1) / kGroup;
  const std::int64_t wanted = std::min<std::int64_t>(groups, all);
  for (std::int64_t i = 0; i < wanted; ++i) {
    const std::int64_t g = all * i / wanted;
    if (g < first_group_ || g >= end_group_) continue;
    if (const std::byte* data = in_place(g)) {
      work(0, {g * kGroup, std::min(kGroup, length_ - g * kGroup), data, a_.cols()});
      continue;
    }
    const Bytes copy(block_bytes(g, 1));
    read_block(g, 1, copy.data());
    work(0, group_in_block(g, g, 1, copy.data()));
  }
}

std::int64_t half_of_free_memory() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::int64_t kilobytes = 0;
  while (file >> name >> kilobytes) {
    if (name == "MemAvailable:") return kilobytes * 1024 / 2;
    file.ignore(64, '\n');
  }
  return std::int64_t{1} << 30;
}

}  // namespace hadal::dist
