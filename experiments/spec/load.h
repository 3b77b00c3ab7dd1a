// Spec files: the one way from a path to a checked spec.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/spec/resolve.h"

#include "experiments/spec/experiment.pb.h"
#include "experiments/spec/layout.pb.h"
#include "experiments/spec/sweep.pb.h"

namespace hadal::spec {

/// What a file says, without defaults or checks of values. Throws IoError, and ConfigError as
/// parse_text() does.
ExperimentSpec read_experiment(const std::filesystem::path& path);

/// Reads, applies `overrides` ("optimizer.learning_rate=0.05", "model.depth=20"), resolves. Throws
/// ConfigError with one line per error, beginning with "file:line:column: " where the file has the
/// field, "file: " where it lacks it, and "--set ...: " for overrides.
ExperimentSpec load_experiment(const std::filesystem::path& path,
                               const std::vector<std::string>& overrides = {},
                               const Complete& complete = {});

/// The same for text already in memory; `file` is only quoted.
ExperimentSpec experiment_from_text(std::string_view text, const std::string& file,
                                    const std::vector<std::string>& overrides = {},
                                    const Complete& complete = {});

/// Whether the file is a sweep rather than an experiment; false for what is neither. Throws
/// IoError.
bool is_sweep(const std::filesystem::path& path);

/// A sweep with its own defaults filled and its own fields checked; expand() does the runs.
SweepSpec load_sweep(const std::filesystem::path& path);
SweepSpec sweep_from_text(std::string_view text, const std::string& file);

/// A layout with its defaults filled and its fields checked; its lists are the caller's to match.
LayoutSpec layout_from_text(std::string_view text, const std::string& file);

}  // namespace hadal::spec
