// Arithmetic that is written once for the host and for accelerators: functions marked
// HADAL_PORTABLE compile for both where the compiler is CUDA's, and are ordinary functions
// elsewhere.
#pragma once

#ifdef __CUDACC__
#define HADAL_PORTABLE __host__ __device__
#else
#define HADAL_PORTABLE
#endif
