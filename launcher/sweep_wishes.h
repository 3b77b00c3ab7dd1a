// hadal sweep cancel and retry: from the words of people to runs, and from there to a launcher that
// is at work, or into the journal where none is.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "launcher/scheduler.h"
#include "launcher/sweep_requests.h"
#include "launcher/sweep_store.h"

namespace hadal::launcher {

/// Runs of the sweep that `words` name, each a name, a hash, the beginning of one (four digits at
/// least), or NAME-HASH as the folder is called; in the order of the sweep. Throws ConfigError that
/// quotes a word that names none or several.
std::vector<std::size_t> named_runs(const SweepRecord& sweep,
                                    const std::vector<std::string>& words);

/// What is meant when no run is named: cancel, all that is not finished; retry, all that failed or
/// was cancelled, or of those only what failed.
std::vector<std::size_t> runs_meant(const SweepRecord& sweep, SweepRequest::What what,
                                    bool only_failed);

/// Hands the wish over: the launcher that is at work takes it within seconds (on a network file
/// system, within a minute); without one it is written into the journal here. `queue`, if there is
/// one, may hold jobs that outlived their launcher: cancelled ones are taken back. Tells what has
/// become of it, one line a run, and throws ConfigError when nothing can be done about a run that
/// was named.
void hand_over(const std::filesystem::path& folder, SweepRequest::What what,
               const std::vector<std::string>& words, bool only_failed, Scheduler* queue,
               Clock& clock, std::ostream& out);

}  // namespace hadal::launcher
