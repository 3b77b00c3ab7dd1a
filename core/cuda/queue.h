#pragma once

namespace hadal::cuda {

/// The order of work that kernels are put into: a CUDA stream, as the host sees it. Kernels that
/// are compiled for the host run at once and need none.
struct Queue {
  void* stream = nullptr;
};

}  // namespace hadal::cuda
