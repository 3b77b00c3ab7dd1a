// From a sweep to its runs: every row at every combination of the axes and every draw of the random
// ones with every seed, each a resolved experiment, those that are the same only once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "experiments/spec/resolve.h"

#include "experiments/spec/experiment.pb.h"
#include "experiments/spec/sweep.pb.h"

namespace hadal::spec {

/// More runs than this are taken for a mistake.
inline constexpr std::size_t kMaxRuns = 10000;

struct Label {
  std::string axis;   // last part of the axis' key: "depth"; "row", "column", "seed"
  std::string value;  // "20"; a point's name
};

struct SweepRun {
  std::string name;  // letters, digits, "._+-" only: "ResNet_depth-20_C10+_seed-1"
  std::vector<Label> labels;
  std::int64_t seed = 0;
  ExperimentSpec spec;  // resolved
  std::string hash;
  std::optional<std::uint64_t> draw;  // of the random axes
};

/// One place of the table.
struct SweepCell {
  std::string row;                // the row's name and the labels of axes that are not columns
  std::string column;             // "" where there is one column
  std::vector<std::size_t> runs;  // into SweepPlan::runs, in order of seed
};

struct SweepPlan {
  std::vector<SweepRun> runs;    // no two of the same hash; in order of rows, axes, seeds
  std::vector<SweepCell> cells;  // in order of first appearance
  std::vector<Expect> expect;    // rows and columns filled in
};

/// Expands a loaded sweep. Bases are read relative to `folder`; `file` is quoted in errors;
/// `complete` is given every run. Where an experiment leaves logical_shards to the ranks, the
/// sweep's ranks are written there, so that the hash says what was run.
///
/// Throws ConfigError, IoError: a base or an override that is wrong (with row and column), two rows
/// of the same name and column, ranks that do not divide the shards, an `expect` that belongs to
/// no cell, random axes that make no sense or have too few values, no runs at all or more than
/// kMaxRuns.
///
/// `draws` names the draws of the random axes that are run; without it they are the first `samples`
/// that differ and are not skipped.
SweepPlan expand(const SweepSpec& sweep, const std::filesystem::path& folder,
                 const std::string& file, const Complete& complete = {},
                 const std::optional<std::vector<std::uint64_t>>& draws = {});

/// Those of the draws [first, first + count) that are not skipped in the first row.
std::vector<std::uint64_t> admitted_draws(const SweepSpec& sweep,
                                          const std::filesystem::path& folder,
                                          const std::string& file, std::uint64_t first,
                                          std::uint64_t count);

/// load_sweep() and expand() in one.
SweepPlan load_plan(const std::filesystem::path& path, const Complete& complete = {});

/// "model.depth>=1202": true when it holds for the resolved spec. = and != compare text (numbers as
/// numbers), the others numbers. An option that is not set equals nothing. Throws ConfigError.
bool holds(const ExperimentSpec& spec, const std::string& condition);

}  // namespace hadal::spec
