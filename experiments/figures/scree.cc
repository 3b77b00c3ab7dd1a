#include "experiments/figures/scree.h"

#include <algorithm>

#include "experiments/figures/axes.h"

namespace hadal::figures {
namespace {

void draw(Pen& pen, const Scree& scree) {
  const std::size_t k = scree.shares.size();
  std::vector<double> percent{0}, cumulative;
  for (const double share : scree.shares) {
    percent.push_back(100 * share);
    cumulative.push_back((cumulative.empty() ? 0 : cumulative.back()) + 100 * share);
  }
  const Axis of_share{.label = scree.share_label, .minimum = 0};
  const Axis of_sum{.label = "cumulative (%)", .minimum = 0, .maximum = 100};
  const Axis of_component{
      .label = "component", .minimum = 0.5, .maximum = static_cast<double>(k) + 0.5};
  Scale share(of_share, percent), sum(of_sum, {}), component(of_component, {});
  const double top = draw_title(pen, scree.width, scree.title) + 4;
  Area area{.top = top, .height = scree.height - top - kXAxisRoom};
  area.left = y_axis_room(pen, of_share, share, area.height);
  area.width = scree.width - area.left - y_axis_room(pen, of_sum, sum, area.height) - 4;
  draw_x_axis(pen, area, of_component, component);
  draw_y_axis(pen, area, of_share, share);
  draw_y_axis(pen, area, of_sum, sum, true);

  const double pitch = area.width / static_cast<double>(std::max<std::size_t>(k, 1));
  const double bar = pitch > 3 ? 0.8 * pitch : pitch;
  std::vector<Point> curve;
  for (std::size_t i = 0; i < k; ++i) {
    const double x = component(static_cast<double>(i + 1)), y = share(percent[i + 1]);
    pen.rectangle(x - bar / 2, y, bar, area.top + area.height - y, series_colour(0));
    curve.push_back({x, sum(cumulative[i])});
  }
  pen.polyline(curve, {.colour = series_colour(1), .width = 2});
  if (k <= 60)
    for (const Point& p : curve) pen.marker(p, 2.6, 0, series_colour(1));
}

}  // namespace

Figure scree(Scree scree) {
  const double width = scree.width, height = scree.height;
  return {width, height, [scree = std::move(scree)](Pen& pen) { draw(pen, scree); }};
}

}  // namespace hadal::figures
