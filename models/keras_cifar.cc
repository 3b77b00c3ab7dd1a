// The CNN of the Keras CIFAR-10 example: twice (conv same, conv valid, pool, dropout), then FC 512.
// Initial values are Keras': Glorot uniform weights, zero biases.
#include "core/layers/activation.h"
#include "core/layers/conv2d.h"
#include "core/layers/dropout.h"
#include "core/layers/linear.h"
#include "core/layers/pool.h"
#include "models/frame.h"
#include "models/registry.h"

namespace hadal::models {

namespace {

Value conv_relu(Graph& g, const std::string& index, Value x, int maps, PaddingRule padding) {
  x = conv2d(g, "conv" + index, x,
             {.out = maps,
              .kernel = 3,
              .padding = padding,
              .bias = true,
              .initializer = Initializer::glorot_uniform()});
  return relu(g, "relu" + index, x);
}

Model build_keras_cifar(const Options& /*options*/, const InputSpec& input) {
  Model model = begin(input);
  Graph& g = model.graph;
  Value x = conv_relu(g, "1", model.image, 32, PaddingRule::kTfSame);
  x = conv_relu(g, "2", x, 32, PaddingRule::kValid);
  x = dropout(g, "dropout1", max_pool(g, "pool1", x), {.rate = 0.25});
  x = conv_relu(g, "3", x, 64, PaddingRule::kTfSame);
  x = conv_relu(g, "4", x, 64, PaddingRule::kValid);
  x = dropout(g, "dropout2", max_pool(g, "pool2", x), {.rate = 0.25});
  x = linear(g, "fc1", x, {.out = 512, .initializer = Initializer::glorot_uniform()});
  x = dropout(g, "dropout3", relu(g, "relu5", x), {.rate = 0.5});
  end_with_softmax(
      model,
      linear(g, "fc2", x, {.out = input.classes, .initializer = Initializer::glorot_uniform()}));
  return model;
}

}  // namespace

Family keras_cifar_family() {
  return {.name = "keras_cifar",
          .summary = "the CNN of the Keras CIFAR-10 example, 1,250,858 parameters at 32x32x3",
          .options = {},
          .example = "",
          .build = build_keras_cifar};
}

}  // namespace hadal::models
