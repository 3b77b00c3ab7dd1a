#include "dist/nccl/nccl_exchange.h"

#include <chrono>
#include <cstring>
#include <exception>
#include <iostream>
#include <thread>

#include <cuda_runtime_api.h>
#include <fmt/format.h>
#include <nccl.h>

#include "core/base/error.h"
#include "dist/nccl/versions.h"

namespace hadal::dist {
namespace {

cudaStream_t stream_of(void* stream) { return static_cast<cudaStream_t>(stream); }
cudaEvent_t event_of(void* event) { return static_cast<cudaEvent_t>(event); }

void check_cuda(cudaError_t status, const char* call) {
  if (status != cudaSuccess)
    throw DeviceError(fmt::format("CUDA: {} in {}", cudaGetErrorString(status), call));
}
#define HADAL_CHECK_CUDA(call) check_cuda((call), #call)
#define HADAL_CHECK_NCCL(call) check((call), #call)

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

NcclExchange::NcclExchange(const NcclStart& start)
    : rank_(start.rank), ranks_(start.ranks), stream_(start.stream), limit_s_(start.limit_s) {
  int version = 0;
  HADAL_CHECK_NCCL(ncclGetVersion(&version));
  name_ = "NCCL " + nccl_version_text(version);
  for (void*& event : events_) {
    cudaEvent_t made = nullptr;
    HADAL_CHECK_CUDA(cudaEventCreateWithFlags(&made, cudaEventDisableTiming));
    event = made;
  }
  ncclUniqueId id;
  static_assert(sizeof id == kNcclIdBytes);
  std::memcpy(&id, start.id, sizeof id);
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  try {
    HADAL_CHECK_NCCL(ncclCommInitRankConfig(&comm_, ranks_, id, rank_, &config));
  } catch (const CommError&) {
    abort();
    destroy_events();
    throw;
  }
}

NcclExchange::~NcclExchange() {
  destroy_events();
  if (!comm_) return;
  // Ranks that end because of an error do not wait for each other.
  const ncclResult_t status =
      std::uncaught_exceptions() > 0 ? ncclCommAbort(comm_) : ncclCommDestroy(comm_);
  if (status != ncclSuccess && status != ncclInProgress)
    std::cerr << "hadal: ncclCommDestroy: " << ncclGetErrorString(status) << "\n";
}

void NcclExchange::destroy_events() noexcept {
  for (void* const event : events_)
    if (event) cudaEventDestroy(event_of(event));
}

void NcclExchange::check(int status, const char* call) {
  if (status == ncclInProgress) return settle(call);
  if (status == ncclSuccess) return;
  const char* const more = ncclGetLastError(comm_);
  throw CommError(fmt::format("{} in {}{}{}", ncclGetErrorString(static_cast<ncclResult_t>(status)),
                              call, more && *more ? ": " : "", more ? more : ""));
}

void NcclExchange::settle(const char* call) {
  const double start_s = now_s();
  ncclResult_t status = ncclInProgress;
  while (true) {
    const ncclResult_t asked = ncclCommGetAsyncError(comm_, &status);
    if (asked != ncclSuccess) status = asked;
    if (status != ncclInProgress) return check(status, call);
    if (now_s() - start_s > limit_s_)
      throw CommError(fmt::format("no answer of the other ranks in {:.0f} s in {}", limit_s_, call),
                      ExitCode::kHang);
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
}

std::byte* NcclExchange::allocate(std::size_t bytes) {
  void* memory = nullptr;
  const ncclResult_t status = ncclMemAlloc(&memory, bytes == 0 ? 1 : bytes);
  if (status != ncclSuccess)
    throw DeviceError(
        fmt::format("{}: no {} bytes for buckets: {}", name_, bytes, ncclGetErrorString(status)));
  return static_cast<std::byte*>(memory);
}

// From destructors too: complains, and throws nothing.
void NcclExchange::release(std::byte* memory) {
  const cudaError_t waited = cudaStreamSynchronize(stream_of(stream_));
  if (waited != cudaSuccess)
    std::cerr << "hadal: cudaStreamSynchronize: " << cudaGetErrorString(waited) << "\n";
  const ncclResult_t status = ncclMemFree(memory);
  if (status != ncclSuccess)
    std::cerr << "hadal: ncclMemFree: " << ncclGetErrorString(status) << "\n";
}

void NcclExchange::exchange(std::span<const std::span<const float>> outgoing,
                            std::span<const std::span<float>> incoming) {
  HADAL_CHECK_NCCL(ncclGroupStart());
  // Within a group nothing starts, so there is nothing to wait for.
  const auto queue = [this](ncclResult_t status, const char* call) {
    if (status != ncclInProgress) check(status, call);
  };
  for (int i = 1; i < ranks_; ++i) {
    const int to = (rank_ + i) % ranks_, from = (rank_ + ranks_ - i) % ranks_;
    if (!outgoing[to].empty())
      queue(ncclSend(outgoing[to].data(), outgoing[to].size(), ncclFloat, to, comm_,
                     stream_of(stream_)),
            "ncclSend");
    if (!incoming[from].empty())
      queue(ncclRecv(incoming[from].data(), incoming[from].size(), ncclFloat, from, comm_,
                     stream_of(stream_)),
            "ncclRecv");
  }
  HADAL_CHECK_NCCL(ncclGroupEnd());
}

void NcclExchange::all_reduce(std::span<float> values) {
  HADAL_CHECK_NCCL(ncclAllReduce(values.data(), values.data(), values.size(), ncclFloat, ncclSum,
                                 comm_, stream_of(stream_)));
}

std::int64_t NcclExchange::mark() {
  const std::int64_t mark = next_mark_++;
  HADAL_CHECK_CUDA(cudaEventRecord(event_of(events_[static_cast<std::size_t>(mark) % kEvents]),
                                   stream_of(stream_)));
  return mark;
}

bool NcclExchange::done(std::int64_t mark) {
  ncclResult_t status = ncclSuccess;
  HADAL_CHECK_NCCL(ncclCommGetAsyncError(comm_, &status));
  if (status != ncclSuccess && status != ncclInProgress) check(status, "an exchange under way");
  const cudaError_t reached =
      cudaEventQuery(event_of(events_[static_cast<std::size_t>(mark) % kEvents]));
  if (reached == cudaErrorNotReady) return false;
  check_cuda(reached, "cudaEventQuery");
  return true;
}

void NcclExchange::abort() noexcept {
  if (!comm_) return;
  const ncclResult_t status = ncclCommAbort(comm_);
  comm_ = nullptr;
  if (status != ncclSuccess)
    std::cerr << "hadal: ncclCommAbort: " << ncclGetErrorString(status) << "\n";
}

}  // namespace hadal::dist
