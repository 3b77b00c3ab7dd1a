// The scree plot: how much each component explains, and how much the first of them together.
#pragma once

#include <string>
#include <vector>

#include "experiments/figures/figure.h"

namespace hadal::figures {

struct Scree {
  std::string title{};
  std::vector<double> shares{};  // of the whole, by component, each in 0..1
  std::string share_label = "variance explained (%)";
  double width = 720, height = 400;
};

/// Bars in percent on the left axis, the cumulative curve in percent on the right one.
Figure scree(Scree scree);

}  // namespace hadal::figures
