#include "launcher/decomposition/pictures.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "core/base/error.h"
#include "experiments/figures/pictures.h"

namespace hadal::launcher {
namespace {

constexpr double kTile = 84;  // units, the longer side

linalg::RowBlock block_of(const linalg::DenseMatrix& m) {
  return {m.values.data(), matrix::Element::kF64, m.rows, m.cols, m.cols};
}

// Pixel by pixel, as figures want it.
std::vector<double> interleaved(std::span<const double> row, const matrix::PictureShape& shape) {
  HADAL_CHECK(row.size() == static_cast<std::size_t>(shape.height) *
                                static_cast<std::size_t>(shape.width) *
                                static_cast<std::size_t>(shape.channels));
  if (!shape.planar) return {row.begin(), row.end()};
  const auto channels = static_cast<std::size_t>(shape.channels);
  const std::size_t pixels = row.size() / channels;
  std::vector<double> values(row.size());
  for (std::size_t p = 0; p < pixels; ++p)
    for (std::size_t c = 0; c < channels; ++c) values[p * channels + c] = row[c * pixels + p];
  return values;
}

template <typename T>
double value_at(const std::vector<std::byte>& bytes, std::size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return static_cast<double>(value);
}

double value_at(const std::vector<std::byte>& bytes, std::size_t i, matrix::Element element) {
  return element == matrix::Element::kU8    ? value_at<std::uint8_t>(bytes, i)
         : element == matrix::Element::kF32 ? value_at<float>(bytes, i)
                                            : value_at<double>(bytes, i);
}

// Those of 1, 5, 20, 50, 100, 200, 500, ... below k, then k.
std::vector<std::int64_t> shown_ranks(std::int64_t k) {
  std::vector<std::int64_t> ranks;
  for (const std::int64_t r : {1, 5, 20, 50, 100, 200, 500, 1000})
    if (r < k) ranks.push_back(r);
  ranks.push_back(k);
  return ranks;
}

linalg::DenseMatrix reconstructed(const Model& model, const linalg::DenseMatrix& scores,
                                  std::int64_t rank) {
  linalg::DenseMatrix some = scores;
  for (std::int64_t i = 0; i < some.rows; ++i)
    std::fill(some.row(i).begin() + rank, some.row(i).end(), 0.0);
  linalg::DenseMatrix rows(scores.rows, model.cols());
  Reconstructor(model).rows(block_of(some), rows.values.data());
  return rows;
}

}  // namespace

image::Image picture_of(std::span<const double> row, const matrix::PictureShape& shape, double low,
                        double high) {
  return figures::picture_of(interleaved(row, shape), shape.height, shape.width, shape.channels,
                             low, high);
}

image::Image component_picture(std::span<const double> component,
                               const matrix::PictureShape& shape) {
  double size = 0;
  for (const double value : component) size = std::max(size, std::abs(value));
  return picture_of(component, shape, -size, size);
}

figures::Figure reconstructions(const Model& model, const matrix::PictureShape& shape,
                                const linalg::DenseMatrix& rows,
                                const std::vector<std::string>& row_names) {
  linalg::DenseMatrix scores(rows.rows, model.k());
  Projector(model).scores(block_of(rows), scores.values.data());
  const std::vector<std::int64_t> ranks = shown_ranks(model.k());
  figures::PictureSheet sheet{.columns = static_cast<int>(ranks.size()) + 1,
                              .row_names = row_names,
                              .column_names = {"original"}};
  (shape.height > shape.width ? sheet.tile_height : sheet.tile_width) = kTile;
  std::vector<linalg::DenseMatrix> by_rank;
  for (const std::int64_t rank : ranks) {
    by_rank.push_back(reconstructed(model, scores, rank));
    sheet.column_names.push_back(fmt::format("k = {}", rank));
  }
  for (std::int64_t i = 0; i < rows.rows; ++i) {
    const auto [low, high] = std::minmax_element(rows.row(i).begin(), rows.row(i).end());
    sheet.tiles.push_back({picture_of(rows.row(i), shape, *low, *high)});
    for (const linalg::DenseMatrix& again : by_rank)
      sheet.tiles.push_back({picture_of(again.row(i), shape, *low, *high)});
  }
  return figures::picture_sheet(std::move(sheet));
}

linalg::DenseMatrix sample_rows(const matrix::RowSource& a, std::int64_t count,
                                std::vector<std::int64_t>& which) {
  count = std::min(count, a.rows());
  linalg::DenseMatrix rows(count, a.cols());
  std::vector<std::byte> bytes(static_cast<std::size_t>(a.cols()) * matrix::bytes_of(a.element()));
  for (std::int64_t i = 0; i < count; ++i) {
    which.push_back(i * a.rows() / count);
    a.read(which.back(), 1, 0, a.cols(), bytes.data());
    for (std::int64_t j = 0; j < a.cols(); ++j)
      rows(i, j) = value_at(bytes, static_cast<std::size_t>(j), a.element());
  }
  return rows;
}

}  // namespace hadal::launcher
