// What the residual nets have in common.
#pragma once

#include <string>

#include "core/graph.h"
#include "core/initializer.h"
#include "models/options.h"

namespace hadal::models {

/// How the identity gets across a change of size or width. He et al. 2015, section 3.3 and 4.1.
enum class Shortcut {
  kPad,               // A: every second pixel, zero channels at the end (fb.resnet.torch)
  kPadSplit,          // A: every second pixel, zero channels half before, half after
  kPadAverage,        // A: 2x2 mean, zero channels at the end (the stochastic-depth code)
  kProjection,        // B: 1x1 convolution where the width changes, the identity elsewhere
  kProjectionAlways,  // C: 1x1 convolution everywhere
};

/// Option `shortcut` with this default: A, A-split, A-average, B, C.
OptionSpec shortcut_option(const std::string& default_value);
Shortcut shortcut_of(const std::string& choice);

/// Option `init` of the convolutions: he_fan_in (the authors) or he_fan_out (fb.resnet.torch).
OptionSpec init_option();
Initializer init_of(const Options& options);

/// True when the identity alone will not do, and there is a convolution.
bool is_projected(Shortcut kind, bool same_shape);

/// `x` itself, padded, or projected by "NAME.conv" to `width` maps at 1/stride of its extent; a
/// projection is followed by "NAME.bn" when `normalize`.
Value shortcut(Graph& g, const std::string& name, Value x, int width, int stride, Shortcut kind,
               const Initializer& init, bool normalize = true);

/// Number of units n in a net of depth layers_per_unit * 3 n + 2: throws ConfigError unless `depth`
/// is such a number.
int units_per_stage(const Options& options, int layers_per_unit);

}  // namespace hadal::models
