// What libhadal_cuda.so shows to the program that opens it. The program itself links no CUDA
// library, so that one binary serves machines with and without GPUs.
#pragma once

#include <cstddef>

namespace hadal {
class Backend;
}

extern "C" {

/// A text that differs whenever program and plug-in could misunderstand each other: a hash of the
/// headers they share, and the compiler. The first thing to be asked for, and compared with the
/// program's own (HADAL_CUDA_INTERFACE).
const char* hadal_cuda_interface();

/// GPUs that CUDA shows to this process; 0 with the reason in `message` when it cannot say.
int hadal_cuda_devices(char* message, std::size_t room);

/// A backend on GPU number `ordinal`, the caller's to delete; null with the reason in `message`.
hadal::Backend* hadal_cuda_open(int ordinal, char* message, std::size_t room);

}  // extern "C"
