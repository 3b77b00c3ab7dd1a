// Curves over epochs: the seeds of a cell as one band, and what the page needs to draw them.
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

/// {"tables":[{"cells":[{"label":…,"bands":{"train_loss":[[epoch,mean,min,max,n],…],…},
///   "alone":[{"label":"seed 3 (failed)","curves":{"train_loss":[[epoch,value],…],…}}]}]}]}
/// Safe inside a <script>: no '<', '>' or '&' is left in it.
std::string curves_json(const std::vector<Table>& tables);

}  // namespace hadal::launcher::report
