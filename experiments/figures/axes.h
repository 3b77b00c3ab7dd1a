// Axes: which values get a tick, and where a value lies on paper.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/figures/pen.h"

namespace hadal::figures {

struct Axis {
  std::string label{};
  bool log = false;  // values that are not positive are left out
  /// Ends; empty: those of the data, a little widened to round values.
  std::optional<double> minimum{}, maximum{};
};

struct Tick {
  double value = 0;
  std::string label{};  // empty: a line of the grid only
};

/// "0.25", "20,000", "3×10⁻⁷": with as many digits as values `step` apart need.
std::string number_text(double value, double step);

/// Ticks within [low, high], about `wanted` of them, at 1, 2 or 5 times a power of ten; with `log`
/// at powers of ten, and between them where there are less than three.
std::vector<Tick> ticks_between(double low, double high, bool log, int wanted);

/// From values to positions: [low(), high()] onto [from, to].
class Scale {
 public:
  /// `values`: all that must be seen; those that are not finite count for nothing.
  Scale(const Axis& axis, const std::vector<double>& values);

  void place(double from, double to) { from_ = from, to_ = to; }
  double operator()(double value) const;
  /// Finite, and positive on a log axis.
  bool can_show(double value) const;
  double low() const { return low_; }
  double high() const { return high_; }
  bool log() const { return log_; }

 private:
  double position(double value) const;  // logarithm on a log axis

  bool log_;
  double low_ = 0, high_ = 1, from_ = 0, to_ = 1;
};

struct Area {
  double left = 0, top = 0, width = 0, height = 0;
};

/// Room that ticks and the label of a y-axis need beside the area.
double y_axis_room(Pen& pen, const Axis& axis, const Scale& scale, double height);
inline constexpr double kXAxisRoom = 44;

/// Grid, ticks, numbers and labels; places the scales onto the area.
void draw_x_axis(Pen& pen, const Area& area, const Axis& axis, Scale& scale);
/// `right`: on the right side, without a grid.
void draw_y_axis(Pen& pen, const Area& area, const Axis& axis, Scale& scale, bool right = false);

/// The title, centred over the figure; returns the room it took from the top.
double draw_title(Pen& pen, double width, const std::string& title);

}  // namespace hadal::figures
