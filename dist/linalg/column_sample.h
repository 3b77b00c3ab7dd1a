// What a few groups of the long side tell of the short side's columns: where sums may begin to be
// rounded before all of the matrix was read.
#pragma once

#include <vector>

#include "dist/communicator.h"
#include "dist/linalg/row_pass.h"

namespace hadal::dist {

/// Over the rows of T that were looked at, in float64.
struct ColumnSample {
  double seen = 0;                  // rows
  std::vector<double> sum, square;  // by column; no sums where A lies along its columns
};

/// Collective. The groups depend on the shape alone and are summed in order: the same bits on any
/// ranks.
ColumnSample sample_columns(Communicator& comm, RowPass& pass, int groups, matrix::Element element,
                            Along along);

}  // namespace hadal::dist
