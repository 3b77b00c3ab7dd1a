// Judges a layer's meaning on the reference backend, in double: its gradients and everything it
// promises to the planner.
#pragma once

#include "tests/core/layer_case.h"

namespace hadal::test {

/// Expects of a layer:
///
/// 1. every d_in and d_parameter is the derivative of sum(d_out * out), d_out random, by central
///    differences with step h = 1e-5. A parameter gradient that was not written counts as zero, and
///    is right only when an input is closed. Tolerance per element:
///      1e-6 * (largest derivative of the tensor)   truncation, h^2 / 6 * f''', f''' / f' up to 6e4
///      + 64 * 2.2e-16 * sum |d_out * out| / h      rounding of the two sums
/// 2. the same bits when out is in[0] and when d_in[0] is d_out, where the layer says they may be;
/// 3. nothing outside the outputs is written, the guard zones included;
/// 4. the same gradients when all that backward does not say it reads is NaN;
/// 5. the same gradients when others are not wanted.
void check_layer(const LayerCase& layer_case);

}  // namespace hadal::test
