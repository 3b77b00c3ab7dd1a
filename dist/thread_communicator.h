// Ranks as threads of one process, so that tests of anything distributed run without mpirun and
// under the thread sanitizer.
#pragma once

#include <functional>

#include "dist/communicator.h"

namespace hadal::dist {

/// Runs `body` as ranks 0..ranks-1, each on a thread of its own, and waits for all. When one rank
/// throws, whatever the others wait for throws CommError there, and the first exception is thrown
/// here.
void run_ranks(int ranks, const std::function<void(Communicator&)>& body);

}  // namespace hadal::dist
