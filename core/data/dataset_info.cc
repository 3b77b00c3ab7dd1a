#include "core/data/dataset_info.h"

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"

namespace hadal::data {
namespace fs = std::filesystem;

fs::path existing_file(const fs::path& folder, const std::string& path) {
  std::error_code ignored;
  const fs::path whole = folder / path;
  if (fs::is_regular_file(whole, ignored)) return whole;
  if (whole.extension() != ".gz") return {};
  fs::path inflated = whole;
  inflated.replace_extension();
  return fs::is_regular_file(inflated, ignored) ? inflated : fs::path{};
}

fs::path official_file(const fs::path& folder, const OfficialFile& file) {
  const fs::path path = existing_file(folder, file.path);
  if (path.empty()) throw io_error("cannot open", (folder / file.path).string(), ENOENT);
  const auto bytes = static_cast<std::int64_t>(fs::file_size(path));
  if (path.filename() == fs::path(file.path).filename() && bytes != file.bytes)
    throw DataError(fmt::format("{}: {} bytes, wanted the official {}; fetch it again",
                                path.string(), bytes, file.bytes));
  return path;
}

std::vector<std::string> class_names_of(const fs::path& path, int classes,
                                        std::vector<std::string> fallback) {
  if (std::error_code ignored; !fs::is_regular_file(path, ignored)) return fallback;
  std::vector<std::string> names;
  const std::string text = read_file(path, 1 << 20);
  for (const std::string& line : split(text, '\n'))
    if (!trim(line).empty()) names.emplace_back(trim(line));
  if (static_cast<int>(names.size()) != classes)
    throw DataError(
        fmt::format("{}: {} class names, wanted {}", path.string(), names.size(), classes));
  return names;
}

}  // namespace hadal::data
