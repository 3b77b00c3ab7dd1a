#include "experiments/figures/heat_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::figures {
namespace {

constexpr double kBarWidth = 14, kBarGap = 14, kMargin = 14, kTextSize = 11.5;

std::uint8_t byte(double channel) { return static_cast<std::uint8_t>(std::lround(255 * channel)); }

image::Image pixels_of(std::span<const double> values, std::int64_t rows, std::int64_t cols,
                       double low, double high, bool is_diverging) {
  image::Image image{
      .height = static_cast<int>(rows), .width = static_cast<int>(cols), .channels = 3};
  image.pixels.reserve(3 * values.size());
  // Colours are worth a table: a picture has many more pixels than anybody sees shades.
  constexpr int kShades = 512;
  static_assert(kShades % 2 == 0);
  std::array<std::array<std::uint8_t, 3>, kShades + 1> table{};
  for (int i = 0; i <= kShades; ++i) {
    const double t = static_cast<double>(i) / kShades;
    const Colour c = is_diverging ? diverging(2 * t - 1) : sequential(t);
    table[static_cast<std::size_t>(i)] = {byte(c.red), byte(c.green), byte(c.blue)};
  }
  const std::array<std::uint8_t, 3> missing = {byte(kGrid.red), byte(kGrid.green),
                                               byte(kGrid.blue)};
  for (const double value : values) {
    const double t = std::clamp((value - low) / (high - low), 0.0, 1.0);
    const auto& colour =
        std::isnan(value) ? missing : table[static_cast<std::size_t>(std::lround(t * kShades))];
    image.pixels.insert(image.pixels.end(), colour.begin(), colour.end());
  }
  return image;
}

struct Range {
  double low = 0, high = 1;
};

Range range_of(const HeatMap& map) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double value : map.values)
    if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
  if (low > high) low = 0, high = 1;
  if (map.diverging) {
    const double size = std::max(std::abs(low), std::abs(high));
    low = -size, high = size;
  }
  Range range{map.minimum.value_or(low), map.maximum.value_or(high)};
  if (!(range.low < range.high)) range.high = range.low + 1;
  return range;
}

void draw_colour_bar(Pen& pen, const HeatMap& map, const Range& range, const Area& area) {
  std::vector<double> shades;
  for (int i = 255; i >= 0; --i) shades.push_back(range.low + (range.high - range.low) * i / 255);
  pen.image(pixels_of(shades, 256, 1, range.low, range.high, map.diverging), area.left, area.top,
            area.width, area.height, true);
  const Axis axis{.label = map.unit, .minimum = range.low, .maximum = range.high};
  Scale scale(axis, {});
  draw_y_axis(pen, area, axis, scale, true);
}

double widest(Pen& pen, const std::vector<std::string>& names) {
  double width = 0;
  for (const std::string& name : names)
    width = std::max(width, pen.text_width(name, {.size = kTextSize}));
  return std::min(width, 140.0);
}

// Every name that has room, at its row.
void draw_row_names(Pen& pen, const HeatMap& map, const Area& area, double cell) {
  const auto every = static_cast<std::size_t>(std::max(1.0, std::ceil(kTextSize / cell)));
  for (std::size_t i = 0; i < map.row_names.size(); i += every)
    pen.text(area.left - 5, area.top + (static_cast<double>(i) + 0.5) * cell + 4,
             pen.fitted(map.row_names[i], 140, {.size = kTextSize}),
             {.size = kTextSize, .colour = kFaint, .align = Align::kRight});
}

void draw_col_names(Pen& pen, const HeatMap& map, const Area& area, double cell) {
  const auto every = static_cast<std::size_t>(std::max(1.0, std::ceil(kTextSize / cell)));
  for (std::size_t i = 0; i < map.col_names.size(); i += every)
    pen.text(area.left + (static_cast<double>(i) + 0.5) * cell + 4, area.top + area.height + 5,
             pen.fitted(map.col_names[i], 140, {.size = kTextSize}),
             {.size = kTextSize, .colour = kFaint, .align = Align::kRight, .upwards = true});
}

void draw_numbers(Pen& pen, const HeatMap& map, const Range& range, const Area& area, double cell) {
  for (std::int64_t r = 0; r < map.rows; ++r)
    for (std::int64_t c = 0; c < map.cols; ++c) {
      const double value = map.values[static_cast<std::size_t>(r * map.cols + c)];
      if (!std::isfinite(value)) continue;
      const double t = (value - range.low) / (range.high - range.low);
      const bool dark = map.diverging ? std::abs(2 * t - 1) > 0.75 : t < 0.55;
      pen.text(area.left + (static_cast<double>(c) + 0.5) * cell,
               area.top + (static_cast<double>(r) + 0.5) * cell + 4, fmt::format("{:.3g}", value),
               {.size = std::min(kTextSize, 0.42 * cell),
                .colour = dark ? kPaper : kInk,
                .align = Align::kCentre});
    }
}

// What stands around the cells; a size must be known before there is a pen, so names count 6.8
// units a letter (a little more than the font's mean), 140 at most.
struct Layout {
  double cell = 0, left = 0, bottom = 0, top = 0, width = 0, height = 0;
};

double room_of(const std::vector<std::string>& names) {
  std::size_t longest = 0;
  for (const std::string& name : names) longest = std::max(longest, name.size());
  return std::min(140.0, 6.8 * static_cast<double>(longest));
}

Layout layout_of(const HeatMap& map) {
  Layout l;
  const double rows = static_cast<double>(map.rows), cols = static_cast<double>(map.cols);
  l.cell = map.cell > 0 ? map.cell : std::min(640 / cols, 640 / rows);
  if (map.numbers) l.cell = std::max(l.cell, 22.0);
  l.left = kMargin + (map.y_label.empty() ? 0 : 22) +
           (map.row_names.empty() ? 0 : room_of(map.row_names) + 8);
  l.bottom = kMargin + (map.x_label.empty() ? 0 : 22) +
             (map.col_names.empty() ? 0 : room_of(map.col_names) + 8);
  l.top = map.title.empty() ? kMargin : 42;
  l.width = l.left + cols * l.cell + kBarGap + kBarWidth + 84;
  l.height = l.top + rows * l.cell + l.bottom;
  return l;
}

void draw(Pen& pen, const HeatMap& map, const Layout& l) {
  draw_title(pen, l.width, map.title);
  const Area area{l.left, l.top, static_cast<double>(map.cols) * l.cell,
                  static_cast<double>(map.rows) * l.cell};
  const Range range = range_of(map);
  pen.image(pixels_of(map.values, map.rows, map.cols, range.low, range.high, map.diverging),
            area.left, area.top, area.width, area.height);
  pen.outline(area.left, area.top, area.width, area.height, {.colour = kFaint, .width = 0.8});
  draw_colour_bar(pen, map, range,
                  {area.left + area.width + kBarGap, area.top, kBarWidth, area.height});
  draw_row_names(pen, map, area, l.cell);
  draw_col_names(pen, map, area, l.cell);
  if (map.numbers) draw_numbers(pen, map, range, area, l.cell);
  pen.text(area.left + area.width / 2, l.height - 10, map.x_label, {.align = Align::kCentre});
  pen.text(area.left - (map.row_names.empty() ? 0 : widest(pen, map.row_names) + 5) - 10,
           area.top + area.height / 2, map.y_label, {.align = Align::kCentre, .upwards = true});
}

}  // namespace

Figure heat_map(HeatMap map) {
  const auto fits = [](const std::vector<std::string>& names, std::int64_t count) {
    return names.empty() || static_cast<std::int64_t>(names.size()) == count;
  };
  if (map.rows < 1 || map.cols < 1 ||
      static_cast<std::int64_t>(map.values.size()) != map.rows * map.cols ||
      !fits(map.row_names, map.rows) || !fits(map.col_names, map.cols))
    throw ShapeError(fmt::format(
        "heat map of {} x {} with {} values, {} row names and {} column names, wanted as many",
        map.rows, map.cols, map.values.size(), map.row_names.size(), map.col_names.size()));
  const Layout layout = layout_of(map);
  return {layout.width, layout.height,
          [map = std::move(map), layout](Pen& pen) { draw(pen, map, layout); }};
}

image::Image heat_pixels(std::span<const double> values, std::int64_t rows, std::int64_t cols,
                         double minimum, double maximum) {
  HADAL_CHECK(static_cast<std::int64_t>(values.size()) == rows * cols);
  return pixels_of(values, rows, cols, minimum, maximum, false);
}

}  // namespace hadal::figures
