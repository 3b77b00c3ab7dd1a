// `hadal pca transform` and `hadal pca inverse`: a saved model applied to rows, block by block, on
// any number of ranks.
#pragma once

#include <string>

#include "launcher/matrix_arguments.h"

namespace hadal::launcher {

struct ApplyOptions {
  std::string model;  // folder that `hadal pca --out` made
  MatrixArguments matrix;
  std::string out;  // .npy to write
  bool overwrite = false;
};

/// scores = ((x - mean) / scale) components^T, float32 for 8-bit and float32 rows, else float64.
int transform(const ApplyOptions& options);

/// x = (scores components) scale + mean, of the type of the scores.
int inverse(const ApplyOptions& options);

}  // namespace hadal::launcher
