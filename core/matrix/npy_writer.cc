#include "core/matrix/npy_writer.h"

#include <bit>
#include <cerrno>
#include <string_view>
#include <type_traits>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/matrix/npy.h"

namespace hadal::matrix {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are written as they lie");

template <typename T>
constexpr NpyType kTypeOf = std::is_same_v<T, float>          ? NpyType::kF32
                            : std::is_same_v<T, double>       ? NpyType::kF64
                            : std::is_same_v<T, std::int32_t> ? NpyType::kI32
                                                              : NpyType::kU8;

StoredType stored(NpyType type) {
  switch (type) {
    case NpyType::kU8:
      return StoredType::kU8;
    case NpyType::kI32:
      return StoredType::kI32;
    case NpyType::kF32:
      return StoredType::kF32;
    case NpyType::kF64:
      break;
  }
  return StoredType::kF64;
}

// Filled up with blanks so that the elements begin at a multiple of 64 bytes.
std::string header(NpyType type, const std::vector<std::int64_t>& shape, bool fortran = false) {
  static constexpr const char* kDescr[] = {"|u1", "<i4", "<f4", "<f8"};
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': ({}{}), }}",
                                 kDescr[static_cast<int>(type)], fortran ? "True" : "False",
                                 fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  constexpr std::size_t kBefore = 10;
  text.append(64 - (kBefore + text.size() + 1) % 64, ' ');
  text += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(text.size() & 255);
  bytes += static_cast<char>(text.size() >> 8);
  return bytes + text;
}

template <typename T>
void write_whole(const std::filesystem::path& path, std::span<const T> values,
                 const std::vector<std::int64_t>& shape) {
  std::int64_t elements = 1;
  for (const std::int64_t size : shape) elements *= size;
  if (elements != static_cast<std::int64_t>(values.size()))
    throw ShapeError(fmt::format("{}: {} values for an array of {}", path.string(), values.size(),
                                 fmt::join(shape, "x")));
  std::string bytes = header(kTypeOf<T>, shape);
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  write_file_atomically(path, bytes);
}

void write_at(int descriptor, const std::string& path, std::string_view bytes,
              std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t done =
        ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) throw io_error("cannot write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
}

}  // namespace

void write_npy(const std::filesystem::path& path, std::span<const float> values,
               const std::vector<std::int64_t>& shape) {
  write_whole(path, values, shape);
}
void write_npy(const std::filesystem::path& path, std::span<const double> values,
               const std::vector<std::int64_t>& shape) {
  write_whole(path, values, shape);
}
void write_npy(const std::filesystem::path& path, std::span<const std::int32_t> values,
               const std::vector<std::int64_t>& shape) {
  write_whole(path, values, shape);
}
void write_npy(const std::filesystem::path& path, std::span<const std::uint8_t> values,
               const std::vector<std::int64_t>& shape) {
  write_whole(path, values, shape);
}

void NpyRowWriter::create(const std::filesystem::path& path, NpyType type, std::int64_t rows,
                          std::int64_t cols, NpyOrder order) {
  HADAL_CHECK(rows >= 0 && cols >= 0);
  const std::string start =
      order == NpyOrder::kRows ? header(type, {rows, cols}) : header(type, {cols, rows}, true);
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) throw io_error("cannot write", path.string(), errno);
  const std::uint64_t elements =
      array_bytes({.type = stored(type), .shape = {rows, cols}}, path.string());
  try {
    write_at(descriptor, path.string(), start, 0);
    const int error = ::posix_fallocate(descriptor, 0, static_cast<off_t>(start.size() + elements));
    if (error != 0) throw io_error("cannot make room for", path.string(), error);
  } catch (...) {
    ::close(descriptor);
    throw;
  }
  ::close(descriptor);
}

NpyRowWriter::NpyRowWriter(const std::filesystem::path& path) : path_(path.string()) {
  const auto source = data::open_file(path);
  const ArrayLayout layout = read_npy_header(*source);
  for (const NpyType type : {NpyType::kU8, NpyType::kI32, NpyType::kF32, NpyType::kF64})
    if (stored(type) == layout.type) type_ = type;
  if (stored(type_) != layout.type || layout.big_endian || layout.shape.size() != 2)
    throw DataError(fmt::format("{}: holds {}, wanted a matrix that was made to be written by rows",
                                path_, describe(layout)));
  rows_ = layout.shape[layout.fortran ? 1 : 0];
  cols_ = layout.shape[layout.fortran ? 0 : 1];
  offset_ = layout.offset;
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor_ < 0) throw io_error("cannot write", path_, errno);
}

NpyRowWriter::~NpyRowWriter() { ::close(descriptor_); }

void NpyRowWriter::write(std::int64_t first_row, std::int64_t rows, const float* values) {
  write(first_row, rows, NpyType::kF32, values);
}
void NpyRowWriter::write(std::int64_t first_row, std::int64_t rows, const double* values) {
  write(first_row, rows, NpyType::kF64, values);
}
void NpyRowWriter::write(std::int64_t first_row, std::int64_t rows, const std::int32_t* values) {
  write(first_row, rows, NpyType::kI32, values);
}
void NpyRowWriter::write(std::int64_t first_row, std::int64_t rows, const std::uint8_t* values) {
  write(first_row, rows, NpyType::kU8, values);
}

void NpyRowWriter::write(std::int64_t first_row, std::int64_t rows, NpyType type,
                         const void* values) {
  if (type != type_ || first_row < 0 || rows < 0 || rows > rows_ - first_row)
    throw ShapeError(fmt::format("{}: rows {} to {} of another type or outside of its {} x {}",
                                 path_, first_row, first_row + rows, rows_, cols_));
  const std::uint64_t row = static_cast<std::uint64_t>(cols_) * bytes_of(stored(type));
  write_at(descriptor_, path_,
           {static_cast<const char*>(values),
            static_cast<std::size_t>(row) * static_cast<std::size_t>(rows)},
           offset_ + static_cast<std::uint64_t>(first_row) * row);
}

void NpyRowWriter::sync() {
  if (::fsync(descriptor_) != 0) throw io_error("cannot sync", path_, errno);
}

}  // namespace hadal::matrix
