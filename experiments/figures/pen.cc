#include "experiments/figures/pen.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>

#include <cairo.h>

#include "core/base/error.h"

namespace hadal::figures {
namespace {

// Comes with fontconfig, which Cairo's package asks for.
constexpr const char* kFont = "DejaVu Sans";

// Bytes of the UTF-8 sequence that begins at `text[i]`, 0 when none does.
std::size_t sequence_length(const std::string& text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned first = byte(i);
  const std::size_t length = first < 0x80                     ? 1
                             : first >= 0xc2 && first <= 0xdf ? 2
                             : first >= 0xe0 && first <= 0xef ? 3
                             : first >= 0xf0 && first <= 0xf4 ? 4
                                                              : 0;
  if (length == 0 || i + length > text.size()) return 0;
  for (std::size_t k = i + 1; k < i + length; ++k)
    if ((byte(k) & 0xc0) != 0x80) return 0;
  if (length > 2) {  // overlong forms, surrogates, beyond U+10FFFF
    const unsigned second = byte(i + 1);
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
        (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
      return 0;
  }
  return length;
}

// Cairo gives up on a whole surface when a text is no valid UTF-8.
std::string valid(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = sequence_length(text, i);
    result += length == 0 ? "\uFFFD" : text.substr(i, length);
    i += std::max<std::size_t>(length, 1);
  }
  return result;
}

// Cairo cannot tell a reader of SVG that pixels are squares: there each is repeated to about its
// size in units, which leaves little to smooth.
int repeats(cairo_t* context, const image::Image& image, double width) {
  if (cairo_surface_get_type(cairo_get_target(context)) != CAIRO_SURFACE_TYPE_SVG) return 1;
  constexpr double kMaxSide = 2000;
  const double most = kMaxSide / std::max(image.width, image.height);
  return static_cast<int>(std::max(1.0, std::min(std::ceil(width / image.width), most)));
}

}  // namespace

void Pen::set(Colour colour, double opacity) {
  cairo_set_source_rgba(context_, colour.red, colour.green, colour.blue, opacity);
}

void Pen::set(const TextStyle& style) {
  cairo_select_font_face(context_, kFont, CAIRO_FONT_SLANT_NORMAL,
                         style.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(context_, style.size);
  set(style.colour, 1);
}

double Pen::text_width(const std::string& text, const TextStyle& style) {
  set(style);
  cairo_text_extents_t extents;
  cairo_text_extents(context_, valid(text).c_str(), &extents);
  return extents.x_advance;
}

void Pen::text(double x, double y, const std::string& text, const TextStyle& style) {
  const double width = text_width(text, style);
  cairo_save(context_);
  cairo_translate(context_, x, y);
  if (style.upwards) cairo_rotate(context_, -std::numbers::pi / 2);
  cairo_move_to(context_,
                style.align == Align::kLeft     ? 0
                : style.align == Align::kCentre ? -width / 2
                                                : -width,
                0);
  cairo_show_text(context_, valid(text).c_str());
  cairo_restore(context_);
}

std::string Pen::fitted(const std::string& text, double width, const TextStyle& style) {
  std::string whole = valid(text);
  if (text_width(whole, style) <= width) return whole;
  const auto continues = [&] { return (static_cast<unsigned char>(whole.back()) & 0xc0) == 0x80; };
  while (!whole.empty() && text_width(whole + "…", style) > width) {
    while (continues()) whole.pop_back();
    whole.pop_back();
  }
  return whole + "…";
}

void Pen::stroke(const Stroke& stroke) {
  set(stroke.colour, 1);
  cairo_set_line_width(context_, stroke.width);
  const std::array<double, 2> dashes = {4 * stroke.width, 3 * stroke.width};
  cairo_set_dash(context_, dashes.data(), stroke.dashed ? 2 : 0, 0);
  cairo_set_line_join(context_, CAIRO_LINE_JOIN_ROUND);
  cairo_stroke(context_);
}

void Pen::path(std::span<const Point> points) {
  cairo_new_path(context_);
  for (const Point& p : points) cairo_line_to(context_, p.x, p.y);
}

void Pen::line(Point from, Point to, const Stroke& style) { polyline(std::array{from, to}, style); }

void Pen::polyline(std::span<const Point> points, const Stroke& style) {
  path(points);
  stroke(style);
}

void Pen::polygon(std::span<const Point> points, Colour colour, double opacity) {
  path(points);
  cairo_close_path(context_);
  set(colour, opacity);
  cairo_fill(context_);
}

void Pen::rectangle(double x, double y, double width, double height, Colour colour,
                    double opacity) {
  cairo_rectangle(context_, x, y, width, height);
  set(colour, opacity);
  cairo_fill(context_);
}

void Pen::outline(double x, double y, double width, double height, const Stroke& style) {
  cairo_rectangle(context_, x, y, width, height);
  stroke(style);
}

void Pen::marker(Point at, double r, std::size_t kind, Colour colour, double opacity) {
  const auto [x, y] = at;
  switch (kind % 4) {
    case 0:
      cairo_new_path(context_);
      cairo_arc(context_, x, y, r, 0, 2 * std::numbers::pi);
      set(colour, opacity);
      cairo_fill(context_);
      return;
    case 1:
      return rectangle(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r, colour, opacity);
    case 2:
      return polygon(
          std::array<Point, 3>{
              {{x, y - 1.2 * r}, {x + 1.1 * r, y + 0.8 * r}, {x - 1.1 * r, y + 0.8 * r}}},
          colour, opacity);
    default:
      return polygon(
          std::array<Point, 4>{
              {{x, y - 1.3 * r}, {x + 1.3 * r, y}, {x, y + 1.3 * r}, {x - 1.3 * r, y}}},
          colour, opacity);
  }
}

void Pen::image(const image::Image& image, double x, double y, double width, double height,
                bool smooth) {
  HADAL_CHECK(image.channels == 1 || image.channels == 3);
  const int times = smooth ? 1 : repeats(context_, image, width);
  const std::unique_ptr<cairo_surface_t, void (*)(cairo_surface_t*)> surface(
      cairo_image_surface_create(CAIRO_FORMAT_RGB24, times * image.width, times * image.height),
      cairo_surface_destroy);
  HADAL_CHECK(cairo_surface_status(surface.get()) == CAIRO_STATUS_SUCCESS);
  unsigned char* data = cairo_image_surface_get_data(surface.get());
  const int stride = cairo_image_surface_get_stride(surface.get());
  const int last = image.channels - 1;
  for (int row = 0; row < times * image.height; ++row) {
    auto* to = reinterpret_cast<std::uint32_t*>(data + static_cast<std::ptrdiff_t>(row) * stride);
    const std::uint8_t* from = image.pixels.data() + static_cast<std::ptrdiff_t>(row / times) *
                                                         image.width * image.channels;
    for (int column = 0; column < image.width; ++column, from += image.channels, to += times)
      std::fill_n(to, times,
                  static_cast<std::uint32_t>(from[0] << 16 | from[last / 2] << 8 | from[last]));
  }
  cairo_surface_mark_dirty(surface.get());
  cairo_save(context_);
  cairo_rectangle(context_, x, y, width, height);
  cairo_clip(context_);
  cairo_translate(context_, x, y);
  cairo_scale(context_, width / (times * image.width), height / (times * image.height));
  cairo_set_source_surface(context_, surface.get(), 0, 0);
  cairo_pattern_t* pattern = cairo_get_source(context_);
  cairo_pattern_set_filter(pattern, smooth ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST);
  cairo_pattern_set_extend(pattern, CAIRO_EXTEND_PAD);  // no blur into what is around
  cairo_paint(context_);
  cairo_restore(context_);
}

Pen::Clip::Clip(Pen& pen, double x, double y, double width, double height)
    : context_(pen.context_) {
  cairo_save(context_);
  cairo_rectangle(context_, x, y, width, height);
  cairo_clip(context_);
}

Pen::Clip::~Clip() { cairo_restore(context_); }

}  // namespace hadal::figures
