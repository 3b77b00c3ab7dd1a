#include "core/data/registry.h"

#include <cstdlib>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/data/cifar.h"
#include "core/data/generator.h"
#include "core/data/imagenet.h"
#include "core/data/mnist.h"
#include "core/data/svhn.h"

namespace hadal::data {
namespace fs = std::filesystem;

std::span<const DatasetInfo> datasets() {
  static const std::vector<DatasetInfo> all = {
      cifar10_info(), cifar100_info(), generator_info(), imagenet_info(), mnist_info(), svhn_info(),
  };
  return all;
}

const DatasetInfo& find_dataset(const std::string& name) {
  std::vector<std::string> known;
  for (const DatasetInfo& info : datasets()) {
    if (info.name == name) return info;
    known.push_back(info.name);
  }
  throw ConfigError(unknown_name("data set", name, known));
}

std::vector<DataFolder> data_folders(const std::string& data_dir) {
  std::vector<DataFolder> folders;
  if (!data_dir.empty()) folders.push_back({data_dir, "--data-dir"});
  const char* from_environment = std::getenv("HADAL_DATA");
  if (from_environment && *from_environment) folders.push_back({from_environment, "HADAL_DATA"});
  folders.push_back({"data", "default"});
  return folders;
}

OptionValues resolved_options(const DatasetInfo& info, const OptionValues& values) {
  OptionValues resolved;
  std::vector<std::string> known;
  for (const OptionInfo& option : info.options) {
    resolved[option.name] = option.default_value;
    known.push_back(option.name);
  }
  for (const auto& [name, value] : values) {
    if (!resolved.contains(name))
      throw ConfigError(
          fmt::format("data set {}: {}", info.name,
                      known.empty() ? fmt::format("unknown option '{}'; this set has none", name)
                                    : unknown_name("option", name, known)));
    resolved[name] = value;
  }
  return resolved;
}

fs::path locate(const DatasetInfo& info, const LoadOptions& options) {
  const auto needed = info.needed_files ? info.needed_files(resolved_options(info, options.values))
                                        : std::vector<std::string>{};
  const auto folders = data_folders(options.data_dir);
  std::string looked_in;
  for (const DataFolder& folder : folders) {
    std::string missing;
    for (const std::string& file : needed)
      if (missing.empty() && existing_file(folder.path, file).empty()) missing = file;
    if (missing.empty()) return folder.path;
    looked_in += fmt::format("{}{} ({}; no {})", looked_in.empty() ? "" : ", ",
                             folder.path.string(), folder.named_by, missing);
  }
  throw IoError(ExitCode::kMissingInput,
                fmt::format("data set {}: not found; looked in {}; get it with: hadal data fetch "
                            "{}, or name its folder with --data-dir or HADAL_DATA",
                            info.name, looked_in, info.name));
}

Dataset load_dataset(const std::string& name, const LoadOptions& options) {
  const DatasetInfo& info = find_dataset(name);
  return info.load(locate(info, options), resolved_options(info, options.values));
}

}  // namespace hadal::data
