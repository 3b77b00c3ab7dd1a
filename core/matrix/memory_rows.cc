#include "core/matrix/memory_rows.h"

#include <cstring>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::matrix {

template <typename T>
void MemoryRows::hold(const std::vector<T>& values, std::int64_t rows, std::int64_t cols,
                      std::string name) {
  if (rows < 0 || cols < 0 || static_cast<std::int64_t>(values.size()) != rows * cols)
    throw ShapeError(fmt::format("{}: {} values do not make {} rows of {} columns", name,
                                 values.size(), rows, cols));
  name_ = std::move(name);
  rows_ = rows;
  cols_ = cols;
  bytes_.resize(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(bytes_.data(), values.data(), bytes_.size());
}

MemoryRows::MemoryRows(std::vector<float> values, std::int64_t rows, std::int64_t cols,
                       std::string name) {
  element_ = Element::kF32;
  hold(values, rows, cols, std::move(name));
}

MemoryRows::MemoryRows(std::vector<double> values, std::int64_t rows, std::int64_t cols,
                       std::string name) {
  element_ = Element::kF64;
  hold(values, rows, cols, std::move(name));
}

MemoryRows::MemoryRows(std::vector<std::uint8_t> values, std::int64_t rows, std::int64_t cols,
                       std::string name) {
  element_ = Element::kU8;
  hold(values, rows, cols, std::move(name));
}

void MemoryRows::set_labels(std::vector<int> labels, std::vector<std::string> names) {
  HADAL_CHECK(labels.empty() || static_cast<std::int64_t>(labels.size()) == rows_);
  labels_ = std::move(labels);
  label_names_ = std::move(names);
}

const std::byte* MemoryRows::in_place(std::int64_t first_row, std::int64_t rows) const {
  HADAL_CHECK(first_row >= 0 && rows >= 0 && first_row + rows <= rows_);
  return bytes_.data() + static_cast<std::size_t>(first_row * cols_) * bytes_of(element_);
}

void MemoryRows::read(std::int64_t first_row, std::int64_t rows, std::int64_t first_col,
                      std::int64_t cols, std::byte* to) const {
  HADAL_CHECK(first_col >= 0 && cols >= 0 && first_col + cols <= cols_);
  const std::size_t size = bytes_of(element_);
  const std::byte* from = in_place(first_row, rows) + static_cast<std::size_t>(first_col) * size;
  for (std::int64_t r = 0; r < rows; ++r)
    std::memcpy(to + static_cast<std::size_t>(r * cols) * size,
                from + static_cast<std::size_t>(r * cols_) * size,
                static_cast<std::size_t>(cols) * size);
}

}  // namespace hadal::matrix
