// The data sets by name, and where their files are looked for.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/data/dataset_info.h"

namespace hadal::data {

/// All known sets, by name in alphabetical order.
std::span<const DatasetInfo> datasets();

/// Throws ConfigError with the nearest name for an unknown one.
const DatasetInfo& find_dataset(const std::string& name);

/// A folder that may hold data sets, and who named it: "--data-dir", "HADAL_DATA", or "default".
struct DataFolder {
  std::filesystem::path path;
  std::string named_by;
};

/// Where files are looked for, in this order: `data_dir` unless empty, the environment's HADAL_DATA
/// unless empty, ./data.
std::vector<DataFolder> data_folders(const std::string& data_dir);

struct LoadOptions {
  std::string data_dir;  // empty: not given
  OptionValues values;   // options of the set (`hadal data list` names them); the rest at default
};

/// `values` with the set's defaults filled in. Throws ConfigError for an unknown option.
OptionValues resolved_options(const DatasetInfo& info, const OptionValues& values);

/// The first data folder that holds every file the set needs; the first of all for a set without
/// files. Throws IoError that says where it looked, what was missing, and the way out.
std::filesystem::path locate(const DatasetInfo& info, const LoadOptions& options);

/// Reads a set. Throws ConfigError, IoError or DataError.
Dataset load_dataset(const std::string& name, const LoadOptions& options = {});

}  // namespace hadal::data
