// One read of a matrix that is spread over ranks, group by group: what every computation here is
// built on.
//
// The long side of the matrix (its rows; its columns where those are more) is cut into groups of
// kGroup by the global index, never by rank or thread. A rank gets a contiguous block of groups
// (possibly none) and its threads take them one by one, so which thread sees which group, and in
// which order, is a matter of luck: what a worker makes of a group must depend on the group alone,
// and sums over groups must not depend on their order (core/linalg/fixed_point.h).
//
// Where the rows come from depends on the memory granted, and changes nothing else:
//   in place  the source has the rank's part in memory and it fits: nothing is copied;
//   resident  it must be read but fits: the first pass reads, later ones do not;
//   streamed  it does not fit: a thread reads blocks into a ring of buffers, the next one while
//             this one is worked on, and the source is told that the rows before are not needed.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <vector>

#include "core/linalg/row_kernels.h"
#include "core/matrix/row_source.h"
#include "dist/communicator.h"

namespace hadal::dist {

/// Rows (or columns) to a group. A constant of the results: sums within a group have one order.
constexpr std::int64_t kGroup = linalg::kGroupRows;

/// The side of the matrix that is cut into groups.
enum class Along { kRows, kColumns };

/// Along rows: rows [first, first + count), all columns. Along columns: columns [first, first +
/// count), all rows.
struct Group {
  std::int64_t first = 0, count = 0;
  const std::byte* data = nullptr;  // its first element
  std::int64_t stride = 0;          // elements from one row of the matrix to the next
};

struct RowPassOptions {
  Along along = Along::kRows;
  int threads = 1;
  /// For what is read: the rank's part of the matrix when it fits, else the ring of buffers.
  std::int64_t memory_bytes = 0;
  /// Called now and then by the thread that runs the pass, with the rows (columns) of this rank
  /// done in this pass.
  std::function<void(std::int64_t)> on_progress{};
};

struct RowPassCounters {
  int passes = 0;                 // whole reads
  std::int64_t bytes_read = 0;    // by this rank, in place or not
  double seconds = 0;             // in run()
  double read_seconds = 0;        // that workers waited for rows, or read them themselves
  std::int64_t buffer_bytes = 0;  // held for what is read
};

class RowPass {
 public:
  /// Works on one group; `thread` is in [0, threads). Several are at work at once.
  using Work = std::function<void(int thread, const Group& group)>;

  /// The same part of the work for every call of this rank. Throws ConfigError when memory_bytes is
  /// below two groups.
  RowPass(const Communicator& comm, const matrix::RowSource& a, const RowPassOptions& options);
  ~RowPass();
  RowPass(const RowPass&) = delete;
  RowPass& operator=(const RowPass&) = delete;

  int threads() const { return options_.threads; }
  /// The side that is cut and the other one.
  std::int64_t length() const { return length_; }
  std::int64_t width() const { return width_; }
  /// This rank's part: [first(), first() + count()).
  std::int64_t first() const { return first_group_ * kGroup; }
  std::int64_t count() const;

  /// Every group of this rank, once. Not collective. Rethrows the first exception of a worker or of
  /// reading, when all threads have stopped.
  void run(const Work& work);

  /// At most `groups` groups of the whole matrix, evenly spread: those of them that are this rank's
  /// are visited in order, as thread 0. The choice depends on the shape alone.
  void sample(int groups, const Work& work);

  /// As run(), but nothing is read: groups come without data. For what was kept of them.
  void run_without_rows(const Work& work);

  const RowPassCounters& counters() const { return counters_; }

 private:
  class Ring;
  enum class Mode { kInPlace, kResident, kStreamed };

  std::int64_t group_count() const { return end_group_ - first_group_; }
  std::int64_t group_bytes() const;
  /// Groups [first, first + groups) as one block of bytes.
  std::int64_t block_bytes(std::int64_t first, std::int64_t groups) const;
  void read_block(std::int64_t first, std::int64_t groups, std::byte* to) const;
  Group group_in_block(std::int64_t group, std::int64_t first, std::int64_t groups,
                       const std::byte* block) const;
  const std::byte* in_place(std::int64_t group) const;
  void choose_mode();
  void run_in_place(const Work& work);
  void run_ring(const Work& work);

  const matrix::RowSource& a_;
  const RowPassOptions options_;
  std::int64_t length_ = 0, width_ = 0;
  std::int64_t first_group_ = 0, end_group_ = 0;
  Mode mode_ = Mode::kInPlace;
  std::int64_t groups_per_block_ = 1;
  std::unique_ptr<Ring> ring_;  // of the resident and streamed modes
  RowPassCounters counters_;
};

/// What half of the machine's available memory comes to; 1 GiB where that is not known.
std::int64_t half_of_free_memory();

}  // namespace hadal::dist
