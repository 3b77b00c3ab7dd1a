// VGG (Simonyan & Zisserman 2015): stacks of 3x3 convolutions, a 2x2 maximum after each of five
// stages, three fully connected layers.
//
// form=imagenet is table 1 of the paper: FC 4096, FC 4096, FC classes. form=cifar has the same
// convolutions for images of 32x32, which leave them as 1x1x512, and FC 512, FC 512, FC classes.
// The paper prints a variance of 1e-2 for its Gaussian weights, which is a deviation of 0.1; many
// codes use a deviation of 0.01. The paper's authors later found Glorot's values make initialising
// from a shallower net unnecessary (section 3.1): the default here.
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/layers/activation.h"
#include "core/layers/batch_norm.h"
#include "core/layers/conv2d.h"
#include "core/layers/dropout.h"
#include "core/layers/linear.h"
#include "core/layers/lrn.h"
#include "core/layers/pool.h"
#include "models/frame.h"
#include "models/registry.h"

namespace hadal::models {

namespace {

// Kernel extents of the convolutions of each stage.
using Stages = std::vector<std::vector<int>>;

const std::map<std::string, Stages> kNets = {
    {"A", {{3}, {3}, {3, 3}, {3, 3}, {3, 3}}},
    {"A-LRN", {{3}, {3}, {3, 3}, {3, 3}, {3, 3}}},
    {"B", {{3, 3}, {3, 3}, {3, 3}, {3, 3}, {3, 3}}},
    {"C", {{3, 3}, {3, 3}, {3, 3, 1}, {3, 3, 1}, {3, 3, 1}}},
    {"D", {{3, 3}, {3, 3}, {3, 3, 3}, {3, 3, 3}, {3, 3, 3}}},
    {"E", {{3, 3}, {3, 3}, {3, 3, 3, 3}, {3, 3, 3, 3}, {3, 3, 3, 3}}},
};
constexpr int kWidths[] = {64, 128, 256, 512, 512};

Initializer initializer_of(const Options& options) {
  const std::string& kind = options.choice("init");
  if (kind == "gaussian") return Initializer::gaussian(options.real("deviation"));
  return kind == "glorot" ? Initializer::glorot_uniform() : Initializer::he_fan_in();
}

Model build_vgg(const Options& options, const InputSpec& input) {
  if (input.height < 32 || input.width < 32)
    throw ConfigError(fmt::format("model vgg: images are {}x{}; five poolings want 32x32 or more",
                                  input.height, input.width));
  const std::string& net = options.choice("net");
  const Initializer init = initializer_of(options);
  const bool normalize = options.flag("batch_norm");
  const int units = options.choice("form") == "imagenet" ? 4096 : 512;

  Model model = begin(input);
  Graph& g = model.graph;
  Value x = model.image;
  const Stages& stages = kNets.at(net);
  for (std::size_t s = 0; s < stages.size(); ++s) {
    for (std::size_t i = 0; i < stages[s].size(); ++i) {
      const std::string index = fmt::format("{}_{}", s + 1, i + 1);
      x = conv2d(g, "conv" + index, x,
                 {.out = kWidths[s], .kernel = stages[s][i], .bias = true, .initializer = init});
      if (normalize) x = batch_norm(g, "bn" + index, x);
      x = relu(g, "relu" + index, x);
      if (net == "A-LRN" && s == 0) x = lrn(g, "lrn" + index, x);
    }
    x = max_pool(g, fmt::format("pool{}", s + 1), x, {.window = 2});
  }
  for (const std::string index : {"6", "7"}) {
    x = relu(g, "relu" + index, linear(g, "fc" + index, x, {.out = units, .initializer = init}));
    if (options.real("dropout") > 0)
      x = dropout(g, "dropout" + index, x, {.rate = options.real("dropout")});
  }
  end_with_softmax(model, linear(g, "fc8", x, {.out = input.classes, .initializer = init}));
  return model;
}

}  // namespace

Family vgg_family() {
  return {.name = "vgg",
          .summary = "VGG A, A-LRN, B, C, D, E (Simonyan & Zisserman 2015), for ImageNet and 32x32",
          .options = {{.name = "net",
                       .kind = OptionKind::kChoice,
                       .default_value = "D",
                       .meaning = "column of table 1: 11, 11, 13, 16, 16, 19 weight layers",
                       .choices = {"A", "A-LRN", "B", "C", "D", "E"}},
                      {.name = "form",
                       .kind = OptionKind::kChoice,
                       .default_value = "imagenet",
                       .meaning = "hidden fully connected layers of 4096 units (imagenet) or 512 "
                                  "(cifar)",
                       .choices = {"imagenet", "cifar"}},
                      {.name = "batch_norm",
                       .kind = OptionKind::kBool,
                       .default_value = "false",
                       .meaning = "after every convolution; not in the paper"},
                      {.name = "dropout",
                       .kind = OptionKind::kReal,
                       .default_value = "0.5",
                       .meaning = "rate after the first two fully connected layers",
                       .high = 0.99},
                      {.name = "init",
                       .kind = OptionKind::kChoice,
                       .default_value = "glorot",
                       .meaning = "weights: Glorot uniform, He by fan-in, or Gaussian",
                       .choices = {"glorot", "he_fan_in", "gaussian"}},
                      {.name = "deviation",
                       .kind = OptionKind::kReal,
                       .default_value = "0.1",
                       .meaning = "of Gaussian weights; the paper prints a variance of 0.01",
                       .high = 1}},
          .example = "net=D form=imagenet",
          .build = build_vgg};
}

}  // namespace hadal::models
