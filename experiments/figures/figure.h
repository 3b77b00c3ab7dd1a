// A figure knows its size and how to draw itself; the same drawing becomes SVG and pixels.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "core/image/image.h"

namespace hadal::figures {

class Pen;

struct Figure {
  double width = 0, height = 0;  // units: pixels of a screen at 96 dots per inch
  std::function<void(Pen& pen)> draw{};
};

/// A whole SVG file, text as outlines, so that it looks the same everywhere.
std::string to_svg(const Figure& figure);

/// RGB, `scale` pixels a unit. Throws ConfigError for more than 100 million pixels.
image::Image to_image(const Figure& figure, double scale = 2);

/// NAME.svg and NAME.png in `folder`. Throws IoError.
void write_figure(const std::filesystem::path& folder, const std::string& name,
                  const Figure& figure);

}  // namespace hadal::figures
