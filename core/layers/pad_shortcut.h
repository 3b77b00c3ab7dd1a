#pragma once

#include <string>

#include "core/graph.h"

namespace hadal {

/// Shortcut A of residual nets, without parameters: sub-samples by `stride` and adds zero channels.
///
///   kPick:    y[n,h,w,before+c] = x[n, h*stride, w*stride, c]
///   kAverage: y[n,h,w,before+c] = mean of x[n,:,:,c] over the stride x stride window at
///             (h*stride, w*stride), of the cells inside x where the window hangs over
///   before = 0 (kEnd) or (out - C) / 2 rounded down (kSplit); zeros in all other channels
///
/// x: N x H x W x C; y: N x ceil(H/stride) x ceil(W/stride) x out.
/// Throws ShapeError unless x has four dimensions and at most `out` channels, ConfigError when
/// stride is less than one.
/// Source: He et al. 2015, 3.3 option A. Papers and codes differ in how it is built: picking with
/// zeros at the end is fb.resnet.torch; averaging with zeros at the end, the stochastic-depth code;
/// zeros half before and half after, common re-implementations of the CIFAR nets.
Value pad_shortcut(Graph& g, std::string name, Value x, const PadShortcutOp& options);

}  // namespace hadal
