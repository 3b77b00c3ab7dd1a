#include "launcher/eigenfaces/show.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/data/registry.h"
#include "experiments/figures/pictures.h"
#include "experiments/figures/plot.h"
#include "experiments/studies/eigenfaces/face_folder.h"

namespace hadal::launcher::faces {

using eigenfaces::Model;
using eigenfaces::Pictures;

image::Image image_of(std::span<const std::uint8_t> picture, int height, int width) {
  return {
      .height = height, .width = width, .channels = 1, .pixels = {picture.begin(), picture.end()}};
}

image::Image image_of_face(std::span<const float> face, int height, int width) {
  return figures::picture_of({face.begin(), face.end()}, height, width, 1, 0, 255);
}

image::Image image_of_eigenface(std::span<const float> eigenface, int height, int width) {
  float most = 0;
  for (const float value : eigenface) most = std::max(most, std::abs(value));
  return figures::picture_of({eigenface.begin(), eigenface.end()}, height, width, 1, -most, most);
}

Sheet sheet(const std::string& heading, const std::vector<std::string>& columns) {
  Sheet sheet{Sheet::Kind::kResults, heading, {}, {}, {}};
  for (const std::string& column : columns)
    sheet.columns.push_back({column, !sheet.columns.empty()});
  return sheet;
}

std::vector<SheetCell> line(const std::vector<std::string>& texts) {
  std::vector<SheetCell> cells;
  for (const std::string& text : texts) cells.push_back({.text = one_line(text)});
  return cells;
}

std::string mean_text(const std::vector<double>& values, int digits) {
  const auto n = static_cast<double>(values.size());
  double mean = 0, squared = 0;
  for (const double value : values) mean += value / n;
  for (const double value : values) squared += (value - mean) * (value - mean);
  return values.size() < 2 ? fmt::format("{:.{}f}", mean, digits)
                           : fmt::format("{:.{}f}{}±{}{:.{}f}", mean, digits, kTie, kTie,
                                         std::sqrt(squared / (n - 1)), digits);
}

void require_new(const std::string& folder) {
  if (!folder.empty() && std::filesystem::exists(folder))
    throw ConfigError(fmt::format("{} exists; give another folder with --out", folder));
}

eigenfaces::Rectangle rectangle_of(const std::string& text, const std::string& option) {
  const std::vector<std::string> parts = split(text, ',');
  if (parts.size() != 4)
    throw UsageError(fmt::format("{} '{}': wanted LEFT,TOP,WIDTH,HEIGHT in pixels", option, text));
  const auto number = [&](std::size_t i) { return static_cast<int>(parse_int(parts[i], option)); };
  return {number(0), number(1), number(2), number(3)};
}

std::vector<std::int64_t> asked_about(const Model& model, const Pictures& pictures,
                                      bool trained_too) {
  const std::set<std::string> trained(model.files.begin(), model.files.end());
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < pictures.count(); ++i)
    if (trained_too || !trained.contains(pictures.files[static_cast<std::size_t>(i)]))
      indices.push_back(i);
  if (indices.empty())
    throw ConfigError(
        "eigenfaces: the model was trained on every one of these pictures; --trained-too asks "
        "about "
        "them all the same");
  return indices;
}

void require_size(const Model& model, const Pictures& pictures, const std::string& folder) {
  if (pictures.height != model.height || pictures.width != model.width)
    throw DataError(fmt::format("{}: pictures of {}x{} pixels, the model has {}x{}", folder,
                                pictures.height, pictures.width, model.height, model.width));
}

std::vector<Others> read_others(const std::vector<std::string>& names, int height, int width,
                                std::int64_t count, std::uint64_t seed) {
  std::vector<Others> others;
  for (const std::string& name : names) {
    if (std::filesystem::is_directory(name)) {
      others.push_back({fmt::format("windows of {}", name),
                        eigenfaces::random_windows(eigenfaces::read_photographs(name), height,
                                                   width, count, false, seed)});
    } else {
      const data::Dataset set = data::load_dataset(name);
      others.push_back({fmt::format("test images of {}", name),
                        eigenfaces::scaled_images(set.test, height, width, count)});
    }
  }
  return others;
}

figures::Figure roc_figure(const std::string& title, const std::vector<NamedRoc>& curves) {
  figures::Plot plot{.title = title,
                     .x = {.label = "others taken for faces", .minimum = 0, .maximum = 1},
                     .y = {.label = "faces found", .minimum = 0, .maximum = 1},
                     .width = 560,
                     .height = 480};
  for (const NamedRoc& curve : curves) {
    figures::Series series{.label = fmt::format("{} ({:.3f})", curve.name, curve.roc.area)};
    for (const eigenfaces::RocPoint& point : curve.roc.points) {
      series.x.push_back(point.false_share);
      series.y.push_back(point.true_share);
    }
    plot.series.push_back(std::move(series));
  }
  return figures::plot(plot);
}

}  // namespace hadal::launcher::faces
