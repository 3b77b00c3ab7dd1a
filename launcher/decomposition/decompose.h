// `hadal svd` and `hadal pca` from their options to their folder.
#pragma once

#include <string>

#include "launcher/arguments.h"
#include "launcher/matrix_arguments.h"

namespace hadal::launcher {

struct DecomposeOptions {
  std::string command;  // "pca": centred; "svd": as it is
  MatrixArguments matrix;
  int components = 0;  // 0: not given, like the next two
  double explained = 0, tolerance = 0;
  bool scale = false;
  int passes = 0, oversample = 10;
  bool exact = false;
  std::string precision = "float32";
  std::uint64_t seed = 1;
  int probes = 10;
  double failure_probability = 1e-6;
  bool orthonormal_u = false;
  bool scores = false, u = false;
  std::string out, checkpoint;
  bool overwrite = false, restart = false, quiet = false;
};

void declare_decomposition(Arguments& app, DecomposeOptions& options);

/// Alone or on every rank. Returns the exit code.
int decompose(const DecomposeOptions& options);

}  // namespace hadal::launcher
