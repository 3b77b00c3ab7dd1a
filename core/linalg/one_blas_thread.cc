#include "core/linalg/one_blas_thread.h"

#include <mutex>

#include <cblas.h>

namespace hadal::linalg {
namespace {

// OpenBLAS has one setting for the process, so this stands beside it.
struct Holders {
  std::mutex mutex;
  int count = 0, threads_before = 0;
};

Holders& holders() {
  static Holders all;
  return all;
}

}  // namespace

OneBlasThread::OneBlasThread() {
  const std::scoped_lock lock(holders().mutex);
  if (holders().count++ > 0) return;
  holders().threads_before = openblas_get_num_threads();
  openblas_set_num_threads(1);
}

OneBlasThread::~OneBlasThread() {
  const std::scoped_lock lock(holders().mutex);
  if (--holders().count == 0) openblas_set_num_threads(holders().threads_before);
}

}  // namespace hadal::linalg
