#include "core/cuda/plugin.h"

#include <cstring>
#include <exception>
#include <string>

#include <cuda_runtime_api.h>

#include "core/cuda/cuda_backend.h"

namespace {

void say(const std::string& what, char* message, std::size_t room) {
  if (room == 0) return;
  std::strncpy(message, what.c_str(), room - 1);
  message[room - 1] = '\0';
}

}  // namespace

const char* hadal_cuda_interface() { return HADAL_CUDA_INTERFACE; }

int hadal_cuda_devices(char* message, std::size_t room) {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status == cudaSuccess) return devices;
  say(cudaGetErrorString(status), message, room);
  return 0;
}

hadal::Backend* hadal_cuda_open(int ordinal, char* message, std::size_t room) try {
  return new hadal::cuda::CudaBackend(ordinal);
} catch (const std::exception& error) {
  say(error.what(), message, room);
  return nullptr;
}
