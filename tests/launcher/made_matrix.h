// Matrices for tests of the commands that read one.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/base/random.h"
#include "core/linalg/dense_matrix.h"
#include "core/matrix/npy.h"
#include "core/matrix/npy_writer.h"

namespace hadal::launcher {

/// rows x cols of rank min(rows, cols), falling singular values, a mean far from 0: the sum of
/// random outer products, the i-th of size 1/(i + 1), and 3 + the column's number / 10.
inline std::vector<float> falling_matrix(std::int64_t rows, std::int64_t cols) {
  const auto gauss = [](std::uint64_t which, std::int64_t i, std::int64_t j) {
    return random::normal({5, random::Purpose::kTest, which, static_cast<std::uint64_t>(i)},
                          static_cast<std::uint64_t>(j));
  };
  constexpr std::int64_t kTerms = 8;
  std::vector<float> values;
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < cols; ++c) {
      double value = 3 + static_cast<double>(c) / 10 + 0.01 * gauss(2, r, c);
      for (std::int64_t i = 0; i < kTerms; ++i)
        value += gauss(0, r, i) * gauss(1, i, c) / static_cast<double>(i + 1);
      values.push_back(static_cast<float>(value));
    }
  return values;
}

/// Bytes like noise, quick to make.
inline void write_noise(const std::filesystem::path& path, std::int64_t rows, std::int64_t cols) {
  std::vector<std::uint8_t> values(static_cast<std::size_t>(rows * cols));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<std::uint8_t>(((i * i) * 0x9e3779b97f4a7c15u) >> 40);
  matrix::write_npy(path, std::span<const std::uint8_t>(values), {rows, cols});
}

/// The array in a .npy file as float64 rows.
inline linalg::DenseMatrix read_npy_matrix(const std::filesystem::path& path) {
  const auto source = matrix::open_npy(path);
  linalg::DenseMatrix m(source->rows(), source->cols());
  if (source->element() == matrix::Element::kF64) {
    source->read(0, m.rows, 0, m.cols, reinterpret_cast<std::byte*>(m.values.data()));
  } else {
    std::vector<float> floats(m.values.size());
    source->read(0, m.rows, 0, m.cols, reinterpret_cast<std::byte*>(floats.data()));
    m.values.assign(floats.begin(), floats.end());
  }
  return m;
}

}  // namespace hadal::launcher
