// A small matrix in memory, float64, row-major: what is replicated on every rank (n x l, l x l).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hadal::linalg {

struct DenseMatrix {
  std::int64_t rows = 0, cols = 0;
  std::vector<double> values{};  // rows x cols

  DenseMatrix() = default;
  DenseMatrix(std::int64_t r, std::int64_t c)
      : rows(r), cols(c), values(static_cast<std::size_t>(r * c)) {}

  double& operator()(std::int64_t i, std::int64_t j) { return values[index(i, j)]; }
  double operator()(std::int64_t i, std::int64_t j) const { return values[index(i, j)]; }
  std::span<double> row(std::int64_t i) {
    return {values.data() + index(i, 0), static_cast<std::size_t>(cols)};
  }
  std::span<const double> row(std::int64_t i) const {
    return {values.data() + index(i, 0), static_cast<std::size_t>(cols)};
  }

 private:
  std::size_t index(std::int64_t i, std::int64_t j) const {
    return static_cast<std::size_t>(i * cols + j);
  }
};

}  // namespace hadal::linalg
