#include "launcher/decomposition/model.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/linalg/dense.h"
#include "core/matrix/npy.h"
#include "core/matrix/npy_writer.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

linalg::DenseMatrix read_matrix(const fs::path& path) {
  const auto rows = matrix::open_npy(path);
  if (rows->element() != matrix::Element::kF64)
    throw DataError(fmt::format("{}: not float64, as the files of a model are", path.string()));
  linalg::DenseMatrix m(rows->rows(), rows->cols());
  rows->read(0, m.rows, 0, m.cols, reinterpret_cast<std::byte*>(m.values.data()));
  return m;
}

std::vector<double> read_vector(const fs::path& path, std::int64_t size) {
  std::vector<double> values = read_matrix(path).values;
  if (static_cast<std::int64_t>(values.size()) != size)
    throw DataError(fmt::format("{}: {} values, wanted {} as components.npy beside it says",
                                path.string(), values.size(), size));
  return values;
}

std::vector<double> read_vector_if_there(const fs::path& path, std::int64_t size) {
  return fs::exists(path) ? read_vector(path, size) : std::vector<double>{};
}

void write_vector(const fs::path& path, const std::vector<double>& values) {
  matrix::write_npy(path, std::span(values), {static_cast<std::int64_t>(values.size())});
}

linalg::ColumnMap map_of(const Model& model) {
  linalg::ColumnMap map{.shift = model.mean};
  for (const double scale : model.scale) map.factor.push_back(scale > 0 ? 1 / scale : 0);
  return map;
}

linalg::DenseMatrix scaled_components(const Model& model) {
  linalg::DenseMatrix scaled = model.components;
  if (!model.scale.empty())
    for (std::int64_t i = 0; i < scaled.rows; ++i)
      for (std::int64_t j = 0; j < scaled.cols; ++j)
        scaled(i, j) *= model.scale[static_cast<std::size_t>(j)];
  return scaled;
}

// The kernels subtract what they are given.
std::vector<double> minus(std::vector<double> values) {
  for (double& value : values) value = -value;
  return values;
}

}  // namespace

void write_model(const fs::path& folder, const Model& model) {
  matrix::write_npy(folder / "components.npy", std::span(model.components.values),
                    {model.k(), model.cols()});
  write_vector(folder / "singular_values.npy", model.singular_values);
  if (!model.mean.empty()) write_vector(folder / "mean.npy", model.mean);
  if (!model.scale.empty()) write_vector(folder / "scale.npy", model.scale);
}

Model read_model(const fs::path& folder) {
  if (!fs::is_directory(folder))
    throw IoError(
        ExitCode::kMissingInput,
        fmt::format("{}: no folder of a model; hadal pca --out makes one", folder.string()));
  Model model;
  model.components = read_matrix(folder / "components.npy");
  model.singular_values = read_vector(folder / "singular_values.npy", model.k());
  model.mean = read_vector_if_there(folder / "mean.npy", model.cols());
  model.scale = read_vector_if_there(folder / "scale.npy", model.cols());
  return model;
}

Projector::Projector(const Model& model)
    : components_(linalg::transpose(model.components)), kernels_(model.cols(), map_of(model)) {}

void Projector::scores(const linalg::RowBlock& rows, double* scores) {
  kernels_.apply(rows, components_, scores);
}

Reconstructor::Reconstructor(const Model& model)
    : components_(scaled_components(model), minus(model.mean)), kernels_(model.k()) {}

void Reconstructor::rows(const linalg::RowBlock& scores, double* values) {
  kernels_.apply(scores, components_, values);
}

}  // namespace hadal::launcher
