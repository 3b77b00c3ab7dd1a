// OpenBLAS sums in an order that depends on how many threads it has, which depends on the cores
// this process may use; images must have the same bits in every process.
#pragma once

#include <cblas.h>

namespace hadal::data {

/// While it lives, OpenBLAS works on the calling thread alone.
class OneBlasThread {
 public:
  OneBlasThread() { openblas_set_num_threads(1); }
  ~OneBlasThread() { openblas_set_num_threads(before_); }
  OneBlasThread(const OneBlasThread&) = delete;
  OneBlasThread& operator=(const OneBlasThread&) = delete;

 private:
  const int before_ = openblas_get_num_threads();
};

}  // namespace hadal::data
