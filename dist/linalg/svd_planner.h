// Which way an SVD goes and what it will cost. The choice is a function of the matrix' shape and
// the options alone, with the same figures on every machine: no bit of a result may depend on how
// fast or how large a machine is. How long it will take is another matter, and measured.
#pragma once

#include "core/matrix/row_source.h"
#include "dist/communicator.h"
#include "dist/linalg/svd.h"

namespace hadal::dist {

/// Throws ConfigError for options that contradict each other or the shape.
SvdPlan plan_svd(const matrix::RowSource& a, const SvdOptions& options);

/// Seconds from a few milliseconds of the plan's kernels on this machine; collective, the slowest
/// rank counts.
double predicted_seconds(Communicator& comm, const matrix::RowSource& a, const SvdOptions& options,
                         const SvdPlan& plan);

/// Whether the Gram matrix costs less than the passes that a flat spectrum still wants after two.
bool gram_beats_patience(const matrix::RowSource& a, const SvdOptions& options,
                         const SvdPlan& plan);

/// The longest basis the Krylov way builds, in blocks.
inline constexpr int kMostKrylovPasses = 12;

}  // namespace hadal::dist
