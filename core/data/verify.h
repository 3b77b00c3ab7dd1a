// What `hadal data verify` finds out: are the files of a set the official ones, and does what they
// hold add up.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/data/dataset_info.h"

namespace hadal::data {

enum class FileState { kGood, kInflated, kMissing, kWrongSize, kWrongChecksum };

struct FileReport {
  std::string path;  // below the data folder
  FileState state = FileState::kMissing;
  std::int64_t bytes = 0;  // found; 0 when missing
  std::string detail;      // one line: what was found, and what was wanted where that differs

  /// kInflated files have no published digest; reading them is their check.
  bool is_good() const { return state == FileState::kGood || state == FileState::kInflated; }
};

/// Sizes and digests of a set's official files below `folder`.
/// Throws IoError for files that cannot be read.
std::vector<FileReport> verify_files(const DatasetInfo& info, const std::filesystem::path& folder);

struct SplitReport {
  std::string name;  // "train", "test"
  std::int64_t count = 0;
  std::vector<std::int64_t> per_class{};
  std::vector<double> channel_mean{}, channel_std{};  // of pixels, 0 to 255
};

/// Histogram and moments of a loaded set.
std::vector<SplitReport> describe(const Dataset& dataset);

}  // namespace hadal::data
