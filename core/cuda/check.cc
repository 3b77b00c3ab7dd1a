#include "core/cuda/check.h"

#include <string>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::cuda {
namespace {

[[noreturn]] void refuse(const char* library, const char* reason, const char* call) {
  throw DeviceError(fmt::format("{}: {} in {}", library, reason, call));
}

}  // namespace

void check(cudaError_t status, const char* call) {
  if (status != cudaSuccess) refuse("CUDA", cudaGetErrorString(status), call);
}
void check(cudnnStatus_t status, const char* call) {
  if (status != CUDNN_STATUS_SUCCESS) refuse("cuDNN", cudnnGetErrorString(status), call);
}
void check(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS) refuse("cuBLAS", cublasGetStatusString(status), call);
}

}  // namespace hadal::cuda
