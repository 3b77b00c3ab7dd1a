#pragma once

#include <string>

#include "core/graph.h"

namespace hadal {

/// One-vs-all squared hinge, one loss per sample:
///
///   loss[n] = sum_k max(0, margin - y[n,k] s[n,k])^2,   y = +1 for the label, -1 otherwise
///   d s[n,k] = d loss[n] * -2 y[n,k] max(0, margin - y[n,k] s[n,k])
///
/// scores s: N x K; labels: N, int32, 0..K-1; loss: N.
/// Throws ShapeError when the shapes do not fit; running it throws DataError for a label outside
/// 0..K-1.
/// Source: Tang 2013 (L2-SVM); the loss of deeply supervised nets, Lee et al. 2015.
Value squared_hinge(Graph& g, std::string name, Value scores, Value labels,
                    const SquaredHingeOp& options = {});

}  // namespace hadal
