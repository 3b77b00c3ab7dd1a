// A matrix whose rows lie in files: what the linear algebra reads, some rows at a time. Nothing
// here holds a whole matrix in memory unless the file's form leaves no other way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hadal::matrix {

/// What read() gives. Files of other types (float16, int16, int32, text) are converted by their
/// reader to the smallest of these that holds every value.
enum class Element { kU8, kF32, kF64 };

constexpr std::size_t bytes_of(Element element) {
  return element == Element::kU8 ? 1 : element == Element::kF32 ? 4 : 8;
}

/// How a row is a picture.
struct PictureShape {
  int height = 0, width = 0, channels = 1;
  bool planar = false;  // channel by channel (CIFAR), else pixel by pixel
};

class RowSource {
 public:
  virtual ~RowSource() = default;
  RowSource(const RowSource&) = delete;
  RowSource& operator=(const RowSource&) = delete;

  /// The file or files, for messages.
  const std::string& name() const { return name_; }
  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }
  Element element() const { return element_; }
  const std::optional<PictureShape>& picture() const { return picture_; }
  /// For files that cannot say it. Throws ConfigError unless a row has as many elements.
  void set_picture(const PictureShape& picture);
  /// One a row, indices into label_names(); empty when the files carry none.
  const std::vector<int>& labels() const { return labels_; }
  const std::vector<std::string>& label_names() const { return label_names_; }

  /// Element (first_row, 0) where rows [first_row, first_row + rows) already lie in memory, row
  /// after row without gaps; null when they must be read.
  virtual const std::byte* in_place(std::int64_t first_row, std::int64_t rows) const;

  /// Copies the block rows [first_row, +rows) x columns [first_col, +cols) to `to`, row after row
  /// without gaps. Several threads may call at once. Throws IoError, or DataError for a file that
  /// became shorter or is damaged there; does not look for NaN.
  virtual void read(std::int64_t first_row, std::int64_t rows, std::int64_t first_col,
                    std::int64_t cols, std::byte* to) const = 0;

  /// These rows will not be needed soon: a mapped file may drop their pages, so that what is
  /// resident stays bounded.
  virtual void release(std::int64_t first_row, std::int64_t rows) const;

 protected:
  RowSource() = default;
  /// Takes over all that is said of `other`.
  void describe_as(const RowSource& other);

  std::string name_;
  std::int64_t rows_ = 0, cols_ = 0;
  Element element_ = Element::kF32;
  std::optional<PictureShape> picture_;
  std::vector<int> labels_;
  std::vector<std::string> label_names_;
};

}  // namespace hadal::matrix
