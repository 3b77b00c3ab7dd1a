// Judges a backend against the reference backend, one layer at a time, over a table of awkward
// shapes.
#pragma once

#include <vector>

#include "tests/core/layer_case.h"

namespace hadal::test {

/// A layer and shapes that every backend must get right. The name is made of letters, digits and
/// underscores, so it can name a test.
using KernelCase = LayerCase;

/// Every operation: odd sizes, batch 1, stride, dilation, groups, padding on one side, channel
/// counts on both sides of the vector widths, training and inference, closed gates.
std::vector<KernelCase> kernel_cases();

/// Runs the case in float32 on the candidate and in double on the reference, from the same
/// (float32) numbers, and expects for every result of n-term sums
///
///   |found - wanted| <= 16 * 1.2e-7 * (1 + sqrt(n)) * largest |wanted| of the tensor
///
/// (rounding errors of n additions grow like sqrt(n); the 16 leaves room for Winograd's
/// transforms). n is the case's `terms`, or what the layer's macs() imply, for out and d_in; the
/// elements of the output behind one channel as well for d_parameters and statistics. Expects the
/// same when the candidate chooses its layouts, works in place, adds to d_in, finds NaN in all that
/// backward does not declare to read, or is not asked for some gradient; and that no guard zone is
/// written.
void judge(Backend& candidate, const KernelCase& kernel_case);

}  // namespace hadal::test
