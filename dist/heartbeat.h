// Who does what since when: every rank keeps one slot on a board, and the ranks of one machine can
// read each other's, so that the survivors of a hang can name the rank that is missing.
//
// The board is shared memory with one slot per rank of the whole job; slots of ranks on other
// machines stay empty. A slot is a sequence lock over atomic words: writing never blocks, allocates
// or enters the kernel; a reader tries again when it met a write.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/train/replica_group.h"

namespace hadal::dist {

/// "compute", "collective".
std::string_view name_of(Phase phase);

/// Nanoseconds of the machine's monotonic clock, the same for all its processes.
std::int64_t monotonic_ns();

/// What a rank last said of itself.
struct Beat {
  enum class State : std::int32_t { kAbsent, kRunning, kEnded };
  State state = State::kAbsent;
  std::int32_t pid = 0;
  Phase phase = Phase::kInit;
  Phase around = Phase::kInit;  // the phase in which a wait began
  std::int64_t step = -1;
  std::int64_t number = -1;          // of the operation, as in "bucket 3"; -1: none
  std::int64_t collectives = 0;      // how many waits for all others this rank has entered
  std::uint64_t wait = 0;            // what the last of them began with, a hash of its name
  std::int64_t since_ns = 0;         // when it entered the operation
  std::int64_t progress_ns = 0;      // when it last gave a sign
  std::array<char, 48> operation{};  // ends with a zero

  /// "all-reduce bucket 3".
  std::string describe() const;
};

class HeartbeatBoard {
 public:
  /// Shared by all processes of this machine that give the same name ("/hadal-..."), created when
  /// missing; with an empty name, by the threads of this process. Throws IoError.
  HeartbeatBoard(int ranks, const std::string& shared_name);
  ~HeartbeatBoard();
  HeartbeatBoard(const HeartbeatBoard&) = delete;
  HeartbeatBoard& operator=(const HeartbeatBoard&) = delete;

  int ranks() const { return ranks_; }
  Beat read(int rank) const;
  void write(int rank, const Beat& beat);

  /// True for the first caller on this machine only: who reports, so that one line comes and not
  /// one per rank.
  bool claim_report();
  /// Takes the name away; the memory stays until the last process leaves. Call it once all ranks of
  /// the machine have opened the board, and nothing is left behind whatever happens later.
  void unlink();

 private:
  static constexpr std::size_t kWords = (sizeof(Beat) + 7) / 8;
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> sequence;  // odd while being written
    std::array<std::atomic<std::uint64_t>, kWords> words;
  };

  int ranks_;
  std::string name_;
  std::size_t bytes_ = 0;
  std::byte* memory_ = nullptr;
  std::atomic<std::uint64_t>* reported_ = nullptr;
  Slot* slots_ = nullptr;
};

/// The pen of one rank; used by its main thread only.
class Heartbeat {
 public:
  Heartbeat(HeartbeatBoard& board, int rank);
  /// Says that this rank ended in order.
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  int rank() const { return rank_; }
  void set_step(std::int64_t step);
  void enter(Phase phase, std::string_view operation, std::int64_t number = -1);
  /// Still in the same operation, but moving.
  void beat();

  /// From here to the end of the scope this rank waits for all others. Does nothing for a null
  /// heartbeat. Scopes within one count as one: all ranks must open the outermost ones in the same
  /// order.
  class Waiting {
   public:
    Waiting(Heartbeat* heartbeat, std::string_view operation, std::int64_t number = -1);
    ~Waiting();
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    /// The same wait got further: names what it waits for now and restarts the clock.
    void now(std::string_view operation, std::int64_t number);

   private:
    Heartbeat* heartbeat_;
    Beat before_;
  };

 private:
  void publish();

  HeartbeatBoard& board_;
  int rank_;
  int waiting_ = 0;
  Beat beat_;
};

}  // namespace hadal::dist
