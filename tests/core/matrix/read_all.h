// What tests of row sources share.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/matrix/row_source.h"

namespace hadal::matrix {

inline double element_at(Element element, const std::byte* from) {
  if (element == Element::kU8) return std::to_integer<int>(*from);
  if (element == Element::kF32) {
    float value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  double value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline std::vector<double> read_block(const RowSource& source, std::int64_t first_row,
                                      std::int64_t rows, std::int64_t first_col,
                                      std::int64_t cols) {
  const std::size_t size = bytes_of(source.element());
  std::vector<std::byte> bytes(static_cast<std::size_t>(rows * cols) * size);
  source.read(first_row, rows, first_col, cols, bytes.data());
  std::vector<double> values;
  for (std::size_t i = 0; i < bytes.size(); i += size)
    values.push_back(element_at(source.element(), bytes.data() + i));
  return values;
}

inline std::vector<double> read_all(const RowSource& source) {
  return read_block(source, 0, source.rows(), 0, source.cols());
}

// The message of the hadal::Error that `run` throws; "" if it throws none.
template <typename Run>
std::string error_of(Run run) {
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace hadal::matrix
