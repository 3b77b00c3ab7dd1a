#include "core/cuda/device.h"

#include <cstdlib>
#include <iostream>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/cuda/check.h"

namespace hadal::cuda {
namespace {

// So large that no product asks for more, and so that captured or not, all use the same.
constexpr std::size_t kCublasWorkspace = std::size_t{32} << 20;

cudaStream_t stream_of(const Queue& queue) { return static_cast<cudaStream_t>(queue.stream); }

std::string version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

std::string cudnn_version_text() {
  const std::size_t version = cudnnGetVersion();
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

void require_cudnn_of_the_build() {
  if (cudnnGetVersion() / 10000 != CUDNN_MAJOR)
    throw DeviceError(
        fmt::format("cuDNN {} was loaded, libhadal_cuda.so was built with {}.{}; "
                    "install cuDNN {}",
                    cudnn_version_text(), CUDNN_MAJOR, CUDNN_MINOR, CUDNN_MAJOR));
}

void complain(cudaError_t status, const char* call) noexcept {
  if (status != cudaSuccess)
    std::cerr << "hadal: " << call << ": " << cudaGetErrorString(status) << "\n";
}

}  // namespace

CudaDevice::CudaDevice(int ordinal) : name_(fmt::format("cuda:{}", ordinal)) {
  int devices = 0;
  const cudaError_t counted = cudaGetDeviceCount(&devices);
  if (counted != cudaSuccess)
    throw DeviceError(fmt::format("device {}: {}", name_, cudaGetErrorString(counted)));
  if (ordinal < 0 || ordinal >= devices)
    throw DeviceError(fmt::format("device {}: this machine shows {} GPU{}, wanted cuda:0{}", name_,
                                  devices, devices == 1 ? "" : "s",
                                  devices > 1 ? fmt::format(" to cuda:{}", devices - 1) : ""));
  HADAL_CHECK_CUDA(cudaSetDevice(ordinal));
  cudaDeviceProp properties{};
  HADAL_CHECK_CUDA(cudaGetDeviceProperties(&properties, ordinal));
  int runtime = 0;
  HADAL_CHECK_CUDA(cudaRuntimeGetVersion(&runtime));
  require_cudnn_of_the_build();
  description_ =
      fmt::format("{}, compute capability {}.{}, CUDA {}, cuDNN {}", properties.name,
                  properties.major, properties.minor, version_text(runtime), cudnn_version_text());
  cudaStream_t stream = nullptr;
  HADAL_CHECK_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  queue_.stream = stream;
  for (void*& event : clock_) {
    cudaEvent_t made = nullptr;
    HADAL_CHECK_CUDA(cudaEventCreate(&made));
    event = made;
  }
  HADAL_CHECK_CUDA(cudnnCreate(&cudnn_));
  HADAL_CHECK_CUDA(cudnnSetStream(cudnn_, stream));
  HADAL_CHECK_CUDA(cublasCreate(&cublas_));
  HADAL_CHECK_CUDA(cublasSetStream(cublas_, stream));
  HADAL_CHECK_CUDA(cublasSetMathMode(cublas_, CUBLAS_DEFAULT_MATH));
  cublas_workspace_ = allocate(kCublasWorkspace);
  HADAL_CHECK_CUDA(cublasSetWorkspace(cublas_, cublas_workspace_, kCublasWorkspace));
  if (const char* file = std::getenv("HADAL_CUDNN_PLANS"))
    plan_choices_ =
        PlanChoices(file, fmt::format("{} cudnn{}", properties.name, cudnn_version_text()));
}

CudaDevice::~CudaDevice() {
  if (cublas_) cublasDestroy(cublas_);
  if (cudnn_) cudnnDestroy(cudnn_);
  if (cublas_workspace_) release(cublas_workspace_);
  for (void* event : clock_)
    if (event) complain(cudaEventDestroy(static_cast<cudaEvent_t>(event)), "cudaEventDestroy");
  if (queue_.stream) complain(cudaStreamDestroy(stream_of(queue_)), "cudaStreamDestroy");
}

std::byte* CudaDevice::allocate(std::size_t bytes) {
  void* memory = nullptr;
  const cudaError_t status = cudaMalloc(&memory, bytes == 0 ? 1 : bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // not sticky: the device goes on
    std::size_t free = 0, total = 0;
    HADAL_CHECK_CUDA(cudaMemGetInfo(&free, &total));
    throw DeviceError(fmt::format(
        "device {}: no room for {}, {} of {} are free; use a smaller batch, more ranks, or "
        "recompute_every (hadal plan says what a training needs)",
        name_, format_bytes(static_cast<double>(bytes)), format_bytes(static_cast<double>(free)),
        format_bytes(static_cast<double>(total))));
  }
  check(status, "cudaMalloc");
  auto* const begin = static_cast<std::byte*>(memory);
  fill(begin, std::byte{0}, bytes);
  return begin;
}

void CudaDevice::release(std::byte* memory) {
  complain(cudaStreamSynchronize(stream_of(queue_)), "cudaStreamSynchronize");
  complain(cudaFree(memory), "cudaFree");
}

std::size_t CudaDevice::free_bytes() const {
  std::size_t free = 0, total = 0;
  HADAL_CHECK_CUDA(cudaMemGetInfo(&free, &total));
  return free;
}

// From memory that is not pinned CUDA takes its copy before it returns.
void CudaDevice::upload(const std::byte* from_host, std::byte* to, std::size_t bytes) {
  HADAL_CHECK_CUDA(
      cudaMemcpyAsync(to, from_host, bytes, cudaMemcpyHostToDevice, stream_of(queue_)));
}

void CudaDevice::download(const std::byte* from, std::byte* to_host, std::size_t bytes) {
  HADAL_CHECK_CUDA(
      cudaMemcpyAsync(to_host, from, bytes, cudaMemcpyDeviceToHost, stream_of(queue_)));
  synchronize();
}

void CudaDevice::copy(const std::byte* from, std::byte* to, std::size_t bytes) {
  HADAL_CHECK_CUDA(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_of(queue_)));
}

void CudaDevice::fill(std::byte* memory, std::byte value, std::size_t bytes) {
  HADAL_CHECK_CUDA(cudaMemsetAsync(memory, static_cast<int>(value), bytes, stream_of(queue_)));
}

void CudaDevice::synchronize() const { HADAL_CHECK_CUDA(cudaStreamSynchronize(stream_of(queue_))); }

void CudaDevice::start_clock() {
  HADAL_CHECK_CUDA(cudaEventRecord(static_cast<cudaEvent_t>(clock_[0]), stream_of(queue_)));
}

double CudaDevice::stop_clock() {
  const auto end = static_cast<cudaEvent_t>(clock_[1]);
  HADAL_CHECK_CUDA(cudaEventRecord(end, stream_of(queue_)));
  HADAL_CHECK_CUDA(cudaEventSynchronize(end));
  float milliseconds = 0;
  HADAL_CHECK_CUDA(cudaEventElapsedTime(&milliseconds, static_cast<cudaEvent_t>(clock_[0]), end));
  return 1e-3 * milliseconds;
}

}  // namespace hadal::cuda
