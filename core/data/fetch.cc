#include "core/data/fetch.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/data/tar.h"
#include "core/data/verify.h"

namespace hadal::data {
namespace fs = std::filesystem;
namespace {

std::string address_of(const Download& item, const std::string& mirror) {
  if (mirror.empty()) return item.url;
  const std::string file = item.url.substr(item.url.rfind('/') + 1);
  return mirror + (mirror.ends_with('/') ? "" : "/") + file;
}

bool is_good(const DatasetInfo& info, const fs::path& folder, const std::string& path) {
  const auto reports = verify_files(info, folder);
  return std::any_of(reports.begin(), reports.end(), [&](const FileReport& report) {
    return report.path == path && report.is_good();
  });
}

void require_good_files(const DatasetInfo& info, const fs::path& folder) {
  for (const FileReport& report : verify_files(info, folder))
    if (!report.is_good())
      throw DataError(
          fmt::format("{}: {} after unpacking", (folder / report.path).string(), report.detail));
}

bool all_good(const DatasetInfo& info, const fs::path& folder) {
  const auto reports = verify_files(info, folder);
  return !reports.empty() && std::all_of(reports.begin(), reports.end(),
                                         [](const FileReport& r) { return r.is_good(); });
}

}  // namespace

std::vector<std::string> unpack_tar_gz(const fs::path& archive, const fs::path& folder,
                                       std::uint64_t max_bytes) {
  const auto source = open_maybe_gzip(archive);
  std::vector<std::string> written;
  std::uint64_t total = 0;
  read_tar(*source, [&](const std::string& name, std::uint64_t bytes, ByteSource& member) {
    if (bytes > max_bytes - total)
      throw DataError(
          fmt::format("{}: unpacks to more than {} bytes", archive.string(), max_bytes));
    total += bytes;
    const auto contents = member.read_vector(bytes, name);
    fs::create_directories((folder / name).parent_path());
    write_file_atomically(folder / name,
                          {reinterpret_cast<const char*>(contents.data()), contents.size()});
    written.push_back(name);
  });
  return written;
}

std::vector<std::string> fetch(const DatasetInfo& info, const fs::path& folder,
                               const FetchOptions& options) {
  if (info.downloads.empty())
    throw ConfigError(fmt::format("data set {}: nothing to fetch, it is {}", info.name,
                                  info.files.empty() ? "built in" : "not on the net"));
  std::vector<std::string> written;
  for (const Download& item : info.downloads) {
    if (item.is_archive ? all_good(info, folder) : is_good(info, folder, item.path)) continue;
    DownloadOptions download_options = options.download;
    download_options.bytes = item.bytes;
    download_options.md5 = item.md5;
    download_options.sha256.clear();
    download(address_of(item, options.mirror), folder / item.path, download_options);
    if (!item.is_archive) {
      written.push_back(item.path);
      continue;
    }
    const auto members = unpack_tar_gz(folder / item.path, folder);
    written.insert(written.end(), members.begin(), members.end());
    require_good_files(info, folder);
    fs::remove(folder / item.path);
  }
  return written;
}

}  // namespace hadal::data
