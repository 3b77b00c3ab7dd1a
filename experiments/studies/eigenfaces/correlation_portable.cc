#include "experiments/studies/eigenfaces/correlation_loops.h"

const hadal::eigenfaces::CorrelationKernels& hadal::eigenfaces::portable_kernels() {
  return kKernels;
}
