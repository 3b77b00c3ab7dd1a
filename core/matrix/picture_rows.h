// Pictures as rows: one picture a row, pixel by pixel.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "core/matrix/row_source.h"

namespace hadal::matrix {

struct PictureSize {
  int height = 0, width = 0;
};

struct PictureOptions {
  bool grey = false;                    // by luma; else RGB if one of the pictures is
  std::optional<PictureSize> resize{};  // what every picture becomes; else all are of one size
};

/// All pictures (by name: image::has_image_name()) in `folder` and below, "2.pgm" before "10.pgm".
std::vector<std::filesystem::path> pictures_below(const std::filesystem::path& folder);

/// The pictures in `files`, in that order, as u8. Their folders are labels when there are several,
/// named as seen from the folder they share. Headers are read here; pictures are decoded when their
/// rows are, once (cached()). Throws DataError for damage and, naming the odd one out, for pictures
/// of different sizes; ConfigError for none.
std::unique_ptr<RowSource> open_pictures(const std::vector<std::filesystem::path>& files,
                                         const PictureOptions& options = {});

}  // namespace hadal::matrix
