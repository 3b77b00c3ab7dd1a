#include "models/frame.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/layers/softmax_cross_entropy.h"

namespace hadal::models {

Model begin(const InputSpec& input) {
  if (input.height < 1 || input.width < 1 || input.channels < 1 || input.classes < 2)
    throw ConfigError(
        fmt::format("a model for images {}x{}x{} and {} classes: wanted positive extents and two "
                    "classes or more",
                    input.height, input.width, input.channels, input.classes));
  Model model;
  model.image = model.graph.input("image", {1, input.height, input.width, input.channels});
  model.labels = model.graph.input("labels", {1}, DType::kInt32);
  return model;
}

void end_with_softmax(Model& model, Value scores) {
  model.scores = scores;
  model.loss = softmax_cross_entropy(model.graph, "loss", scores, model.labels);
}

std::vector<OptionSpec> operator+(std::vector<OptionSpec> left,
                                  const std::vector<OptionSpec>& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

}  // namespace hadal::models
