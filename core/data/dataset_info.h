// What is known of a data set before it is read: its files, where they come from, its options, and
// how it is loaded.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/data/dataset.h"

namespace hadal::data {

/// A file of a set as its publisher made it. Empty digests are not known.
struct OfficialFile {
  std::string
      path{};  // below the data folder; a file whose name ends in .gz may lie there inflated
  std::int64_t bytes = 0;
  std::string md5{}, sha256{};
};

/// What `fetch` gets. An archive (.tar.gz) is unpacked into the set's official files; any other
/// file is one of them and goes to `path`.
struct Download {
  std::string url;
  std::int64_t bytes = 0;
  std::string md5{};
  std::string path{};  // below the data folder; for an archive, where it waits to be unpacked
  bool is_archive = false;
};

struct OptionInfo {
  std::string name, default_value, meaning;
};

using OptionValues = std::map<std::string, std::string>;

struct ImageCounts {
  std::int64_t train = 0, test = 0;
};

struct DatasetInfo {
  std::string name{};         // "cifar10"
  std::string description{};  // one line
  std::string page{};         // where its makers describe it; empty for the built-in set
  int classes = 0;
  int height = 32, width = 32,
      channels = 3;                   // of an image; an option "side" replaces height and width
  std::vector<OfficialFile> files{};  // empty for the built-in set
  std::vector<Download> downloads{};
  std::vector<OptionInfo> options{};
  /// Files (below the data folder) that loading with these options needs.
  std::vector<std::string> (*needed_files)(const OptionValues& options) = nullptr;
  /// How many images loading with these options gives, as the set's makers count them: known
  /// without a file. `options` has a value for every option.
  ImageCounts (*counts)(const OptionValues& options) = nullptr;
  /// Reads the set from a data folder that holds them. `options` has a value for every option.
  Dataset (*load)(const std::filesystem::path& folder, const OptionValues& options) = nullptr;
};

/// `folder`/`path`, or the same without its .gz where only that exists; empty when neither does.
std::filesystem::path existing_file(const std::filesystem::path& folder, const std::string& path);

/// existing_file() of an official file, checked for its official size (when not inflated). Throws
/// IoError when missing, DataError when its size is wrong.
std::filesystem::path official_file(const std::filesystem::path& folder, const OfficialFile& file);

/// Lines of a text file of class names; `fallback` when it is not there. Throws DataError unless
/// there are `classes` of them.
std::vector<std::string> class_names_of(const std::filesystem::path& path, int classes,
                                        std::vector<std::string> fallback);

}  // namespace hadal::data
