// Compiled for AVX-512 and fused multiply-adds.
#include "experiments/studies/eigenfaces/correlation_loops.h"

const hadal::eigenfaces::CorrelationKernels& hadal::eigenfaces::avx512_kernels() {
  return kKernels;
}
