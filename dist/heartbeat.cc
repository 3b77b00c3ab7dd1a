#include "dist/heartbeat.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <type_traits>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/hash.h"

namespace hadal::dist {

std::string_view name_of(Phase phase) {
  switch (phase) {
    case Phase::kInit:
      return "init";
    case Phase::kData:
      return "data";
    case Phase::kCompute:
      return "compute";
    case Phase::kCollective:
      return "collective";
    case Phase::kCheckpoint:
      return "checkpoint";
    case Phase::kFinalize:
      return "finalize";
  }
  return "unknown phase";
}

std::int64_t monotonic_ns() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::string Beat::describe() const {
  std::string text = operation.data();
  if (text.empty()) text = name_of(phase);
  if (number >= 0) text += " " + std::to_string(number);
  return text;
}

static_assert(std::is_trivially_copyable_v<Beat>);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "shared between processes");

HeartbeatBoard::HeartbeatBoard(int ranks, const std::string& shared_name)
    : ranks_(ranks), name_(shared_name) {
  HADAL_CHECK(ranks >= 1);
  bytes_ = sizeof(Slot) * (static_cast<std::size_t>(ranks) + 1);  // the first for `reported_`
  int flags = MAP_SHARED | MAP_ANONYMOUS;
  int descriptor = -1;
  if (!name_.empty()) {
    // A fresh file is all zeros: every slot absent, which is what this layout means by it.
    flags = MAP_SHARED;
    descriptor = ::shm_open(name_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) throw io_error("cannot open shared memory", name_, errno);
    struct stat status {};
    if (::fstat(descriptor, &status) != 0 || status.st_uid != ::geteuid() ||
        ::ftruncate(descriptor, static_cast<off_t>(bytes_)) != 0) {
      const int error = errno;
      ::close(descriptor);
      throw io_error("cannot use shared memory", name_, error != 0 ? error : EPERM);
    }
  }
  void* const mapped = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, flags, descriptor, 0);
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (mapped == MAP_FAILED) throw io_error("cannot map shared memory", name_, error);
  memory_ = static_cast<std::byte*>(mapped);
  reported_ = reinterpret_cast<std::atomic<std::uint64_t>*>(memory_);
  slots_ = reinterpret_cast<Slot*>(memory_ + sizeof(Slot));
}

HeartbeatBoard::~HeartbeatBoard() { ::munmap(memory_, bytes_); }

void HeartbeatBoard::unlink() {
  if (!name_.empty()) ::shm_unlink(name_.c_str());
}

bool HeartbeatBoard::claim_report() { return reported_->exchange(1) == 0; }

// A reader that sees one word of a write sees its odd sequence too, because words are stored with
// release and loaded with acquire.
void HeartbeatBoard::write(int rank, const Beat& beat) {
  HADAL_CHECK(rank >= 0 && rank < ranks_);
  std::array<std::uint64_t, kWords> words{};
  std::memcpy(words.data(), &beat, sizeof beat);
  Slot& slot = slots_[rank];
  const std::uint64_t sequence = slot.sequence.load(std::memory_order_relaxed) | 1;
  slot.sequence.store(sequence, std::memory_order_relaxed);
  for (std::size_t i = 0; i < kWords; ++i) slot.words[i].store(words[i], std::memory_order_release);
  slot.sequence.store(sequence + 1, std::memory_order_release);
}

Beat HeartbeatBoard::read(int rank) const {
  HADAL_CHECK(rank >= 0 && rank < ranks_);
  const Slot& slot = slots_[rank];
  std::array<std::uint64_t, kWords> words{};
  // A rank killed in the middle of a write leaves its slot odd for ever: after some tries the words
  // are taken as they are, each of them old or new.
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const std::uint64_t before = slot.sequence.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < kWords; ++i)
      words[i] = slot.words[i].load(std::memory_order_acquire);
    if (before % 2 == 0 && slot.sequence.load(std::memory_order_relaxed) == before) break;
  }
  Beat beat;
  std::memcpy(static_cast<void*>(&beat), words.data(), sizeof beat);
  beat.operation.back() = 0;
  return beat;
}

Heartbeat::Heartbeat(HeartbeatBoard& board, int rank) : board_(board), rank_(rank) {
  beat_.state = Beat::State::kRunning;
  beat_.pid = static_cast<std::int32_t>(::getpid());
  enter(Phase::kInit, "init");
}

Heartbeat::~Heartbeat() {
  beat_.state = Beat::State::kEnded;
  beat();
}

void Heartbeat::set_step(std::int64_t step) {
  beat_.step = step;
  beat();
}

void Heartbeat::enter(Phase phase, std::string_view operation, std::int64_t number) {
  beat_.phase = phase;
  beat_.number = number;
  const std::size_t length = std::min(operation.size(), beat_.operation.size() - 1);
  beat_.operation.fill(0);
  std::copy_n(operation.data(), length, beat_.operation.data());
  beat_.since_ns = monotonic_ns();
  beat_.progress_ns = beat_.since_ns;
  publish();
}

void Heartbeat::beat() {
  beat_.progress_ns = monotonic_ns();
  publish();
}

void Heartbeat::publish() { board_.write(rank_, beat_); }

Heartbeat::Waiting::Waiting(Heartbeat* heartbeat, std::string_view operation, std::int64_t number)
    : heartbeat_(heartbeat) {
  if (heartbeat_ == nullptr) return;
  before_ = heartbeat_->beat_;
  if (heartbeat_->waiting_++ == 0) {
    ++heartbeat_->beat_.collectives;
    heartbeat_->beat_.wait = hash64(operation);
    heartbeat_->beat_.around = before_.phase;
    heartbeat_->enter(Phase::kCollective, operation, number);
  }
}

Heartbeat::Waiting::~Waiting() {
  if (heartbeat_ == nullptr || --heartbeat_->waiting_ > 0) return;
  heartbeat_->enter(before_.phase, before_.operation.data(), before_.number);
}

void Heartbeat::Waiting::now(std::string_view operation, std::int64_t number) {
  if (heartbeat_ != nullptr && heartbeat_->waiting_ == 1)
    heartbeat_->enter(Phase::kCollective, operation, number);
}

}  // namespace hadal::dist
