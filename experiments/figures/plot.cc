#include "experiments/figures/plot.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::figures {
namespace {

constexpr double kRowHeight = 19, kSample = 22, kEntryGap = 18, kMargin = 16;
constexpr TextStyle kLegendText{.size = 11.5};

void require_lengths(const Series& s) {
  const auto fits = [&](const std::vector<double>& band) {
    return band.empty() || band.size() == s.x.size();
  };
  if (s.y.size() != s.x.size() || s.low.size() != s.high.size() || !fits(s.low))
    throw ShapeError(
        fmt::format("plot: series '{}' has {} x, {} y, a band of {} and {}, wanted as many of each",
                    s.label, s.x.size(), s.y.size(), s.low.size(), s.high.size()));
}

std::vector<double> all_values(const Plot& plot, bool of_x) {
  std::vector<double> values;
  const auto add = [&](const std::vector<double>& more) {
    values.insert(values.end(), more.begin(), more.end());
  };
  for (const Series& s : plot.series) {
    add(of_x ? s.x : s.y);
    if (!of_x) add(s.low), add(s.high);
  }
  return values;
}

void draw_sample(Pen& pen, double x, double y, const Series& s, std::size_t index) {
  const Colour colour = series_colour(index);
  if (s.style == Style::kPoints)
    pen.marker({x + kSample / 2, y}, 4, index / kSeriesColours, colour);
  else
    pen.line({x, y}, {x + kSample, y},
             {.colour = colour, .width = 2, .dashed = s.style == Style::kDashed});
}

// Rows of entries from `top` on; returns the room they take.
double draw_legend(Pen& pen, const Plot& plot, double top) {
  double x = kMargin, y = top;
  bool any = false;
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    const Series& s = plot.series[i];
    if (s.label.empty()) continue;
    const std::string label =
        pen.fitted(s.label, plot.width - 2 * kMargin - kSample - 6, kLegendText);
    const double width = kSample + 6 + pen.text_width(label, kLegendText);
    if (any && x + width > plot.width - kMargin) x = kMargin, y += kRowHeight;
    draw_sample(pen, x, y + kRowHeight / 2, s, i);
    pen.text(x + kSample + 6, y + kRowHeight / 2 + 4, label, kLegendText);
    x += width + kEntryGap;
    any = true;
  }
  return any ? y + kRowHeight + 6 - top : 0;
}

using Run = std::vector<Point>;

// Stretches of neighbouring points that can all be shown.
std::vector<Run> runs_of(const std::vector<double>& xs, const std::vector<double>& ys,
                         const Scale& x, const Scale& y) {
  std::vector<Run> runs(1);
  for (std::size_t i = 0; i < xs.size(); ++i)
    if (x.can_show(xs[i]) && y.can_show(ys[i]))
      runs.back().push_back({x(xs[i]), y(ys[i])});
    else if (!runs.back().empty())
      runs.emplace_back();
  return runs;
}

Run stepped(const Run& run) {
  Run steps;
  for (const Point& p : run) {
    if (!steps.empty()) steps.push_back({p.x, steps.back().y});
    steps.push_back(p);
  }
  return steps;
}

void draw_band(Pen& pen, const Series& s, Colour colour, const Scale& x, const Scale& y) {
  std::vector<Point> edge, back;
  for (std::size_t i = 0; i < s.low.size(); ++i)
    if (x.can_show(s.x[i]) && y.can_show(s.low[i]) && y.can_show(s.high[i])) {
      edge.push_back({x(s.x[i]), y(s.high[i])});
      back.push_back({x(s.x[i]), y(s.low[i])});
    }
  edge.insert(edge.end(), back.rbegin(), back.rend());
  if (!edge.empty()) pen.polygon(edge, colour, 0.18);
}

void draw_series(Pen& pen, const Series& s, std::size_t index, const Scale& x, const Scale& y) {
  const Colour colour = series_colour(index);
  draw_band(pen, s, colour, x, y);
  for (const Run& run : runs_of(s.x, s.y, x, y)) {
    if (s.style == Style::kPoints || run.size() == 1)
      for (const Point& p : run)
        pen.marker(p,
                   s.x.size() > 2000  ? 1.6
                   : s.x.size() > 200 ? 2.4
                                      : 3.5,
                   index / kSeriesColours, colour, s.x.size() > 200 ? 0.55 : 0.85);
    else
      pen.polyline(s.style == Style::kStep ? stepped(run) : run,
                   {.colour = colour, .width = 2, .dashed = s.style == Style::kDashed});
  }
}

void draw(Pen& pen, const Plot& plot) {
  double top = draw_title(pen, plot.width, plot.title);
  top += draw_legend(pen, plot, top) + 4;
  Scale x(plot.x, all_values(plot, true)), y(plot.y, all_values(plot, false));
  Area area{.top = top, .height = plot.height - top - kXAxisRoom};
  area.left = y_axis_room(pen, plot.y, y, area.height);
  area.width = plot.width - area.left - kMargin - 8;
  draw_x_axis(pen, area, plot.x, x);
  draw_y_axis(pen, area, plot.y, y);
  const Pen::Clip clip(pen, area.left - 5, area.top - 5, area.width + 10, area.height + 10);
  for (std::size_t i = 0; i < plot.series.size(); ++i) draw_series(pen, plot.series[i], i, x, y);
}

}  // namespace

Figure plot(Plot plot) {
  for (const Series& s : plot.series) require_lengths(s);
  const double width = plot.width, height = plot.height;
  return {width, height, [plot = std::move(plot)](Pen& pen) { draw(pen, plot); }};
}

Plot scatter(const std::vector<double>& x, const std::vector<double>& y,
             const std::vector<int>& labels, const std::vector<std::string>& names) {
  if (x.size() != y.size() || (!names.empty() && labels.size() != x.size()))
    throw ShapeError(fmt::format("scatter: {} x, {} y and {} labels, wanted as many of each",
                                 x.size(), y.size(), labels.size()));
  Plot plot;
  plot.height = 560;
  for (const std::string& name : names)
    plot.series.push_back({.label = name, .style = Style::kPoints});
  if (names.empty()) plot.series.push_back({.style = Style::kPoints});
  for (std::size_t i = 0; i < x.size(); ++i) {
    const int label = names.empty() ? 0 : labels[i];
    if (label < 0 || static_cast<std::size_t>(label) >= plot.series.size())
      throw ShapeError(fmt::format("scatter: point {} has label {}, wanted 0 to {}", i, label,
                                   plot.series.size() - 1));
    Series& s = plot.series[static_cast<std::size_t>(label)];
    s.x.push_back(x[i]);
    s.y.push_back(y[i]);
  }
  return plot;
}

}  // namespace hadal::figures
