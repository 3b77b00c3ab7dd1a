// A matrix as colours: distances over a picture, confusion tables.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/image/image.h"
#include "experiments/figures/axes.h"
#include "experiments/figures/figure.h"

namespace hadal::figures {

struct HeatMap {
  std::string title{};
  std::int64_t rows = 0, cols = 0;
  std::vector<double> values{};                // rows x cols; NaN: nothing was measured there, grey
  std::optional<double> minimum{}, maximum{};  // of the colours; empty: of the values
  bool diverging = false;                      // zero in the middle
  std::string unit{};                          // beside the colour bar
  std::string x_label{}, y_label{};
  std::vector<std::string> row_names{}, col_names{};  // instead of counted rows and columns
  bool numbers = false;  // write each value into its cell, as a confusion table wants
  double cell = 0;       // units a side of a cell; 0: about 640 units in all
};

/// Throws ShapeError when `values` or the names do not fit the size.
Figure heat_map(HeatMap map);

/// One pixel a value, coloured by sequential() between the two ends.
image::Image heat_pixels(std::span<const double> values, std::int64_t rows, std::int64_t cols,
                         double minimum, double maximum);

}  // namespace hadal::figures
