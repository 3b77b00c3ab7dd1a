// Residual nets with pre-activation (He et al. 2016, Identity Mappings), for 32x32 images: a unit
// is x + F(x), F = BN-ReLU-conv repeated, and nothing follows the addition.
//
// The first unit takes the activation after the first convolution into both of its branches, and
// after the last unit there is one more BN-ReLU (the paper's appendix). Where the width changes,
// the shortcut starts from the pre-activation too.
#include <string>

#include <fmt/format.h>

#include "core/layers/activation.h"
#include "core/layers/batch_norm.h"
#include "core/layers/conv2d.h"
#include "core/layers/linear.h"
#include "core/layers/pool.h"
#include "models/frame.h"
#include "models/registry.h"
#include "models/residual.h"
#include "models/stochastic_depth.h"

namespace hadal::models {

namespace {

struct Unit {
  std::string name;  // "stage1.unit1."
  int width;         // of the 3x3 convolutions
  int stride;
  bool bottleneck;
  bool first;  // of the net
  Shortcut shortcut;
  Initializer init;
};

Value pre_activation(Graph& g, const std::string& name, int index, Value x) {
  return relu(g, fmt::format("{}relu{}", name, index),
              batch_norm(g, fmt::format("{}bn{}", name, index), x));
}

Value unit(Graph& g, Value x, const Unit& u, StochasticDepth& depth) {
  const int out = u.bottleneck ? 4 * u.width : u.width;
  const bool same_shape = u.stride == 1 && g.shape(x).c() == out;
  const Value activated = u.first ? x : pre_activation(g, u.name, 1, x);
  const auto conv = [&](int index, Value y, int maps, int kernel, int stride) {
    return conv2d(g, fmt::format("{}conv{}", u.name, index), y,
                  {.out = maps, .kernel = kernel, .stride = stride, .initializer = u.init});
  };
  Value y;
  if (u.bottleneck) {
    y = conv(1, activated, u.width, 1, u.stride);
    y = conv(2, pre_activation(g, u.name, 2, y), u.width, 3, 1);
    y = conv(3, pre_activation(g, u.name, 3, y), out, 1, 1);
  } else {
    y = conv(1, activated, u.width, 3, u.stride);
    y = conv(2, pre_activation(g, u.name, 2, y), out, 3, 1);
  }
  const Value identity = shortcut(g, u.name + "shortcut", same_shape ? x : activated, out, u.stride,
                                  u.shortcut, u.init, /*normalize=*/false);
  return depth.add(g, u.name, identity, y);
}

Model build_preact_resnet(const Options& options, const InputSpec& input) {
  const bool bottleneck = options.choice("block") == "bottleneck";
  const int n = units_per_stage(options, bottleneck ? 3 : 2);
  const std::string& choice = options.choice("shortcut");
  const Shortcut kind = shortcut_of(choice != "paper" ? choice : bottleneck ? "B" : "A");
  const Initializer init = init_of(options);
  StochasticDepth depth(options, 3 * n);

  Model model = begin(input);
  Graph& g = model.graph;
  int width = options.integer("width");
  Value x = conv2d(g, "conv1", model.image, {.out = width, .kernel = 3, .initializer = init});
  x = pre_activation(g, "", 1, x);
  for (int stage = 1; stage <= 3; ++stage, width *= 2) {
    for (int i = 1; i <= n; ++i) {
      const Unit u{.name = fmt::format("stage{}.unit{}.", stage, i),
                   .width = width,
                   .stride = stage > 1 && i == 1 ? 2 : 1,
                   .bottleneck = bottleneck,
                   .first = stage == 1 && i == 1,
                   .shortcut = kind,
                   .init = init};
      x = unit(g, x, u, depth);
    }
  }
  x = global_average_pool(g, "pool", pre_activation(g, "", 2, x));
  end_with_softmax(model, linear(g, "fc", x, {.out = input.classes}));
  model.gates = StochasticDepth::sampler(g);
  return model;
}

std::vector<OptionSpec> preact_options() {
  OptionSpec shortcut = shortcut_option("paper");
  shortcut.choices.insert(shortcut.choices.begin(), "paper");
  shortcut.meaning = "paper: B with bottleneck, A with basic; else " + shortcut.meaning;
  return std::vector<OptionSpec>{
             {.name = "depth",
              .default_value = "110",
              .meaning = "weighted layers, 6n+2 (basic: 110) or 9n+2 (bottleneck: 164, 1001)",
              .low = 8,
              .high = 100000},
             {.name = "block",
              .kind = OptionKind::kChoice,
              .default_value = "basic",
              .meaning = "two 3x3 convolutions, or 1x1, 3x3 and 1x1 with four times the maps",
              .choices = {"basic", "bottleneck"}},
             {.name = "width",
              .default_value = "16",
              .meaning = "maps of the 3x3 convolutions of the first stage; doubled with each stage",
              .low = 1,
              .high = 4096},
             init_option(),
             shortcut} +
         StochasticDepth::options();
}

}  // namespace

Family preact_resnet_family() {
  return {.name = "preact_resnet",
          .summary =
              "CIFAR residual nets with pre-activation (He et al. 2016), with stochastic "
              "depth when survival < 1",
          .options = preact_options(),
          .example = "depth=164 block=bottleneck",
          .build = build_preact_resnet};
}

}  // namespace hadal::models
