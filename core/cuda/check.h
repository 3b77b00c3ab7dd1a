// Calls into CUDA's libraries: a refusal becomes a DeviceError that quotes the call.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

namespace hadal::cuda {

void check(cudaError_t status, const char* call);
void check(cudnnStatus_t status, const char* call);
void check(cublasStatus_t status, const char* call);

#define HADAL_CHECK_CUDA(call) ::hadal::cuda::check((call), #call)

}  // namespace hadal::cuda
