// What figures draw with: a thin layer over Cairo, in units of the figure, y downwards.
#pragma once

#include <array>
#include <span>
#include <string>

#include "core/image/image.h"
#include "experiments/figures/colour.h"

// Cairo's own declaration, so that its header stays out of ours.
typedef struct _cairo cairo_t;

namespace hadal::figures {

struct Point {
  double x = 0, y = 0;
};

enum class Align { kLeft, kCentre, kRight };

struct TextStyle {
  double size = 12;
  Colour colour = kInk;
  Align align = Align::kLeft;
  bool bold = false;
  bool upwards = false;  // turned left by a quarter, around its anchor
};

struct Stroke {
  Colour colour = kInk;
  double width = 1;
  bool dashed = false;
};

class Pen {
 public:
  explicit Pen(cairo_t* context) : context_(context) {}

  double text_width(const std::string& text, const TextStyle& style = {});
  /// (x, y) is the end of the baseline that `align` names, or its middle. Text that is no valid
  /// UTF-8 is drawn with U+FFFD in place of what is wrong.
  void text(double x, double y, const std::string& text, const TextStyle& style = {});
  /// `text`, or as much of it as `width` has room for and an ellipsis.
  std::string fitted(const std::string& text, double width, const TextStyle& style = {});

  void line(Point from, Point to, const Stroke& stroke = {});
  void polyline(std::span<const Point> points, const Stroke& stroke = {});
  void polygon(std::span<const Point> points, Colour colour, double opacity = 1);
  void rectangle(double x, double y, double width, double height, Colour colour,
                 double opacity = 1);
  void outline(double x, double y, double width, double height, const Stroke& stroke = {});
  /// Round, square, triangle, diamond by `kind` modulo 4, of about `radius`.
  void marker(Point at, double radius, std::size_t kind, Colour colour, double opacity = 1);
  /// The picture scaled into the rectangle: its pixels as squares, or smoothed.
  void image(const image::Image& image, double x, double y, double width, double height,
             bool smooth = false);

  /// While it lives, nothing is drawn outside the rectangle.
  class Clip {
   public:
    Clip(Pen& pen, double x, double y, double width, double height);
    ~Clip();
    Clip(const Clip&) = delete;
    Clip& operator=(const Clip&) = delete;

   private:
    cairo_t* context_;
  };

 private:
  void set(Colour colour, double opacity);
  void set(const TextStyle& style);
  void stroke(const Stroke& stroke);
  void path(std::span<const Point> points);

  cairo_t* context_;
};

}  // namespace hadal::figures
