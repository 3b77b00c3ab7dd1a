// One GPU: its memory, its stream, and the handles of NVIDIA's libraries that work in it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/cuda/plan_choices.h"
#include "core/cuda/queue.h"
#include "core/device.h"

struct cublasContext;
struct cudnnContext;

namespace hadal::cuda {

class CudaDevice final : public Device {
 public:
  /// GPU number `ordinal` of those that CUDA shows to this process. Throws DeviceError when there
  /// is no such GPU, or one that is in no state to be used.
  explicit CudaDevice(int ordinal);
  ~CudaDevice() override;
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  std::string_view name() const override { return name_; }
  void* native_queue() override { return queue_.stream; }
  /// "NVIDIA H100 80GB HBM3, compute capability 9.0, CUDA 13.0, cuDNN 9.19.0".
  const std::string& description() const { return description_; }

  std::byte* allocate(std::size_t bytes) override;
  void release(std::byte* memory) override;
  std::size_t free_bytes() const override;
  void upload(const std::byte* from_host, std::byte* to, std::size_t bytes) override;
  void download(const std::byte* from, std::byte* to_host, std::size_t bytes) override;
  void copy(const std::byte* from, std::byte* to, std::size_t bytes) override;
  void fill(std::byte* memory, std::byte value, std::size_t bytes) override;

  /// All that was asked for is done.
  void synchronize() const;
  /// Seconds that `work`, put into the stream twice, takes the second time.
  template <typename Work>
  double seconds_of(const Work& work) {
    work();
    start_clock();
    work();
    return stop_clock();
  }

  const Queue& queue() const { return queue_; }
  cudnnContext* cudnn() const { return cudnn_; }
  cublasContext* cublas() const { return cublas_; }
  PlanChoices& plan_choices() { return plan_choices_; }

 private:
  void start_clock();
  double stop_clock();

  std::string name_, description_;
  Queue queue_;
  cudnnContext* cudnn_ = nullptr;
  cublasContext* cublas_ = nullptr;
  std::byte* cublas_workspace_ = nullptr;
  void* clock_[2] = {};  // events
  PlanChoices plan_choices_;
};

}  // namespace hadal::cuda
