// What a decomposition leaves in its folder, scores.npy apart:
//
//   components.npy singular_values.npy mean.npy scale.npy   see model.h
//   explained_variance.csv summary.json
//   scree.svg scree.png
//   components.png mean.png components/NNN.png               where rows are pictures
//   report.html
#pragma once

#include <filesystem>

#include "launcher/decomposition/summary.h"

namespace hadal::launcher {

/// Into a folder that is there. For one rank.
void write_output(const std::filesystem::path& folder, const Decomposition& d);

/// Throws ConfigError when `out` is there and may not be replaced: without `overwrite`, or when it
/// is not a folder that write_output() made.
void require_free(const std::filesystem::path& out, bool overwrite);

}  // namespace hadal::launcher
