// What `hadal watch` shows of a sweep: its state in numbers, every run that fits with its bar and
// its curve, and the newest of the journal.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "launcher/sweep_store.h"
#include "launcher/watch/screen.h"

namespace hadal::launcher::watch {

/// The share of all epochs that is done: 0 to 1.
double share_done(const SweepRecord& sweep);

/// The newest `most` lines of the journal, the newest last: "12:03:11  finished  run  detail". What
/// cannot be read is left out.
std::vector<std::string> news_of(const std::filesystem::path& sweep, std::size_t most);

/// The lines of a page of this size, `color` with escape sequences.
std::vector<std::string> page_of(const SweepRecord& sweep, const std::vector<std::string>& news,
                                 Size size, bool color);

/// One line for where there is no terminal: "2 of 6 finished, 1 running, 3 waiting, 41 %".
std::string summary_of(const SweepRecord& sweep);

/// Likewise of a run: "plain depth=20 seed 1: epoch 3/4, validation 12.10 %".
std::string line_of(const SweepRecord& sweep, const SweepRecord::Run& run);

}  // namespace hadal::launcher::watch
