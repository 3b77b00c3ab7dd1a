// Element arithmetic that is written once. A kernel of ours is a body that treats element i, given
// to for_each(): nvcc makes it a grid of threads on the device, any other compiler a loop on the
// host, which is how its logic is tested where there is no device. Bodies share nothing and wait
// for nobody, so both run the same arithmetic in the same order: the same bits, but for what the
// two mathematical libraries make of exp, log, tanh and pow (nvcc is told not to contract a*b+c).
//
//   for_each(queue, count, [=] HADAL_DEVICE(std::int64_t i) { y[i] = x[i] > 0 ? x[i] : 0; });
//
// Never atomics: a sum has one owner, or goes through channel_sums.cuh.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/portable.h"
#include "core/cuda/queue.h"

#ifdef __CUDACC__

#include "core/cuda/check.h"

#define HADAL_DEVICE __device__

namespace hadal::cuda {

template <typename Body>
__global__ void run_body(std::int64_t count, Body body) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step)
    body(i);
}

template <typename Body>
void for_each(const Queue& queue, std::int64_t count, const Body& body) {
  constexpr std::int64_t kThreads = 256, kMostBlocks = 1 << 16;
  if (count <= 0) return;
  const auto blocks = std::min((count + kThreads - 1) / kThreads, kMostBlocks);
  run_body<<<static_cast<unsigned>(blocks), kThreads, 0, static_cast<cudaStream_t>(queue.stream)>>>(
      count, body);
  HADAL_CHECK_CUDA(cudaGetLastError());
}

}  // namespace hadal::cuda

#else

#define HADAL_DEVICE

namespace hadal::cuda {

template <typename Body>
void for_each(const Queue& /*queue*/, std::int64_t count, const Body& body) {
  for (std::int64_t i = 0; i < count; ++i) body(i);
}

}  // namespace hadal::cuda

#endif
