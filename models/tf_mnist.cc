// The CNN of the TensorFlow MNIST tutorial: weights truncated normal 0.1 (a standard deviation),
// biases 0.1.
#include "core/layers/activation.h"
#include "core/layers/conv2d.h"
#include "core/layers/dropout.h"
#include "core/layers/linear.h"
#include "core/layers/pool.h"
#include "models/frame.h"
#include "models/registry.h"

namespace hadal::models {

namespace {

const Initializer kWeight = Initializer::truncated_normal(0.1);
const Initializer kBias = Initializer::constant(0.1);

Value conv_relu_pool(Graph& g, const std::string& index, Value x, int maps) {
  x = conv2d(g, "conv" + index, x,
             {.out = maps,
              .kernel = 5,
              .padding = PaddingRule::kTfSame,
              .bias = true,
              .initializer = kWeight,
              .bias_initializer = kBias});
  return max_pool(g, "pool" + index, relu(g, "relu" + index, x),
                  {.window = 2, .padding = PaddingRule::kTfSame});
}

Model build_tf_mnist(const Options& options, const InputSpec& input) {
  Model model = begin(input);
  Graph& g = model.graph;
  Value x = conv_relu_pool(g, "1", model.image, 32);
  x = conv_relu_pool(g, "2", x, 64);
  x = linear(g, "fc1", x, {.out = 1024, .initializer = kWeight, .bias_initializer = kBias});
  x = relu(g, "relu3", x);
  if (options.real("dropout") > 0) x = dropout(g, "dropout", x, {.rate = options.real("dropout")});
  end_with_softmax(
      model, linear(g, "fc2", x,
                    {.out = input.classes, .initializer = kWeight, .bias_initializer = kBias}));
  return model;
}

}  // namespace

Family tf_mnist_family() {
  return {
      .name = "tf_mnist",
      .summary = "the CNN of the TensorFlow MNIST tutorial, 3,274,634 parameters at 28x28x1",
      .options = {{.name = "dropout",
                   .kind = OptionKind::kReal,
                   .default_value = "0",
                   .meaning = "rate before the last layer; the tutorial has 0.5, the lecture none",
                   .high = 0.99}},
      .example = "dropout=0.5",
      .build = build_tf_mnist};
}

}  // namespace hadal::models
