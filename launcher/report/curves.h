// What the page's charts are drawn from: curves over epochs with the seeds of a cell as one band,
// error against depth and time, and how often gates were open.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "launcher/table.h"

namespace hadal::launcher::report {

enum class Curve {
  kTrainLoss,
  kTrainError,
  kValidationLoss,
  kValidationError,
  kTestLoss,
  kTestError
};

/// "train_loss", …
std::string name_of(Curve curve);
const std::vector<Curve>& all_curves();

/// Nats or percent after this epoch; none where it was not measured or is not finite.
std::optional<double> value_of(const EpochMetrics& epoch, Curve curve);

/// One epoch of several runs.
struct BandPoint {
  int epoch = 0;
  int n = 0;  // runs that have it
  double mean = 0, minimum = 0, maximum = 0;
};

/// Over the finished runs of the cell, epochs that none of them measured left out. What is not
/// finished would bend the mean where it stops, so it is drawn on its own.
std::vector<BandPoint> band_of(const Table& table, const Cell& cell, Curve curve);

/// `most` of them at most, evenly chosen, the first and the last among them. `most` is at least 2.
template <typename Point>
std::vector<Point> thinned(const std::vector<Point>& points, std::size_t most) {
  if (points.size() <= most) return points;
  std::vector<Point> kept;
  for (std::size_t i = 0; i < most; ++i)
    kept.push_back(points[i * (points.size() - 1) / (most - 1)]);
  return kept;
}

/// Conv and linear layers of a net in its paper's counting, from its spec: the option "depth", or
/// B 2^(C-1) for a FractalNet of B blocks and C columns. None for other nets.
std::optional<int> depth_of(const TableRun& run);

/// {"tables":[{"cells":[{"label":…,"bands":{"train_loss":[[epoch,mean,min,max,n],…],…},
///   "alone":[{"label":"seed 3 (failed)","curves":{"train_loss":[[epoch,value],…],…}}],
///   "depth":20,"series":"plain","runs":[[seconds,test error,training error],…],
///   "gates":{"names":[…],"survival":[…],"open":[…],"steps":…}}]}]}
/// Points of one run are [epoch,value]. Long curves are thinned so that the whole stays small.
/// Safe inside a <script>: no '<', '>' or '&' is left in it.
std::string curves_json(const std::vector<Table>& tables);

}  // namespace hadal::launcher::report
