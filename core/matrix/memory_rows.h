// A matrix in memory as a RowSource: for tests, and for callers that have one already.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/matrix/row_source.h"

namespace hadal::matrix {

class MemoryRows : public RowSource {
 public:
  /// Row-major, rows x cols values. Throws ShapeError when `values` has another size.
  MemoryRows(std::vector<float> values, std::int64_t rows, std::int64_t cols,
             std::string name = "matrix");
  MemoryRows(std::vector<double> values, std::int64_t rows, std::int64_t cols,
             std::string name = "matrix");
  MemoryRows(std::vector<std::uint8_t> values, std::int64_t rows, std::int64_t cols,
             std::string name = "matrix");

  void set_labels(std::vector<int> labels, std::vector<std::string> names);

  const std::byte* in_place(std::int64_t first_row, std::int64_t rows) const override;
  void read(std::int64_t first_row, std::int64_t rows, std::int64_t first_col, std::int64_t cols,
            std::byte* to) const override;

 private:
  template <typename T>
  void hold(const std::vector<T>& values, std::int64_t rows, std::int64_t cols, std::string name);

  std::vector<std::byte> bytes_;
};

}  // namespace hadal::matrix
