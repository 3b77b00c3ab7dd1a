#include "core/matrix/npz.h"

#include <vector>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/matrix/npy.h"
#include "core/matrix/zip.h"

namespace hadal::matrix {
namespace {

constexpr std::string_view kExtension = ".npy";

std::string key_of(const ZipMember& member) {
  return member.name.substr(0, member.name.size() - kExtension.size());
}

const ZipMember& only_matrix(const RandomAccessFile& archive,
                             const std::vector<ZipMember>& arrays) {
  if (arrays.size() == 1) return arrays[0];
  const ZipMember* only = nullptr;
  int matrices = 0;
  std::vector<std::string> found;
  for (const ZipMember& member : arrays) {
    try {
      const ArrayLayout layout = read_npy_header(*open_zip_member(archive, member));
      found.push_back(fmt::format("{} ({})", key_of(member), describe(layout)));
      if (layout.shape.size() < 2) continue;
      only = &member;
      ++matrices;
    } catch (const DataError&) {  // an error only where it is asked for
      found.push_back(fmt::format("{} (no numbers)", key_of(member)));
    }
  }
  if (matrices == 1) return *only;
  throw ConfigError(fmt::format("{}: which of its arrays? {}; write {}:KEY", archive.name(),
                                join(found, ", "), archive.name()));
}

const ZipMember& chosen(const RandomAccessFile& archive, const std::vector<ZipMember>& arrays,
                        const std::string& key) {
  if (arrays.empty())
    throw DataError(fmt::format("{}: a ZIP archive without .npy members", archive.name()));
  if (key.empty()) return only_matrix(archive, arrays);
  std::vector<std::string> keys;
  for (const ZipMember& member : arrays) {
    keys.push_back(key_of(member));
    if (keys.back() == key) return member;
  }
  throw ConfigError(fmt::format("{}: {}", archive.name(), unknown_name("key", key, keys)));
}

}  // namespace

std::unique_ptr<StoredRows> open_npz(const std::filesystem::path& path, const std::string& key,
                                     const FileUse& use, OnNote on_note) {
  auto archive = std::make_unique<const RandomAccessFile>(path, use);
  std::vector<ZipMember> arrays = read_zip_directory(*archive);
  std::erase_if(arrays, [](const ZipMember& m) { return !m.name.ends_with(kExtension); });
  const ZipMember& member = chosen(*archive, arrays, key);
  const std::string name = fmt::format("{}:{}", path.string(), key_of(member));
  if (!member.deflated)
    return npy_rows(std::move(archive), member.offset, member.bytes, name, std::move(on_note));
  // Before gigabytes are unpacked for nothing.
  read_npy_header(*open_zip_member(*archive, member));
  return npy_rows(unpack_zip_member(*archive, member, use), 0, member.bytes, name,
                  std::move(on_note));
}

}  // namespace hadal::matrix
