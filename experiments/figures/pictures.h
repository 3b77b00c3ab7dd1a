// Pictures side by side, and pictures with something drawn on them.
#pragma once

#include <string>
#include <vector>

#include "core/image/image.h"
#include "experiments/figures/figure.h"
#include "experiments/figures/pen.h"

namespace hadal::figures {

struct Tile {
  image::Image image{};   // without pixels: the place stays empty
  std::string caption{};  // below it; cut where it is too long
};

struct PictureSheet {
  std::string title{};
  std::vector<Tile> tiles{};  // row after row
  int columns = 8;
  /// Units a side of a place; a picture keeps its proportions in it. 0: as large as the largest
  /// picture.
  double tile_width = 0, tile_height = 0;
  std::vector<std::string> row_names{};     // left of each row
  std::vector<std::string> column_names{};  // above each column
};

/// Enlarged pictures show their pixels, reduced ones are smoothed. Throws ConfigError for no tiles,
/// columns below 1 or a picture that is neither grey nor RGB, ShapeError for names that do not fit.
Figure picture_sheet(PictureSheet sheet);

struct Box {
  double left = 0, top = 0, width = 0, height = 0;  // pixels of the picture
  std::string label{};                              // above it
  std::size_t colour = 0;                           // series_colour()
  bool dashed = false;
};

struct MarkedPicture {
  image::Image image{};
  std::vector<Box> boxes{};
  std::vector<std::vector<Point>> paths{};  // in pixels; each in its colour, its last point marked
  double scale = 1;                         // units a pixel
};

Figure marked_picture(MarkedPicture picture);

/// Values as grey: `low` black, `high` white, linear between, clamped. By default the ends are the
/// smallest and the largest value, channels together. `values`: height x width x channels, channels
/// 1 or 3, interleaved.
image::Image picture_of(const std::vector<double>& values, int height, int width, int channels,
                        double low, double high);
image::Image picture_of(const std::vector<double>& values, int height, int width, int channels);

}  // namespace hadal::figures
