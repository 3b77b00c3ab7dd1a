#include "core/matrix/idx_rows.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/data/idx.h"

namespace hadal::matrix {
namespace {

namespace fs = std::filesystem;

// Deflate makes at most 1,032 bytes of one.
constexpr std::uint64_t kMaxInflation = 1040;

StoredType stored(data::IdxType type) {
  switch (type) {
    case data::IdxType::kU8:
      return StoredType::kU8;
    case data::IdxType::kI8:
      return StoredType::kI8;
    case data::IdxType::kI16:
      return StoredType::kI16;
    case data::IdxType::kI32:
      return StoredType::kI32;
    case data::IdxType::kF32:
      return StoredType::kF32;
    case data::IdxType::kF64:
      break;
  }
  return StoredType::kF64;
}

// "train-images-idx3-ubyte.gz" -> "train-labels-idx1-ubyte", with and without .gz.
fs::path labels_beside(const fs::path& images) {
  std::string name = images.filename().string();
  const std::size_t kind = name.rfind("images"), form = name.rfind("idx3");
  if (kind == std::string::npos || form == std::string::npos) return {};
  name.replace(form, 4, "idx1").replace(kind, 6, "labels");
  fs::path path = images.parent_path() / name;
  if (fs::exists(path)) return path;
  if (path.extension() == ".gz")
    path.replace_extension();
  else
    path += ".gz";
  return fs::exists(path) ? path : fs::path();
}

void add_labels(StoredRows& rows, const fs::path& path) {
  const auto source = data::open_maybe_gzip(path);
  const data::IdxHeader header = data::read_idx_header(*source);
  if (header.type != data::IdxType::kU8 || header.sizes.size() != 1 ||
      header.sizes[0] != rows.rows())
    throw DataError(fmt::format("{}: holds no labels for the {} rows of {}", path.string(),
                                rows.rows(), rows.name()));
  const std::vector<std::uint8_t> bytes = source->read_vector(header.sizes[0], "the labels");
  std::vector<std::string> names;
  for (int i = 0; !bytes.empty() && i <= *std::ranges::max_element(bytes); ++i)
    names.push_back(fmt::to_string(i));
  rows.set_labels({bytes.begin(), bytes.end()}, std::move(names));
}

}  // namespace

std::unique_ptr<StoredRows> open_idx(const fs::path& path, const FileUse& use) {
  const auto source = data::open_maybe_gzip(path);
  const data::IdxHeader header = data::read_idx_header(*source);
  ArrayLayout layout{.type = stored(header.type), .big_endian = true, .offset = source->position()};
  layout.shape.assign(header.sizes.begin(), header.sizes.end());
  const std::uint64_t bytes = array_bytes(layout, path.string());
  std::unique_ptr<const RandomAccessFile> file;
  if (path.extension() == ".gz") {
    if (bytes / kMaxInflation > fs::file_size(path))
      throw DataError(fmt::format("{}: truncated: {} cannot be packed into its {} bytes",
                                  path.string(), describe(layout), fs::file_size(path)));
    file = RandomAccessFile::unpack(*source, bytes, use);
    layout.offset = 0;
  } else {
    file = std::make_unique<const RandomAccessFile>(path, use);
    if (file->size() > layout.offset + bytes)
      throw DataError(fmt::format("{}: {} bytes left over after the {} that its header states",
                                  path.string(), file->size() - layout.offset - bytes,
                                  describe(layout)));
  }
  auto rows = std::make_unique<StoredRows>(std::move(file), layout, path.string());
  if (const fs::path labels = labels_beside(path); !labels.empty()) add_labels(*rows, labels);
  return rows;
}

}  // namespace hadal::matrix
