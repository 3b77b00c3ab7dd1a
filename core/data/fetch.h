// `hadal data fetch`: a set's files from its official address, or from a mirror of it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/data/dataset_info.h"
#include "core/data/download.h"

namespace hadal::data {

struct FetchOptions {
  /// Replaces everything before the file name in the official addresses; empty: none.
  std::string mirror;
  DownloadOptions download{};  // size and digests come from the set
};

/// Brings every file of `info` that is missing or damaged below `folder`: downloads, checks,
/// unpacks archives into the official layout, removes them, and checks the files. Files that are
/// good stay. Returns the files it wrote, below `folder`. Throws ConfigError for a set without
/// downloads, IoError and DataError as download() does.
std::vector<std::string> fetch(const DatasetInfo& info, const std::filesystem::path& folder,
                               const FetchOptions& options = {});

/// Unpacks the regular files of a .tar.gz below `folder`, each whole or not there. Returns their
/// names. Throws DataError for a damaged archive, one of more than `max_bytes` unpacked, or names
/// that lead out of the folder.
std::vector<std::string> unpack_tar_gz(const std::filesystem::path& archive,
                                       const std::filesystem::path& folder,
                                       std::uint64_t max_bytes = std::uint64_t{1} << 32);

}  // namespace hadal::data
