#include "core/cuda/cuda_backend.h"

#include "core/cuda/convolution.h"

namespace hadal::cuda {

Backend::KernelPtr CudaBackend::prepare(const Conv2dOp& op, const KernelContext& context) {
  require_float32(context);
  return make_convolution(op, context, device_);
}

Backend::KernelPtr CudaBackend::prepare(const LinearOp& op, const KernelContext& context) {
  require_float32(context);
  return make_linear(op, context, device_);
}

}  // namespace hadal::cuda
