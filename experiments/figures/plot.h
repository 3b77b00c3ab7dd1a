// Lines, steps, points and bands over two axes: curves, scatter plots.
#pragma once

#include <string>
#include <vector>

#include "experiments/figures/axes.h"
#include "experiments/figures/figure.h"

namespace hadal::figures {

enum class Style { kLine, kDashed, kStep, kPoints };

struct Series {
  std::string label{};  // in the legend; empty: not named there
  std::vector<double> x{}, y{};
  std::vector<double> low{}, high{};  // a band around y; empty: none
  Style style = Style::kLine;
};

struct Plot {
  std::string title{};
  Axis x{}, y{};
  std::vector<Series> series{};
  double width = 720, height = 440;
};

/// Colours by place in `series`; lines break where a value cannot be shown (NaN, or not positive on
/// a log axis). The legend stands above the curves, where it covers nothing.
/// Throws ShapeError when the vectors of a series differ in length.
Figure plot(Plot plot);

/// Points coloured by label: x, y and labels of one length, labels indices into `names`, which may
/// be empty (then every point has one colour).
/// Throws ShapeError when lengths differ or a label has no name.
Plot scatter(const std::vector<double>& x, const std::vector<double>& y,
             const std::vector<int>& labels, const std::vector<std::string>& names);

}  // namespace hadal::figures
