#pragma once

#include <string>

#include "dist/communicator.h"

namespace hadal::dist {

/// How the cores of this rank's machine are shared.
struct CoreUse {
  int ranks = 1;    // of this job on this machine
  int threads = 1;  // of each rank
  int cores = 1;    // that at least one of these ranks may run on

  bool oversubscribed() const { return ranks * threads > cores; }
  /// "4 ranks with 1 thread each share 2 cores of n1: start at most 2 here, or use ..."
  std::string warning(const std::string& host) const;
};

/// Every rank calls this. Counts the cores that the ranks of this machine may use together, so a
/// rank that is bound to one core of its own is no oversubscription; two ranks bound to the same
/// one are.
CoreUse core_use(Communicator& comm, int threads_per_rank);

}  // namespace hadal::dist
