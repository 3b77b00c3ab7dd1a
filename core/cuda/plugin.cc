#include "core/cuda/plugin.h"

#include <exception>

#include <cuda_runtime_api.h>

#include "core/base/message_room.h"
#include "core/cuda/cuda_backend.h"

const char* hadal_cuda_interface() { return HADAL_CUDA_INTERFACE; }

int hadal_cuda_devices(char* message, std::size_t room) {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status == cudaSuccess) return devices;
  hadal::put_message(cudaGetErrorString(status), message, room);
  return 0;
}

hadal::Backend* hadal_cuda_open(int ordinal, char* message, std::size_t room) try {
  return new hadal::cuda::CudaBackend(ordinal);
} catch (const std::exception& error) {
  hadal::put_message(error.what(), message, room);
  return nullptr;
}
