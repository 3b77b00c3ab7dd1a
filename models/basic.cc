// The smallest convolutional net worth the name: INPUT - CONV - RELU - POOL - FC.
#include "core/layers/activation.h"
#include "core/layers/conv2d.h"
#include "core/layers/linear.h"
#include "core/layers/pool.h"
#include "models/frame.h"
#include "models/registry.h"

namespace hadal::models {

namespace {

Model build_basic(const Options& options, const InputSpec& input) {
  Model model = begin(input);
  Graph& g = model.graph;
  Value x = conv2d(g, "conv", model.image,
                   {.out = options.integer("filters"), .kernel = 3, .bias = true});
  x = max_pool(g, "pool", relu(g, "relu", x), {.window = 2});
  end_with_softmax(model, linear(g, "fc", x, {.out = input.classes}));
  return model;
}

}  // namespace

Family basic_family() {
  return {.name = "basic",
          .summary =
              "CONV of 12 filters 3x3, RELU, POOL 2x2, FC; on 32x32: 32x32x12, 16x16x12, "
              "1x1x10 (the lecture's overview net)",
          .options = {{.name = "filters",
                       .default_value = "12",
                       .meaning = "maps of the convolution",
                       .low = 1}},
          .example = "filters=12",
          .build = build_basic};
}

}  // namespace hadal::models
