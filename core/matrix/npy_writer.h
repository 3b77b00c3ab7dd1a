// NumPy's .npy files, version 1, little-endian: a whole array in one step, or rows by
// several threads or ranks into a file that was made for them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace hadal::matrix {

/// Replaces `path` in one step by an array of any shape; `values` has as many elements as the shape
/// says. Throws ShapeError or IoError.
void write_npy(const std::filesystem::path& path, std::span<const float> values,
               const std::vector<std::int64_t>& shape);
void write_npy(const std::filesystem::path& path, std::span<const double> values,
               const std::vector<std::int64_t>& shape);
void write_npy(const std::filesystem::path& path, std::span<const std::int32_t> values,
               const std::vector<std::int64_t>& shape);
void write_npy(const std::filesystem::path& path, std::span<const std::uint8_t> values,
               const std::vector<std::int64_t>& shape);

enum class NpyType { kU8, kI32, kF32, kF64 };

/// What a matrix written by rows is to its reader: itself, or its transpose (whose columns were
/// written one after the other; Fortran order).
enum class NpyOrder { kRows, kTransposed };

/// A matrix whose rows are written in any order: one process creates the file, then it and others
/// (on a file system they share) open it and write their rows. The file is not whole before all
/// rows are written, so it belongs into a folder that is renamed when it is
/// (write_folder_atomically in core/base/files.h). Several threads may write at once.
class NpyRowWriter {
 public:
  /// A new file of full length, zeros so far; room on the disk is reserved. Throws IoError.
  static void create(const std::filesystem::path& path, NpyType type, std::int64_t rows,
                     std::int64_t cols, NpyOrder order = NpyOrder::kRows);

  /// A file that create() made. Throws IoError, or DataError when it is something else.
  explicit NpyRowWriter(const std::filesystem::path& path);
  ~NpyRowWriter();
  NpyRowWriter(const NpyRowWriter&) = delete;
  NpyRowWriter& operator=(const NpyRowWriter&) = delete;

  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }

  /// rows x cols() values to rows [first_row, first_row + rows). Throws IoError, or ShapeError when
  /// the values are of another type than the file or the rows not in it.
  void write(std::int64_t first_row, std::int64_t rows, const float* values);
  void write(std::int64_t first_row, std::int64_t rows, const double* values);
  void write(std::int64_t first_row, std::int64_t rows, const std::int32_t* values);
  void write(std::int64_t first_row, std::int64_t rows, const std::uint8_t* values);

  /// What this object wrote is on the disk. Throws IoError.
  void sync();

 private:
  void write(std::int64_t first_row, std::int64_t rows, NpyType type, const void* values);

  std::string path_;
  int descriptor_ = -1;
  NpyType type_ = NpyType::kF32;
  std::int64_t rows_ = 0, cols_ = 0;
  std::uint64_t offset_ = 0;  // of the first element
};

}  // namespace hadal::matrix
