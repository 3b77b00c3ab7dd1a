// What the folder of a run shows of an attempt from outside, whatever the trainer says of itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace hadal::launcher {

/// Bytes of the run's log; 0 where there is none.
std::uintmax_t log_bytes(const std::filesystem::path& folder);

/// The last words of the program in an attempt whose log begins at byte `from`: its last line
/// "hadal: …" that is no warning, without "hadal: "; "" where there is none.
std::string last_words(const std::filesystem::path& folder, std::uintmax_t from);

/// Changes when a checkpoint is written; "" where there is none.
std::string newest_checkpoint(const std::filesystem::path& folder);

/// Changes whenever the run writes anything: log, metrics, progress.
std::string sound_of(const std::filesystem::path& folder);

/// Steps done, by its progress.json; 0 where there is none.
long long furthest_step(const std::filesystem::path& folder);

}  // namespace hadal::launcher
