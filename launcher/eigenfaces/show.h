// What several commands of eigenfaces read and show.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/image/image.h"
#include "experiments/studies/eigenfaces/model.h"
#include "experiments/studies/eigenfaces/occlusion.h"
#include "experiments/studies/eigenfaces/pictures.h"
#include "experiments/studies/eigenfaces/roc.h"
#include "launcher/report/study_page.h"

namespace hadal::launcher::faces {

image::Image image_of(std::span<const std::uint8_t> picture, int height, int width);
/// Grey levels 0..255 of a face as lit() gives it, clamped.
image::Image image_of_face(std::span<const float> face, int height, int width);
/// An eigenface: 0 is middle grey, its largest magnitude black or white.
image::Image image_of_eigenface(std::span<const float> eigenface, int height, int width);

/// Headings of columns after the first are of numbers.
Sheet sheet(const std::string& heading, const std::vector<std::string>& columns);
std::vector<SheetCell> line(const std::vector<std::string>& texts);

/// "0.9730 ± 0.0114 (n = 10)": mean and sample standard deviation.
std::string mean_text(const std::vector<double>& values, int digits = 4);

/// Throws ConfigError when the folder is there: before work is done for nothing.
void require_new(const std::string& folder);

/// "LEFT,TOP,WIDTH,HEIGHT" in pixels. Throws UsageError that names the option.
eigenfaces::Rectangle rectangle_of(const std::string& text, const std::string& option);

/// Indices of pictures that the model was not trained on, by their files' names; all of them with
/// `trained_too`. Throws ConfigError when none is left.
std::vector<std::int64_t> asked_about(const eigenfaces::Model& model,
                                      const eigenfaces::Pictures& pictures, bool trained_too);

/// Throws DataError unless pictures are of the model's size.
void require_size(const eigenfaces::Model& model, const eigenfaces::Pictures& pictures,
                  const std::string& folder);

/// Pictures of everything but faces, by what a user names: a folder of photographs (random windows
/// of their own pixels) or a data set (its test images, scaled).
struct Others {
  std::string name;
  eigenfaces::Pictures pictures;
};
std::vector<Others> read_others(const std::vector<std::string>& names, int height, int width,
                                std::int64_t count, std::uint64_t seed);

/// Curves of several measures in one plot.
struct NamedRoc {
  std::string name;
  eigenfaces::Roc roc;
};
figures::Figure roc_figure(const std::string& title, const std::vector<NamedRoc>& curves);

}  // namespace hadal::launcher::faces
