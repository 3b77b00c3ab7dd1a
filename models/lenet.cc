// LeNet-5 in three forms.
//
// 1998: LeCun et al., Proc. IEEE 1998, section II-B: trainable subsampling, C3 by the paper's
// table, 1.7159 tanh(2x/3) after every layer up to F6, RBF outputs with fixed codes, criterion (9).
// 60,000 trainable parameters. The paper's images are 32x32 with background -0.1, so pad the data;
// images of 28x28 get two rows and columns of zeros around them, which is another grey than theirs.
//
// modern: dense C3, max pooling, ReLU, softmax; 61,706 parameters.
//
// caffe: the example net of Caffe, 28x28 without padding; 431,080 parameters.
#include <vector>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/layers/activation.h"
#include "core/layers/conv2d.h"
#include "core/layers/linear.h"
#include "core/layers/partial_conv2d.h"
#include "core/layers/pool.h"
#include "core/layers/rbf.h"
#include "core/layers/subsample.h"
#include "models/frame.h"
#include "models/registry.h"

namespace hadal::models {

namespace {

// LeCun et al. 1998, table I: the maps of S2 that each map of C3 sees.
const std::vector<std::vector<int>> kC3 = {
    {0, 1, 2},    {1, 2, 3},    {2, 3, 4},    {3, 4, 5},         {0, 4, 5},    {0, 1, 5},
    {0, 1, 2, 3}, {1, 2, 3, 4}, {2, 3, 4, 5}, {0, 3, 4, 5},      {0, 1, 4, 5}, {0, 1, 2, 5},
    {0, 1, 3, 4}, {1, 2, 4, 5}, {0, 2, 3, 5}, {0, 1, 2, 3, 4, 5}};

Padding border_to_32(const InputSpec& input) {
  if (input.height == 32 && input.width == 32) return {};
  if (input.height == 28 && input.width == 28) return {2, 2, 2, 2};
  throw ConfigError(fmt::format("model lenet5: images are {}x{}; wanted 32x32 or 28x28",
                                input.height, input.width));
}

Conv2dOptions conv_5x5(int maps) {
  return {.out = maps,
          .kernel = 5,
          .padding = PaddingRule::kValid,
          .bias = true,
          .initializer = Initializer::fan_in_uniform(2.4)};
}

Model build_1998(const InputSpec& input) {
  Model model = begin(input);
  Graph& g = model.graph;
  Conv2dOptions c1 = conv_5x5(6);
  c1.padding = border_to_32(input);
  Value x = scaled_tanh(g, "c1.squash", conv2d(g, "c1", model.image, c1));
  x = scaled_tanh(g, "s2.squash", subsample(g, "s2", x));
  x = scaled_tanh(g, "c3.squash", partial_conv2d(g, "c3", x, kC3, conv_5x5(16)));
  x = scaled_tanh(g, "s4.squash", subsample(g, "s4", x));
  x = scaled_tanh(g, "c5.squash", conv2d(g, "c5", x, conv_5x5(120)));
  x = linear(g, "f6", x, {.out = 84, .initializer = Initializer::fan_in_uniform(2.4)});
  x = scaled_tanh(g, "f6.squash", x);
  model.scores = rbf(g, "rbf", x, {.classes = input.classes});
  model.loss = rbf_loss(g, "loss", model.scores, model.labels);
  return model;
}

Model build_modern(const InputSpec& input) {
  Model model = begin(input);
  Graph& g = model.graph;
  Value x = conv2d(g, "conv1", model.image,
                   {.out = 6, .kernel = 5, .padding = border_to_32(input), .bias = true});
  x = max_pool(g, "pool1", relu(g, "relu1", x));
  x = conv2d(g, "conv2", x, {.out = 16, .kernel = 5, .padding = PaddingRule::kValid, .bias = true});
  x = max_pool(g, "pool2", relu(g, "relu2", x));
  x = relu(g, "relu3", linear(g, "fc1", x, {.out = 120}));
  x = relu(g, "relu4", linear(g, "fc2", x, {.out = 84}));
  end_with_softmax(model, linear(g, "fc3", x, {.out = input.classes}));
  return model;
}

// Caffe, examples/mnist: "xavier" weights by fan-in, biases learn twice as fast.
Model build_caffe(const InputSpec& input) {
  Model model = begin(input);
  Graph& g = model.graph;
  const auto conv = [&](const std::string& name, Value x, int maps) {
    return conv2d(g, name, x,
                  {.out = maps,
                   .kernel = 5,
                   .padding = PaddingRule::kValid,
                   .bias = true,
                   .initializer = Initializer::xavier_fan_in(),
                   .bias_rate_multiplier = 2});
  };
  const auto dense = [&](const std::string& name, Value x, int units) {
    return linear(
        g, name, x,
        {.out = units, .initializer = Initializer::xavier_fan_in(), .bias_rate_multiplier = 2});
  };
  Value x = max_pool(g, "pool1", conv("conv1", model.image, 20), {.rounding = Rounding::kCeil});
  x = max_pool(g, "pool2", conv("conv2", x, 50), {.rounding = Rounding::kCeil});
  x = relu(g, "relu1", dense("ip1", x, 500));
  end_with_softmax(model, dense("ip2", x, input.classes));
  return model;
}

Model build_lenet5(const Options& options, const InputSpec& input) {
  const std::string& variant = options.choice("variant");
  if (variant == "1998") return build_1998(input);
  return variant == "modern" ? build_modern(input) : build_caffe(input);
}

}  // namespace

Family lenet5_family() {
  return {.name = "lenet5",
          .summary = "LeNet-5 (LeCun et al. 1998): as printed, in its modern form, or Caffe's",
          .options = {{.name = "variant",
                       .kind = OptionKind::kChoice,
                       .default_value = "modern",
                       .meaning = "1998: RBF outputs, partial C3, 60,000 parameters; modern: "
                                  "61,706; caffe: 431,080",
                       .choices = {"1998", "modern", "caffe"}}},
          .example = "variant=1998",
          .build = build_lenet5};
}

}  // namespace hadal::models
