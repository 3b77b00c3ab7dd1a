// A decomposition on disk and what it does to rows: the files that `hadal pca --out` leaves,
//
//   components.npy       k x n, float64: rows are the right singular vectors
//   singular_values.npy  k, float64, descending
//   mean.npy             n, float64: PCA only
//   scale.npy            n, float64: only of scaled columns; 0 where a column is constant
//
// and  scores = ((x - mean) / scale) components^T,  x' = (scores components) * scale + mean.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "core/linalg/dense_matrix.h"
#include "core/linalg/row_kernels.h"

namespace hadal::launcher {

struct Model {
  linalg::DenseMatrix components{};
  std::vector<double> singular_values{};
  std::vector<double> mean{}, scale{};  // may be empty

  std::int64_t k() const { return components.rows; }
  std::int64_t cols() const { return components.cols; }
};

/// Writes the files above into a folder that is there.
void write_model(const std::filesystem::path& folder, const Model& model);
/// Throws IoError (no such folder or file) or DataError (files that do not fit together).
Model read_model(const std::filesystem::path& folder);

/// Applies a model to blocks of rows: the same bits however rows are cut into blocks. For one
/// thread.
class Projector {
 public:
  explicit Projector(const Model& model);
  /// rows x k into `scores`. Throws ShapeError for another number of columns.
  void scores(const linalg::RowBlock& rows, double* scores);

 private:
  linalg::PackedMatrix<double> components_;  // n x k
  linalg::RowKernels<double> kernels_;
};

class Reconstructor {
 public:
  explicit Reconstructor(const Model& model);
  /// rows x n into `values` from rows of k scores.
  void rows(const linalg::RowBlock& scores, double* values);

 private:
  linalg::PackedMatrix<double> components_;  // k x n, scaled; starts at the mean
  linalg::RowKernels<double> kernels_;
};

}  // namespace hadal::launcher
