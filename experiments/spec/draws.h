// The random axes of a sweep: what is drawn for them, as a function of the sweep's seed alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "experiments/spec/sweep.pb.h"

namespace hadal::spec {

/// A value for every random axis of the sweep, in their order, as set_field() reads it.
using Draw = std::vector<std::string>;

/// Throws ConfigError: bounds in the wrong order or not positive where a logarithm is taken, a
/// choice without values, values where there is a range, a key that is there twice.
void check_random_axes(const SweepSpec& sweep, const std::string& file);

/// Draw number `index`: a pure function of (sample_seed, index) and each axis. An axis added,
/// removed or moved leaves the values of the others as they were.
Draw draw(const SweepSpec& sweep, std::uint64_t index);

/// The draw as a point for a model of the results: numbers from their range (logarithms where they
/// are drawn so) to [0, 1], a choice of k values as k numbers of which one is 1.
std::vector<double> coordinates(const SweepSpec& sweep, const Draw& draw);

}  // namespace hadal::spec
