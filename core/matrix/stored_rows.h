// An array that lies uncompressed in a file, by its layout.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/matrix/random_access_file.h"
#include "core/matrix/row_source.h"

namespace hadal::matrix {

enum class StoredType { kBool, kU8, kI8, kU16, kI16, kU32, kI32, kU64, kI64, kF16, kF32, kF64 };

std::size_t bytes_of(StoredType type);

/// The smallest element that holds every value of `type`; 64-bit integers: kF64, which rounds
/// those of more than 53 bits.
Element element_of(StoredType type);

struct ArrayLayout {
  StoredType type = StoredType::kF32;
  bool big_endian = false;
  bool fortran = false;               // the first index varies fastest
  std::uint64_t offset = 0;           // of the first element
  std::vector<std::int64_t> shape{};  // rows first; the rest is flattened, last index fastest
  std::uint64_t row_bytes = 0;        // from row to row if there is more than the row; not fortran
};

/// Bytes of all elements. Throws DataError when they are too many to count.
std::uint64_t array_bytes(const ArrayLayout& layout, const std::string& name);

/// "60000x784 f32".
std::string describe(const ArrayLayout& layout);

/// Told once, in whichever thread finds out, of what the caller should know and no error is.
using OnNote = std::function<void(const std::string&)>;

/// Rows in place where the file is mapped and holds them as they are wanted: C order, aligned, of
/// this machine's byte order and of a type that is an Element. One-dimensional arrays are one
/// column; N x H x W and N x H x W x 1 or 3 of u8 are pictures.
class StoredRows : public RowSource {
 public:
  /// Throws DataError unless all of the array lies in the file.
  StoredRows(std::unique_ptr<const RandomAccessFile> file, ArrayLayout layout, std::string name,
             OnNote on_note = {});

  void set_labels(std::vector<int> labels, std::vector<std::string> names);

  const std::byte* in_place(std::int64_t first_row, std::int64_t rows) const override;
  void read(std::int64_t first_row, std::int64_t rows, std::int64_t first_col, std::int64_t cols,
            std::byte* to) const override;
  void release(std::int64_t first_row, std::int64_t rows) const override;

 private:
  void read_fortran(std::int64_t first_row, std::int64_t rows, std::int64_t first_col,
                    std::int64_t cols, std::byte* to) const;
  std::int64_t fortran_column(std::int64_t col) const;
  void convert(const std::byte* from, std::size_t stride, std::size_t count, std::byte* to) const;

  std::unique_ptr<const RandomAccessFile> file_;
  ArrayLayout layout_;
  OnNote on_note_;
  bool as_stored_ = false;  // elements need no conversion
  mutable std::atomic<bool> noted_ = false;
};

}  // namespace hadal::matrix
