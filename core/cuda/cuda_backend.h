// The GPU backend: cuDNN's convolutions, cuBLAS's products, our own kernels for the rest; float32
// and NHWC. The same bits from run to run on the same GPU model and libraries.
#pragma once

#include "core/cuda/device.h"
#include "core/cuda/own_kernels.h"

namespace hadal::cuda {

/// The device first, so that it is there before and after the kernels that work on it.
struct OwnedDevice {
  explicit OwnedDevice(int ordinal) : device_(ordinal) {}
  CudaDevice device_;
};

class CudaBackend final : private OwnedDevice, public OwnKernels {
 public:
  explicit CudaBackend(int ordinal) : OwnedDevice(ordinal), OwnKernels(device_.queue()) {}

  /// "cuda:0 (NVIDIA H100 80GB HBM3, compute capability 9.0, CUDA 13.0, cuDNN 9.19.0)".
  std::string_view name() const override { return name_; }
  Device* device() override { return &device_; }

  using OwnKernels::prepare;
  KernelPtr prepare(const Conv2dOp& op, const KernelContext& context) override;
  KernelPtr prepare(const LinearOp& op, const KernelContext& context) override;

 private:
  std::string name_ = std::string(device_.name()) + " (" + device_.description() + ")";
};

}  // namespace hadal::cuda
