#pragma once

#include <string>

#include "core/graph.h"

namespace hadal {

struct RbfOptions {
  int classes = 10;
  Initializer initializer = Initializer::code();
};

/// LeNet-5's output units as scores, higher is better (the paper's y is the distance itself):
///
///   y[n,k] = -sum_j (x[n,j] - w[k,j])^2
///
/// x: N x J. y: N x classes. Parameter: weight, classes x J, fixed. The codes of rbf_codes.h are 10
/// x 84.
/// Throws ConfigError unless classes is positive, ShapeError unless x has two dimensions, and 84
/// elements per sample and 10 classes when the weight is to be the codes.
/// Source: LeCun et al. 1998, equation (7).
Value rbf(Graph& g, std::string name, Value x, const RbfOptions& options = {});

struct RbfLossOptions {
  bool discriminative = true;
  double margin = 1.0;  // j; positive. The paper gives no value.
};

/// LeNet-5's criterion on the scores s of rbf():
///
///   loss[n] = -s[n, label]                                               equation (8), or
///   loss[n] = -s[n, label] + log(exp(-margin) + sum_k exp(s[n,k]))       equation (9),
///   discriminative
///
/// scores: N x K; labels: N, int32, 0..K-1. loss: N.
/// Throws ShapeError unless scores are N x K and labels N.
/// Source: LeCun et al. 1998, II-C.
Value rbf_loss(Graph& g, std::string name, Value scores, Value labels,
               const RbfLossOptions& options = {});

}  // namespace hadal
