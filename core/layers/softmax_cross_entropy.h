#pragma once

#include <string>

#include "core/graph.h"

namespace hadal {

/// One loss per sample from logits:
///
///   loss[n] = -sum_k t[n,k] log softmax(x)[n,k],   t = (1 - s) onehot(label[n]) + s / K
///   d x[n,k] = d loss[n] (softmax(x)[n,k] - t[n,k])
///
/// with s = label_smoothing in [0, 1). log softmax is computed as x - max - log sum e^(x - max), so
/// logits of any size are safe. logits: N x K; labels: N, int32, 0..K-1; loss: N, in nats.
/// Throws ShapeError when the shapes do not fit, ConfigError for a smoothing outside [0, 1);
/// running it throws DataError for a label outside 0..K-1. Source of the smoothing: Szegedy et al.
/// 2015, section 7.
Value softmax_cross_entropy(Graph& g, std::string name, Value logits, Value labels,
                            const SoftmaxCrossEntropyOp& options = {});

}  // namespace hadal
