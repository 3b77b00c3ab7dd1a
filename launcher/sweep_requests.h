// What people ask of a sweep while a launcher is at work: one file per request in its folder
// requests/, renamed into place, so that it works from any machine that sees the folder. Whoever
// holds the sweep's lock carries it out, writes that to the journal, and then takes the file away;
// a request that was carried out twice has the effect of one.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hadal::launcher {

struct SweepRequest {
  enum class What { kCancel, kRetry };
  What what = What::kCancel;
  std::vector<std::string> hashes;  // of the runs
  std::filesystem::path file = {};  // where it lies
};

/// Returns where it lies. Throws IoError.
std::filesystem::path leave_request(const std::filesystem::path& sweep,
                                    const SweepRequest& request);

/// Oldest first. What cannot be read is passed over.
std::vector<SweepRequest> pending_requests(const std::filesystem::path& sweep);

}  // namespace hadal::launcher
