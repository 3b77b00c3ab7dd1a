// OpenBLAS sums in an order that depends on how many threads it has, which depends on the cores
// this process may use; what is computed must have the same bits in every process.
#pragma once

namespace hadal::linalg {

/// While one lives, OpenBLAS works on the calling threads alone. The setting is one for the whole
/// process: the first to come saves it, the last to go restores it.
class OneBlasThread {
 public:
  OneBlasThread();
  ~OneBlasThread();
  OneBlasThread(const OneBlasThread&) = delete;
  OneBlasThread& operator=(const OneBlasThread&) = delete;
};

}  // namespace hadal::linalg
