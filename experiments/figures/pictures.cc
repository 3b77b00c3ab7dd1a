#include "experiments/figures/pictures.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/base/error.h"
#include "experiments/figures/axes.h"

namespace hadal::figures {
namespace {

constexpr double kGap = 6, kCaption = 15, kMargin = 10, kMaxNameRoom = 110, kMaxSide = 30000;
constexpr TextStyle kCaptionText{.size = 10.5, .colour = kFaint, .align = Align::kCentre};

struct Layout {
  double name_room = 0;
  double left = 0, top = 0, cell_width = 0, cell_height = 0, width = 0, height = 0;
  std::size_t columns = 0, rows = 0;
};

// A size must be known before there is a pen to measure with: 6.2 units a letter is a little more
// than the font's mean.
double name_room(const std::vector<std::string>& names) {
  std::size_t longest = 0;
  for (const std::string& name : names) longest = std::max(longest, name.size());
  return longest == 0 ? 0 : std::min(kMaxNameRoom, 6.2 * static_cast<double>(longest) + 8);
}

Layout layout_of(PictureSheet& sheet) {
  bool captions = false;
  double widest = 1, tallest = 1;
  for (const Tile& tile : sheet.tiles) {
    widest = std::max(widest, static_cast<double>(tile.image.width));
    tallest = std::max(tallest, static_cast<double>(tile.image.height));
    captions |= !tile.caption.empty();
  }
  if (sheet.tile_width <= 0)
    sheet.tile_width = sheet.tile_height > 0 ? sheet.tile_height * widest / tallest : widest;
  if (sheet.tile_height <= 0) sheet.tile_height = sheet.tile_width * tallest / widest;
  Layout l;
  l.columns = std::min(static_cast<std::size_t>(sheet.columns), sheet.tiles.size());
  l.rows = (sheet.tiles.size() + l.columns - 1) / l.columns;
  l.cell_width = sheet.tile_width + kGap;
  l.cell_height = sheet.tile_height + kGap + (captions ? kCaption : 0);
  l.name_room = name_room(sheet.row_names);
  l.left = kMargin + l.name_room;
  l.top = (sheet.title.empty() ? kMargin : 40) + (sheet.column_names.empty() ? 0 : kCaption + 4);
  l.width = l.left + static_cast<double>(l.columns) * l.cell_width - kGap + kMargin;
  l.height = l.top + static_cast<double>(l.rows) * l.cell_height - kGap + kMargin;
  return l;
}

void require_sound(const PictureSheet& sheet) {
  if (sheet.tiles.empty() || sheet.columns < 1)
    throw ConfigError(fmt::format("picture sheet: {} pictures in {} columns, wanted some of both",
                                  sheet.tiles.size(), sheet.columns));
  for (const Tile& tile : sheet.tiles)
    if (!tile.image.pixels.empty() && tile.image.channels != 1 && tile.image.channels != 3)
      throw ConfigError(fmt::format("picture sheet: a picture of {} channels, wanted 1 or 3",
                                    tile.image.channels));
}

void require_names(const PictureSheet& sheet, const Layout& l) {
  if ((!sheet.row_names.empty() && sheet.row_names.size() != l.rows) ||
      (!sheet.column_names.empty() && sheet.column_names.size() != l.columns))
    throw ShapeError(
        fmt::format("picture sheet: {} row names and {} column names for {} rows and {} columns",
                    sheet.row_names.size(), sheet.column_names.size(), l.rows, l.columns));
}

void draw_tile(Pen& pen, const PictureSheet& sheet, const Tile& tile, double x, double y) {
  if (!tile.image.pixels.empty()) {
    const double zoom =
        std::min(sheet.tile_width / tile.image.width, sheet.tile_height / tile.image.height);
    const double width = zoom * tile.image.width, height = zoom * tile.image.height;
    pen.image(tile.image, x + (sheet.tile_width - width) / 2, y + (sheet.tile_height - height) / 2,
              width, height, zoom < 1);
  }
  if (!tile.caption.empty())
    pen.text(x + sheet.tile_width / 2, y + sheet.tile_height + kCaption - 3,
             pen.fitted(tile.caption, sheet.tile_width + kGap - 2, kCaptionText), kCaptionText);
}

void draw(Pen& pen, const PictureSheet& sheet, const Layout& l) {
  draw_title(pen, l.width, sheet.title);
  for (std::size_t c = 0; c < sheet.column_names.size(); ++c)
    pen.text(l.left + static_cast<double>(c) * l.cell_width + sheet.tile_width / 2, l.top - 6,
             pen.fitted(sheet.column_names[c], l.cell_width - 2, kCaptionText), kCaptionText);
  TextStyle name = kCaptionText;
  name.align = Align::kRight;
  for (std::size_t r = 0; r < sheet.row_names.size(); ++r)
    pen.text(l.left - 8, l.top + static_cast<double>(r) * l.cell_height + sheet.tile_height / 2 + 4,
             pen.fitted(sheet.row_names[r], l.name_room, name), name);
  for (std::size_t i = 0; i < sheet.tiles.size(); ++i)
    draw_tile(pen, sheet, sheet.tiles[i],
              l.left + static_cast<double>(i % l.columns) * l.cell_width,
              l.top + static_cast<double>(i / l.columns) * l.cell_height);
}

void draw_box(Pen& pen, const Box& box, double scale) {
  const Colour colour = series_colour(box.colour);
  const double x = box.left * scale, y = box.top * scale;
  // A light line under the coloured one, so that it is seen on dark ground too.
  pen.outline(x, y, box.width * scale, box.height * scale, {.colour = kPaper, .width = 4});
  pen.outline(x, y, box.width * scale, box.height * scale,
              {.colour = colour, .width = 2, .dashed = box.dashed});
  if (box.label.empty()) return;
  const TextStyle style{.size = 11, .colour = kPaper, .bold = true};
  const double width = pen.text_width(box.label, style) + 6;
  const double top = y >= 16 ? y - 16 : y;  // inside where there is no room above
  pen.rectangle(x - 1, top, width, 15, colour);
  pen.text(x + 2, top + 11.5, box.label, style);
}

void draw_path(Pen& pen, const std::vector<Point>& path, std::size_t index, double scale) {
  std::vector<Point> points;
  for (const Point& p : path) points.push_back({p.x * scale, p.y * scale});
  if (points.empty()) return;
  pen.polyline(points, {.colour = kPaper, .width = 4});
  pen.polyline(points, {.colour = series_colour(index), .width = 2});
  pen.marker(points.back(), 4, 0, series_colour(index));
}

}  // namespace

Figure picture_sheet(PictureSheet sheet) {
  require_sound(sheet);
  const Layout layout = layout_of(sheet);
  require_names(sheet, layout);
  if (layout.width > kMaxSide || layout.height > kMaxSide)
    throw ConfigError(fmt::format(
        "picture sheet: {:.0f} x {:.0f} units are too many, ask for fewer or smaller pictures",
        layout.height, layout.width));
  return {layout.width, layout.height,
          [sheet = std::move(sheet), layout](Pen& pen) { draw(pen, sheet, layout); }};
}

Figure marked_picture(MarkedPicture picture) {
  const double width = picture.scale * picture.image.width,
               height = picture.scale * picture.image.height;
  return {width, height, [picture = std::move(picture), width, height](Pen& pen) {
            pen.image(picture.image, 0, 0, width, height, picture.scale < 1);
            for (const Box& box : picture.boxes) draw_box(pen, box, picture.scale);
            for (std::size_t i = 0; i < picture.paths.size(); ++i)
              draw_path(pen, picture.paths[i], i, picture.scale);
          }};
}

image::Image picture_of(const std::vector<double>& values, int height, int width, int channels,
                        double low, double high) {
  if (static_cast<std::int64_t>(values.size()) !=
      static_cast<std::int64_t>(height) * width * channels)
    throw ShapeError(
        fmt::format("picture: {} values for {}x{}x{}", values.size(), height, width, channels));
  image::Image image{.height = height, .width = width, .channels = channels};
  const double range = high > low ? high - low : 1;
  for (const double value : values)
    image.pixels.push_back(
        static_cast<std::uint8_t>(std::lround(255 * std::clamp((value - low) / range, 0.0, 1.0))));
  return image;
}

image::Image picture_of(const std::vector<double>& values, int height, int width, int channels) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return values.empty() ? picture_of(values, height, width, channels, 0, 1)
                        : picture_of(values, height, width, channels, *low, *high);
}

}  // namespace hadal::figures
