// What libhadal_nccl.so shows to the program that opens it (dist/nccl/open.h). A plug-in of its own
// beside libhadal_cuda.so, so that one GPU works where there is no NCCL.
#pragma once

#include <cstddef>

namespace hadal::dist {

class DeviceExchange;

/// What NCCL is started with; the thread's CUDA device is the rank's.
struct NcclStart {
  int rank = 0;
  int ranks = 1;
  const std::byte* id = nullptr;  // kNcclIdBytes that rank 0 made
  void* stream = nullptr;         // cudaStream_t, in which everything is queued
  double limit_s = 60;            // longest wait for the others while it starts
};
inline constexpr std::size_t kNcclIdBytes = 128;

}  // namespace hadal::dist

extern "C" {

/// A text that differs whenever program and plug-in could misunderstand each other.
const char* hadal_nccl_interface();

/// Versions as NCCL writes them, 22809 for 2.28.9: of the headers it was built with, and of the
/// library that was loaded (0 when it does not say).
int hadal_nccl_built_version();
int hadal_nccl_version();

/// Writes kNcclIdBytes; false with the reason in `message`.
bool hadal_nccl_make_id(std::byte* id, char* message, std::size_t room);

/// Waits for the other ranks. The caller's to delete; null with the reason in `message`.
hadal::dist::DeviceExchange* hadal_nccl_open(const hadal::dist::NcclStart* start, char* message,
                                             std::size_t room);

}  // extern "C"
