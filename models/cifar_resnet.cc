// Plain and residual nets for 32x32 images (He et al. 2015, section 4.2): a 3x3 convolution, three
// stages of n pairs of 3x3 convolutions with 16, 32 and 64 maps, global average pooling, FC; 6n+2
// weighted layers. BN after every convolution, the second ReLU of a block after its addition.
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

/// One of the 3x3 convolutions with its BN, "NAME.convI" and "NAME.bnI".
Value conv_bn(Graph& g, const std::string& name, int index, Value x, int width, int stride,
              const Initializer& init) {
  x = conv2d(g, fmt::format("{}conv{}", name, index), x,
             {.out = width, .kernel = 3, .stride = stride, .initializer = init});
  return batch_norm(g, fmt::format("{}bn{}", name, index), x);
}

Value stem(Graph& g, Value image, int width, const Initializer& init) {
  return relu(g, "relu1", conv_bn(g, "", 1, image, width, 1, init));
}

void finish(Model& model, Value x, int classes) {
  end_with_softmax(model, linear(model.graph, "fc", global_average_pool(model.graph, "pool", x),
                                 {.out = classes}));
}

std::vector<OptionSpec> cifar_options(const std::string& depths) {
  return {{.name = "depth",
           .default_value = "20",
           .meaning = "weighted layers, 6n+2: " + depths,
           .low = 8,
           .high = 100000},
          {.name = "width",
           .default_value = "16",
           .meaning = "maps of the first stage; doubled with each stage",
           .low = 1,
           .high = 4096},
          init_option()};
}

Model build_plain(const Options& options, const InputSpec& input) {
  const int n = units_per_stage(options, 2);
  const Initializer init = init_of(options);
  Model model = begin(input);
  Graph& g = model.graph;
  int width = options.integer("width");
  Value x = stem(g, model.image, width, init);
  for (int stage = 1; stage <= 3; ++stage, width *= 2) {
    for (int i = 1; i <= 2 * n; ++i) {
      const std::string name = fmt::format("stage{}.", stage);
      const int stride = stage > 1 && i == 1 ? 2 : 1;
      x = relu(g, fmt::format("{}relu{}", name, i), conv_bn(g, name, i, x, width, stride, init));
    }
  }
  finish(model, x, input.classes);
  return model;
}

Model build_resnet(const Options& options, const InputSpec& input) {
  const int n = units_per_stage(options, 2);
  const Initializer init = init_of(options);
  const Shortcut kind = shortcut_of(options.choice("shortcut"));
  StochasticDepth depth(options, 3 * n);
  Model model = begin(input);
  Graph& g = model.graph;
  int width = options.integer("width");
  Value x = stem(g, model.image, width, init);
  for (int stage = 1; stage <= 3; ++stage, width *= 2) {
    for (int block = 1; block <= n; ++block) {
      const std::string name = fmt::format("stage{}.block{}.", stage, block);
      const int stride = stage > 1 && block == 1 ? 2 : 1;
      Value y = relu(g, name + "relu1", conv_bn(g, name, 1, x, width, stride, init));
      y = conv_bn(g, name, 2, y, width, 1, init);
      const Value identity = shortcut(g, name + "shortcut", x, width, stride, kind, init);
      x = relu(g, name + "relu2", depth.add(g, name, identity, y));
    }
  }
  finish(model, x, input.classes);
  model.gates = StochasticDepth::sampler(g);
  return model;
}

}  // namespace

Family plain_family() {
  return {.name = "plain",
          .summary = "CIFAR nets without shortcuts, the control of residual nets (He et al. 2015)",
          .options = cifar_options("20, 32, 44, 56, 110"),
          .example = "depth=56",
          .build = build_plain};
}

Family resnet_family() {
  return {.name = "resnet",
          .summary =
              "CIFAR residual nets (He et al. 2015), with stochastic depth (Huang et al. "
              "2016) when survival < 1",
          .options = cifar_options("20, 32, 44, 56, 110, 1202") +
                     std::vector{shortcut_option("A")} + StochasticDepth::options(),
          .example = "depth=110 survival=0.5 shortcut=A-average",
          .build = build_resnet};
}

}  // namespace hadal::models
