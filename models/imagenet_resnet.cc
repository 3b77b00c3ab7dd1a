// Residual nets for ImageNet (He et al. 2015, table 1) and their plain controls: 7x7/2, a 3x3/2
// maximum, four stages at 1/4, 1/8, 1/16 and 1/32 of the image, global average pooling, FC.
#include <map>
#include <string>
#include <vector>

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

struct Form {
  bool bottleneck;
  std::vector<int> blocks;  // of each stage
};

const std::map<std::string, Form> kForms = {
    {"18", {false, {2, 2, 2, 2}}},  {"34", {false, {3, 4, 6, 3}}},  {"50", {true, {3, 4, 6, 3}}},
    {"101", {true, {3, 4, 23, 3}}}, {"152", {true, {3, 8, 36, 3}}},
};

struct Conv {
  int width, kernel, stride;
};

/// Convolutions with BN, and ReLUs between them.
Value branch(Graph& g, const std::string& name, Value x, const std::vector<Conv>& convs,
             const Initializer& init) {
  for (std::size_t i = 1; i <= convs.size(); ++i) {
    const Conv& conv = convs[i - 1];
    x = conv2d(
        g, fmt::format("{}conv{}", name, i), x,
        {.out = conv.width, .kernel = conv.kernel, .stride = conv.stride, .initializer = init});
    x = batch_norm(g, fmt::format("{}bn{}", name, i), x);
    if (i < convs.size()) x = relu(g, fmt::format("{}relu{}", name, i), x);
  }
  return x;
}

Model build_imagenet_resnet(const Options& options, const InputSpec& input) {
  const Form& form = kForms.at(options.choice("depth"));
  const bool plain = options.flag("plain"), stride_first = options.choice("stride_in") == "first";
  if (plain && form.bottleneck)
    options.refuse("plain", "plain nets are 18 or 34 layers deep, without bottlenecks");
  if (plain && options.real("survival") < 1)
    options.refuse("survival", "a plain net cannot skip blocks; set plain=false or survival=1");
  const Shortcut kind = shortcut_of(options.choice("shortcut"));
  const Initializer init = init_of(options);
  int blocks = 0;
  for (const int count : form.blocks) blocks += count;
  StochasticDepth depth(options, blocks);

  Model model = begin(input);
  Graph& g = model.graph;
  Value x =
      conv2d(g, "conv1", model.image, {.out = 64, .kernel = 7, .stride = 2, .initializer = init});
  x = relu(g, "relu1", batch_norm(g, "bn1", x));
  // As in the authors' Caffe nets: no padding, the last window hangs over.
  x = max_pool(g, "pool1", x, {.window = 3, .stride = 2, .rounding = Rounding::kCeil});
  int width = 64;
  for (int stage = 1; stage <= 4; ++stage, width *= 2) {
    for (int block = 1; block <= form.blocks[stage - 1]; ++block) {
      const std::string name = fmt::format("stage{}.block{}.", stage, block);
      const int stride = stage > 1 && block == 1 ? 2 : 1;
      const int out = form.bottleneck ? 4 * width : width;
      const std::vector<Conv> convs = form.bottleneck
                                          ? std::vector<Conv>{{width, 1, stride_first ? stride : 1},
                                                              {width, 3, stride_first ? 1 : stride},
                                                              {out, 1, 1}}
                                          : std::vector<Conv>{{width, 3, stride}, {out, 3, 1}};
      Value y = branch(g, name, x, convs, init);
      if (!plain)
        y = depth.add(g, name, shortcut(g, name + "shortcut", x, out, stride, kind, init), y);
      x = relu(g, fmt::format("{}relu{}", name, convs.size()), y);
    }
  }
  x = global_average_pool(g, "pool2", x);
  end_with_softmax(model, linear(g, "fc", x, {.out = input.classes}));
  model.gates = StochasticDepth::sampler(g);
  return model;
}

}  // namespace

Family imagenet_resnet_family() {
  return {
      .name = "imagenet_resnet",
      .summary = "ImageNet residual nets 18, 34, 50, 101, 152 and plain 18, 34 (He et al. 2015)",
      .options =
          std::vector<OptionSpec>{
              {.name = "depth",
               .kind = OptionKind::kChoice,
               .default_value = "50",
               .meaning = "weighted layers; 50 and more have bottlenecks",
               .choices = {"18", "34", "50", "101", "152"}},
              {.name = "stride_in",
               .kind = OptionKind::kChoice,
               .default_value = "first",
               .meaning = "which convolution of a bottleneck has the stride: the first 1x1 "
                          "(He et al.) or the 3x3 (fb.resnet.torch)",
               .choices = {"first", "3x3"}},
              {.name = "plain",
               .kind = OptionKind::kBool,
               .default_value = "false",
               .meaning = "without shortcuts; 18 and 34 only"},
              init_option(),
              shortcut_option("B")} +
          StochasticDepth::options(),
      .example = "depth=50",
      .build = build_imagenet_resnet};
}

}  // namespace hadal::models
