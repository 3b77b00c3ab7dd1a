#pragma once

#include <string>

#include "core/graph.h"

namespace hadal {

struct DropoutOptions {
  double rate = 0.5;        // of elements set to zero
  bool per_sample = false;  // a sample is dropped whole
};

/// Inverted dropout.
///
///   y = x * m / (1 - rate) in training, y = x at inference
///   m = [random::uniform({seed, Purpose::kDropout, step, id}, sample * E + e) >= rate]
///
/// with the comparison in float, `sample` the place in the global batch, e < E the element of the
/// sample in NHWC order and id the lower 32 bits of hash64(name): the mask of an element does not
/// depend on ranks, shards, or what other layers there are. per_sample: draw `sample` decides for
/// all elements of it. x, y: any shape.
/// Throws ConfigError unless 0 <= rate < 1.
/// Source: Srivastava et al. 2014; scaled in training as Caffe and Keras do.
Value dropout(Graph& g, std::string name, Value x, const DropoutOptions& options = {});

}  // namespace hadal
