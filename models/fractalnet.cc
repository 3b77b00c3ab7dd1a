// FractalNet (Larsson et al. 2017): f_1 = conv, f_{C+1} = (f_C o f_C) joined with conv; blocks f_C
// with pooling between them, then FC. Column c of C, 1 the shallowest, has 2^(c-1) convolutions in
// a block, so a net of B blocks is B 2^(C-1) deep.
//
// Written out by steps: a block takes 2^(C-1) steps, column c ends a convolution every 2^(C-c) of
// them, and all columns that end one in the same step meet in one flat mean, from which each goes
// on. "conv" is 3x3 convolution with bias, dropout, BN without scale and shift, ReLU; initial
// weights and the biases' multipliers (rate 2, decay 0) are those of the authors' released layers.
// The released generator pools each column before the last join; the paper joins, then pools. Both
// are offered. The paper quotes 38.6 M parameters for C = 3; the widths it states give 33.7 M.
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/layers/activation.h"
#include "core/layers/batch_norm.h"
#include "core/layers/conv2d.h"
#include "core/layers/dropout.h"
#include "core/layers/linear.h"
#include "core/layers/mean_join.h"
#include "core/layers/pool.h"
#include "models/drop_path.h"
#include "models/frame.h"
#include "models/registry.h"

namespace hadal::models {

namespace {

Value convolution(Graph& g, const std::string& name, Value x, int width, double dropout_rate) {
  x = conv2d(g, name + ".conv", x,
             {.out = width,
              .kernel = 3,
              .bias = true,
              .initializer = Initializer::xavier_fan_in(),
              .bias_rate_multiplier = 2,
              .bias_decay_multiplier = 0});
  if (dropout_rate > 0) x = dropout(g, name + ".dropout", x, {.rate = dropout_rate});
  return relu(g, name + ".relu", batch_norm(g, name + ".bn", x, {.affine = false}));
}

class FractalNet {
 public:
  FractalNet(const Options& options, const InputSpec& input)
      : columns_(options.integer("columns")),
        // What is left when the joins are dropped and only the deepest column kept.
        first_column_(options.flag("deepest") ? columns_ : 1),
        drop_probability_(options.real("drop_path")),
        pool_first_(options.choice("join") == "pool_then_join"),
        model_(begin(input)) {
    const std::vector<int> widths = options.integers("widths");
    const std::vector<double> dropout = options.reals("dropout");
    if (dropout.size() != widths.size() && dropout.size() != 1)
      options.refuse("dropout",
                     fmt::format("wanted one rate, or {}: one for each width", widths.size()));
    Value x = model_.image;
    for (std::size_t b = 0; b < widths.size(); ++b)
      x = block(fmt::format("block{}", b + 1), x, widths[b], dropout[dropout.size() == 1 ? 0 : b]);
    end_with_softmax(model_, linear(model_.graph, "fc", x,
                                    {.out = input.classes,
                                     .initializer = Initializer::xavier_fan_in(),
                                     .bias_rate_multiplier = 2,
                                     .bias_decay_multiplier = 0}));
    if (!joins_.empty())
      model_.gates = std::make_shared<DropPath>(std::move(joins_), columns_, drop_probability_,
                                                options.real("global"));
  }

  Model take() { return std::move(model_); }

 private:
  Value block(const std::string& name, Value x, int width, double dropout_rate) {
    std::vector<Value> reached(columns_ + 1, x);  // by column, from 1
    const int steps = 1 << (columns_ - 1);
    for (int step = 1; step <= steps; ++step) {
      std::vector<int> ending;
      for (int column = first_column_; column <= columns_; ++column) {
        const int span = 1 << (columns_ - column);
        if (step % span != 0) continue;
        const std::string path = fmt::format("{}.column{}", name, column);
        Value& y = reached[column];
        y = convolution(model_.graph, fmt::format("{}.layer{}", path, step / span), y, width,
                        dropout_rate);
        if (step == steps && pool_first_) y = max_pool(model_.graph, path + ".pool", y);
        ending.push_back(column);
      }
      if (ending.size() < 2) continue;
      const Value joined = join(fmt::format("{}.join{}", name, step), ending, reached);
      for (const int column : ending) reached[column] = joined;
    }
    const Value y = reached[columns_];
    return pool_first_ ? y : max_pool(model_.graph, name + ".pool", y);
  }

  Value join(const std::string& name, const std::vector<int>& ending,
             const std::vector<Value>& reached) {
    std::vector<Graph::Edge> inputs;
    DropPath::Join gated;
    for (const int column : ending) {
      inputs.push_back({reached[column], std::nullopt});
      if (drop_probability_ == 0) continue;
      const Gate gate = model_.graph.gate(fmt::format("{}.column{}", name, column));
      inputs.back().gate = gate;
      gated.push_back({gate, column - 1});
    }
    if (!gated.empty()) joins_.push_back(gated);
    return mean_join(model_.graph, name, inputs);
  }

  int columns_, first_column_;
  double drop_probability_;
  bool pool_first_;
  Model model_;
  std::vector<DropPath::Join> joins_;
};

Model build_fractalnet(const Options& options, const InputSpec& input) {
  return FractalNet(options, input).take();
}

}  // namespace

Family fractalnet_family() {
  return {
      .name = "fractalnet",
      .summary = "FractalNet with drop-path (Larsson et al. 2017), and its deepest column alone",
      .options = {{.name = "columns",
                   .default_value = "3",
                   .meaning = "C; a block is 2^(C-1) convolutions deep",
                   .low = 1,
                   .high = 10},
                  {.name = "widths",
                   .kind = OptionKind::kIntegers,
                   .default_value = "64,128,256,512,512",
                   .meaning = "maps of each block; each block halves the image",
                   .low = 1},
                  {.name = "dropout",
                   .kind = OptionKind::kReals,
                   .default_value = "0,0.1,0.2,0.3,0.4",
                   .meaning = "rate of each block, or one for all",
                   .high = 0.99},
                  {.name = "drop_path",
                   .kind = OptionKind::kReal,
                   .default_value = "0.15",
                   .meaning = "probability that a join loses an input in a local step; 0: no "
                              "drop-path at all, no global steps either",
                   .high = 1},
                  {.name = "global",
                   .kind = OptionKind::kReal,
                   .default_value = "0.5",
                   .meaning = "share of steps that train one column alone",
                   .high = 1},
                  {.name = "join",
                   .kind = OptionKind::kChoice,
                   .default_value = "pool_then_join",
                   .meaning = "order at the end of a block: as the released code, or as the paper",
                   .choices = {"pool_then_join", "join_then_pool"}},
                  {.name = "deepest",
                   .kind = OptionKind::kBool,
                   .default_value = "false",
                   .meaning =
                       "the deepest column alone, with the parameter names of the whole net, "
                       "so that it takes the weights of a trained one"}},
      .example = "columns=3 drop_path=0.15",
      .build = build_fractalnet};
}

}  // namespace hadal::models
