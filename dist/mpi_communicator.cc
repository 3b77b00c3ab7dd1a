#include "dist/mpi_communicator.h"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <ctime>
#include <numeric>

#include <fmt/format.h>
#include <mpi.h>
#include <sched.h>

#include "core/base/error.h"
#include "dist/open_mpi_place.h"

namespace hadal::dist {
namespace {

void check_mpi(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) length = 0;
  const std::string message =
      fmt::format("{}: {}", call,
                  length > 0 ? std::string(text, static_cast<std::size_t>(length))
                             : fmt::format("MPI error {}", code));
  int error_class = 0;
  if (MPI_Error_class(code, &error_class) == MPI_SUCCESS && error_class == MPI_ERR_TRUNCATE)
    throw OutOfStepError("a message is longer than its receiver expects: " + message);
  throw CommError(message);
}

#define HADAL_CHECK_MPI(call) check_mpi((call), #call)

int count_of(std::size_t bytes) {
  HADAL_CHECK(bytes <= INT_MAX);
  return static_cast<int>(bytes);
}

}  // namespace

// Data and control messages travel in communicators of their own and never match each other.
struct MpiCommunicator::Handles {
  MPI_Comm data = MPI_COMM_NULL;
  MPI_Comm control = MPI_COMM_NULL;
};

class MpiCommunicator::PendingRequest final : public Request {
 public:
  /// `expected`: bytes of a receive, -1 for anything else.
  PendingRequest(MpiCommunicator& owner, int expected = -1) : owner_(owner), expected_(expected) {}

  bool test() override {
    if (request == MPI_REQUEST_NULL) return true;
    int done = 0;
    MPI_Status status;
    HADAL_CHECK_MPI(MPI_Test(&request, &done, &status));
    if (!done) return false;
    owner_.idle_ = 0;
    if (expected_ >= 0) require_expected(status);
    return true;
  }

  MPI_Request request = MPI_REQUEST_NULL;

 private:
  void require_expected(const MPI_Status& status) const {
    int bytes = 0;
    HADAL_CHECK_MPI(MPI_Get_count(&status, MPI_BYTE, &bytes));
    if (bytes != expected_)
      throw OutOfStepError(fmt::format("rank {} sends {} bytes where rank {} expects {} (tag {})",
                                       status.MPI_SOURCE, bytes, owner_.rank_, expected_,
                                       status.MPI_TAG));
  }

  MpiCommunicator& owner_;
  int expected_;
};

MpiCommunicator::MpiCommunicator() : handles_(std::make_unique<Handles>()), host_(host_name()) {
  use_open_mpi_beside_program();
  int provided = MPI_THREAD_SINGLE;
  HADAL_CHECK_MPI(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided));
  if (provided < MPI_THREAD_FUNNELED)
    throw CommError("this MPI does not allow other threads beside the one that calls it");
  HADAL_CHECK_MPI(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
  HADAL_CHECK_MPI(MPI_Comm_dup(MPI_COMM_WORLD, &handles_->data));
  HADAL_CHECK_MPI(MPI_Comm_dup(MPI_COMM_WORLD, &handles_->control));
  HADAL_CHECK_MPI(MPI_Comm_rank(handles_->data, &rank_));
  HADAL_CHECK_MPI(MPI_Comm_size(handles_->data, &size_));
}

MpiCommunicator::~MpiCommunicator() = default;

std::unique_ptr<Request> MpiCommunicator::start_send(std::span<const std::byte> bytes, int to,
                                                     int tag) {
  HADAL_CHECK(tag >= 0 && tag <= kMaxTag);
  auto pending = std::make_unique<PendingRequest>(*this);
  HADAL_CHECK_MPI(MPI_Isend(bytes.data(), count_of(bytes.size()), MPI_BYTE, to, tag, handles_->data,
                            &pending->request));
  return pending;
}

std::unique_ptr<Request> MpiCommunicator::start_receive(std::span<std::byte> bytes, int from,
                                                        int tag) {
  HADAL_CHECK(tag >= 0 && tag <= kMaxTag);
  auto pending = std::make_unique<PendingRequest>(*this, count_of(bytes.size()));
  HADAL_CHECK_MPI(MPI_Irecv(bytes.data(), count_of(bytes.size()), MPI_BYTE, from, tag,
                            handles_->data, &pending->request));
  return pending;
}

void MpiCommunicator::relax() {
  constexpr int kYieldsBeforeSleep = 2000;  // about a millisecond
  if (++idle_ < kYieldsBeforeSleep) {
    ::sched_yield();
  } else {
    const timespec pause{0, 20'000};
    ::nanosleep(&pause, nullptr);
  }
}

void MpiCommunicator::wait(PendingRequest& request) {
  while (!request.test()) relax();
}

void MpiCommunicator::do_barrier() {
  PendingRequest pending(*this);
  HADAL_CHECK_MPI(MPI_Ibarrier(handles_->control, &pending.request));
  wait(pending);
}

void MpiCommunicator::do_broadcast(std::span<std::byte> bytes, int root) {
  constexpr std::size_t kPart = std::size_t{1} << 30;  // MPI counts are int
  do {
    const auto part = bytes.first(std::min(bytes.size(), kPart));
    PendingRequest pending(*this);
    HADAL_CHECK_MPI(MPI_Ibcast(part.data(), count_of(part.size()), MPI_BYTE, root,
                               handles_->control, &pending.request));
    wait(pending);
    bytes = bytes.subspan(part.size());
  } while (!bytes.empty());
}

std::vector<std::vector<std::byte>> MpiCommunicator::do_all_gather(
    std::span<const std::byte> bytes) {
  const int mine = count_of(bytes.size());
  std::vector<int> counts(static_cast<std::size_t>(size_)), offsets(counts.size());
  {
    PendingRequest pending(*this);
    HADAL_CHECK_MPI(MPI_Iallgather(&mine, 1, MPI_INT, counts.data(), 1, MPI_INT, handles_->control,
                                   &pending.request));
    wait(pending);
  }
  count_of(std::accumulate(counts.begin(), counts.end(), std::size_t{0}));
  std::exclusive_scan(counts.begin(), counts.end(), offsets.begin(), 0);
  std::vector<std::byte> all(static_cast<std::size_t>(offsets.back() + counts.back()));
  PendingRequest pending(*this);
  HADAL_CHECK_MPI(MPI_Iallgatherv(bytes.data(), mine, MPI_BYTE, all.data(), counts.data(),
                                  offsets.data(), MPI_BYTE, handles_->control, &pending.request));
  wait(pending);
  std::vector<std::vector<std::byte>> parts;
  for (std::size_t rank = 0; rank < counts.size(); ++rank) {
    const auto begin = all.begin() + offsets[rank];
    parts.emplace_back(begin, begin + counts[rank]);
  }
  return parts;
}

void MpiCommunicator::finalize() {
  barrier();
  HADAL_CHECK_MPI(MPI_Comm_free(&handles_->data));
  HADAL_CHECK_MPI(MPI_Comm_free(&handles_->control));
  HADAL_CHECK_MPI(MPI_Finalize());
}

void MpiCommunicator::abort(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace hadal::dist
