// Pictures on disk: folders of faces, and photographs to cut windows from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/data/dataset.h"
#include "core/image/image.h"
#include "experiments/studies/eigenfaces/pictures.h"

namespace hadal::eigenfaces {

/// A folder with a sub-folder for each person, or with pictures alone (then of one person of the
/// folder's name). Colour becomes grey. People and pictures are in the order of their names,
/// numbers in them by value (s2 before s10); files are "s2/10.pgm". What is no picture by its name
/// is passed over. Throws IoError, DataError for a folder without pictures or pictures of different
/// sizes.
Pictures read_faces(const std::filesystem::path& folder);

/// The pictures right in a folder, by their names, in the same order. Throws IoError.
std::vector<std::filesystem::path> picture_files(const std::filesystem::path& folder);

/// One grey picture of a given size (scaled when it has another), nobody's.
Pictures read_picture(const std::filesystem::path& file, int height, int width);

/// All pictures of a folder and of its sub-folders, grey, in the order of their names. Throws
/// IoError, DataError for a folder without pictures.
std::vector<image::Image> read_photographs(const std::filesystem::path& folder);

/// `count` windows of height x width: of a photograph, at a place, and, when the photograph is
/// larger, at a size between once and as large as fits, all drawn from the seed; sizes evenly in
/// their logarithm. `scaled` = false keeps to the pixels of the photograph. Throws DataError when
/// no photograph is as large as a window.
Pictures random_windows(const std::vector<image::Image>& photographs, int height, int width,
                        std::int64_t count, bool scaled, std::uint64_t seed);

/// The first `count` images of a data set, grey, scaled to height x width.
Pictures scaled_images(const data::ImageSet& images, int height, int width, std::int64_t count);

}  // namespace hadal::eigenfaces
