#include "models/residual.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/layers/batch_norm.h"
#include "core/layers/conv2d.h"
#include "core/layers/pad_shortcut.h"

namespace hadal::models {

OptionSpec shortcut_option(const std::string& default_value) {
  return {.name = "shortcut",
          .kind = OptionKind::kChoice,
          .default_value = default_value,
          .meaning =
              "where the shape changes: zero channels after picking every second pixel (A), "
              "the same with zeros on both sides (A-split), after a 2x2 mean (A-average), a "
              "1x1 convolution (B), a 1x1 convolution in every block (C)",
          .choices = {"A", "A-split", "A-average", "B", "C"}};
}

Shortcut shortcut_of(const std::string& choice) {
  if (choice == "A") return Shortcut::kPad;
  if (choice == "A-split") return Shortcut::kPadSplit;
  if (choice == "A-average") return Shortcut::kPadAverage;
  HADAL_CHECK(choice == "B" || choice == "C");
  return choice == "B" ? Shortcut::kProjection : Shortcut::kProjectionAlways;
}

OptionSpec init_option() {
  return {.name = "init",
          .kind = OptionKind::kChoice,
          .default_value = "he_fan_in",
          .meaning =
              "convolution weights: N(0, 2/fan_in) as He et al., or N(0, 2/fan_out) as "
              "fb.resnet.torch",
          .choices = {"he_fan_in", "he_fan_out"}};
}

Initializer init_of(const Options& options) {
  return options.choice("init") == "he_fan_in" ? Initializer::he_fan_in()
                                               : Initializer::he_fan_out();
}

bool is_projected(Shortcut kind, bool same_shape) {
  return kind == Shortcut::kProjectionAlways || (kind == Shortcut::kProjection && !same_shape);
}

Value shortcut(Graph& g, const std::string& name, Value x, int width, int stride, Shortcut kind,
               const Initializer& init, bool normalize) {
  const bool same_shape = stride == 1 && g.shape(x).c() == width;
  if (is_projected(kind, same_shape)) {
    x = conv2d(g, name + ".conv", x,
               {.out = width, .kernel = 1, .stride = stride, .initializer = init});
    return normalize ? batch_norm(g, name + ".bn", x) : x;
  }
  if (same_shape) return x;
  return pad_shortcut(
      g, name, x,
      {.out = width,
       .stride = stride,
       .subsampling = kind == Shortcut::kPadAverage ? Subsampling::kAverage : Subsampling::kPick,
       .channels = kind == Shortcut::kPadSplit ? ChannelPadding::kSplit : ChannelPadding::kEnd});
}

int units_per_stage(const Options& options, int layers_per_unit) {
  const int depth = options.integer("depth"), period = 3 * layers_per_unit;
  if (depth < period + 2 || (depth - 2) % period != 0) {
    const int below = (depth - 2) / period * period + 2;
    options.refuse("depth",
                   fmt::format("wanted {}n+2, for example {} or {}", period,
                               std::max(below, period + 2), std::max(below, period + 2) + period));
  }
  return (depth - 2) / period;
}

}  // namespace hadal::models
