// What a decomposition leaves in its folder, scores.npy apart:
//
//   components.npy singular_values.npy mean.npy scale.npy   see model.h
//   explained_variance.csv summary.json
//   scree.svg scree.png
//   components.png mean.png components/NNN.png               where rows are pictures
//   report.html
#pragma once

#include <filesystem>
#include <functional>

#include "launcher/decomposition/summary.h"

namespace hadal::launcher {

/// Into a folder that is there. For one rank.
void write_output(const std::filesystem::path& folder, const Decomposition& d);

/// Makes a folder whole or not at all, also where one is replaced: `fill` gets a temporary beside
/// it.
void write_result_folder(const std::filesystem::path& out, bool overwrite,
                         const std::function<void(const std::filesystem::path&)>& fill);

/// Throws ConfigError when `out` is there and may not be replaced: without `overwrite`, or when it
/// is not a folder that write_output() made.
void require_free(const std::filesystem::path& out, bool overwrite);

}  // namespace hadal::launcher
