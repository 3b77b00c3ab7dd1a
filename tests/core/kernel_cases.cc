// The table of cases. Channel counts lie below, at, between and above the 8 and 16 lanes of vector
// units and the 16 of kNChw16c; extents are odd or prime where nothing else is being tested.
#include <utility>

#include "core/layers/activation.h"
#include "core/layers/add.h"
#include "core/layers/batch_norm.h"
#include "core/layers/bias.h"
#include "core/layers/concat.h"
#include "core/layers/conv2d.h"
#include "core/layers/dropout.h"
#include "core/layers/flatten.h"
#include "core/layers/gather_channels.h"
#include "core/layers/linear.h"
#include "core/layers/lrn.h"
#include "core/layers/mean_join.h"
#include "core/layers/mean_squared_error.h"
#include "core/layers/pad_shortcut.h"
#include "core/layers/pool.h"
#include "core/layers/rbf.h"
#include "core/layers/softmax.h"
#include "core/layers/softmax_cross_entropy.h"
#include "core/layers/squared_hinge.h"
#include "core/layers/subsample.h"
#include "tests/core/kernel_case.h"

namespace hadal::test {
namespace {

using Inputs = std::span<const Value>;

/// "conv2d_2x5x5x3_..." with only letters, digits and underscores.
std::string name_of_case(const std::string& what, const Shape& in) {
  return what + "_" + in.to_string();
}

template <typename Build>
KernelCase one_input(const std::string& what, const Shape& in, const Build& build) {
  KernelCase kernel_case{.name = name_of_case(what, in), .in = {in}};
  kernel_case.build = [build](Graph& g, Inputs x) { return build(g, x[0]); };
  return kernel_case;
}

std::vector<Graph::Edge> edges_of(Inputs values) {
  std::vector<Graph::Edge> edges;
  for (const Value value : values) edges.push_back({value, std::nullopt});
  return edges;
}

class Table {
 public:
  void add(KernelCase kernel_case) { cases_.push_back(std::move(kernel_case)); }

  void add_inference(KernelCase kernel_case) {
    kernel_case.name += "_inference";
    kernel_case.training = false;
    cases_.push_back(std::move(kernel_case));
  }

  void add_closed(KernelCase kernel_case, std::vector<int> closed) {
    kernel_case.name += "_closed";
    for (const int input : closed) kernel_case.name += std::to_string(input);
    kernel_case.closed = std::move(closed);
    cases_.push_back(std::move(kernel_case));
  }

  std::vector<KernelCase> take() { return std::move(cases_); }

 private:
  std::vector<KernelCase> cases_;
};

void add_convolutions(Table& table) {
  const auto add = [&](const std::string& what, const Shape& in, const Conv2dOptions& options) {
    table.add(one_input("conv2d_" + what, in,
                        [options](Graph& g, Value x) { return conv2d(g, "y", x, options); }));
  };
  add("3x3", {2, 7, 5, 3}, {.out = 16});
  add("3x3", {1, 8, 8, 16}, {.out = 16});
  add("3x3", {3, 9, 7, 16}, {.out = 32, .bias = true});
  add("3x3", {2, 8, 8, 32}, {.out = 32});
  add("3x3", {2, 6, 6, 48}, {.out = 64});
  add("3x3", {1, 9, 7, 32}, {.out = 48});
  add("3x3", {2, 3, 2, 64}, {.out = 32, .bias = true});
  add("3x3", {2, 5, 5, 5}, {.out = 7, .bias = true});
  add("3x3", {1, 1, 1, 4}, {.out = 3});
  add("3x3_stride2", {2, 8, 8, 16}, {.out = 32, .stride = 2});
  add("3x3_stride2", {1, 7, 9, 12}, {.out = 20, .stride = 2});
  add("3x3_stride2_tf_same", {2, 8, 7, 16},
      {.out = 16, .stride = 2, .padding = PaddingRule::kTfSame});
  add("3x3_stride3_valid", {2, 11, 10, 4}, {.out = 6, .stride = 3, .padding = PaddingRule::kValid});
  add("3x3_dilation2", {2, 9, 8, 16}, {.out = 16, .dilation = 2});
  add("3x3_dilation3_valid", {1, 9, 10, 5},
      {.out = 3, .padding = PaddingRule::kValid, .dilation = 3, .bias = true});
  add("3x3_2groups", {2, 6, 5, 8}, {.out = 12, .groups = 2, .bias = true});
  add("3x3_4groups_stride2", {2, 7, 6, 64}, {.out = 64, .stride = 2, .groups = 4});
  add("3x3_depthwise", {2, 6, 7, 16}, {.out = 16, .groups = 16});
  add("3x3_padding_after", {2, 5, 6, 3}, {.out = 5, .padding = Padding{.bottom = 2, .right = 1}});
  add("1x1", {2, 5, 7, 16}, {.out = 64, .kernel = 1});
  add("1x1", {1, 3, 3, 7}, {.out = 9, .kernel = 1, .bias = true});
  add("1x1_stride2", {2, 8, 7, 16}, {.out = 32, .kernel = 1, .stride = 2});
  // Half a vector of channels, one and a half, and three.
  add("1x1_stride2", {3, 16, 16, 4}, {.out = 8, .kernel = 1, .stride = 2});
  add("1x1_stride2", {2, 9, 8, 12}, {.out = 20, .kernel = 1, .stride = 2});
  add("1x1_stride2", {2, 8, 8, 3}, {.out = 16, .kernel = 1, .stride = 2, .bias = true});
  add("5x5_valid", {2, 12, 11, 6},
      {.out = 16, .kernel = 5, .padding = PaddingRule::kValid, .bias = true});
  add("5x5_to_one_pixel", {3, 5, 5, 16},
      {.out = 120, .kernel = 5, .padding = PaddingRule::kValid, .bias = true});
  add("7x7_stride2", {1, 21, 19, 3}, {.out = 16, .kernel = 7, .stride = 2});
  add("2x2", {2, 5, 5, 8}, {.out = 8, .kernel = 2});
  add("1x5", {2, 4, 9, 6}, {.out = 10, .kernel_h = 1, .kernel_w = 5});
}

void add_products(Table& table) {
  const auto add = [&](const Shape& in, const LinearOptions& options) {
    table.add(one_input("linear_" + std::to_string(options.out), in,
                        [options](Graph& g, Value x) { return linear(g, "y", x, options); }));
  };
  add({1, 1}, {.out = 1});
  add({5, 64}, {.out = 10});
  add({7, 33}, {.out = 17, .bias = false});
  add({3, 2, 3, 5}, {.out = 4});
  add({2, 4, 4, 32}, {.out = 12});
  add({3, 1, 1, 64}, {.out = 100});
  for (const Shape& in : {Shape{2, 5, 3, 7}, Shape{3, 4, 4, 16}, Shape{1, 2, 2, 48}, Shape{5, 11}})
    table.add(one_input("bias", in, [](Graph& g, Value x) { return bias(g, "y", x); }));
  for (const Shape& in : {Shape{2, 5, 3, 6}, Shape{2, 3, 3, 32}, Shape{4, 6}})
    table.add(one_input("gather_channels", in, [](Graph& g, Value x) {
      return gather_channels(g, "y", x, {4, 0, 5, 0, 3, 1});
    }));
}

void add_batch_norms(Table& table) {
  const std::pair<std::string, BatchNormOp> forms[] = {
      {"batch_norm", {}},
      {"batch_norm_plain", {.affine = false}},
      {"batch_norm_relu", {.relu = true}},
      {"batch_norm_add", {.add = true, .branch_scale = 0.7}},
      {"batch_norm_add_relu", {.add = true, .relu = true, .branch_scale = 0.7}}};
  const auto make = [](const std::string& what, const BatchNormOp& op, const Shape& in) {
    KernelCase kernel_case{.name = name_of_case(what, in), .in = {in}};
    if (op.add) kernel_case.in.push_back(in);
    kernel_case.terms = in.elements() / in.c();
    kernel_case.build = [op](Graph& g, Inputs x) {
      return g.apply("y", fused_batch_norm(op), edges_of(x));
    };
    return kernel_case;
  };
  for (const auto& [what, op] : forms)
    for (const Shape& in : {Shape{2, 5, 3, 7}, Shape{3, 4, 4, 16}, Shape{1, 6, 5, 64},
                            Shape{2, 3, 3, 24}, Shape{1, 17, 19, 32}, Shape{6, 10}}) {
      const KernelCase kernel_case = make(what, op, in);
      table.add(kernel_case);
      table.add_inference(kernel_case);
      if (!op.add) continue;
      table.add_closed(kernel_case, {0});
    }
  // A mean far from zero: E[x^2] - E[x]^2 in float would lose half of the digits.
  KernelCase far = make("batch_norm_far_mean", {}, {4, 6, 6, 16});
  far.low = 9;
  far.high = 11;
  table.add(far);
}

void add_pools(Table& table) {
  const std::pair<std::string, PoolOptions> forms[] = {
      {"2x2", {}},
      {"3x3_stride2", {.window = 3, .stride = 2}},
      {"3x3_stride2_ceil", {.window = 3, .stride = 2, .rounding = Rounding::kCeil}},
      {"3x3_stride1_same", {.window = 3, .stride = 1, .padding = PaddingRule::kSameHalf}},
      {"3x3_stride2_tf_same", {.window = 3, .stride = 2, .padding = PaddingRule::kTfSame}},
      {"3x3_stride2_counted",
       {.window = 3,
        .stride = 2,
        .padding = Padding{1, 1, 1, 1},
        .rounding = Rounding::kCeil,
        .count_padding = true}},
      {"2x3_stride1", {.window_h = 2, .window_w = 3, .stride = 1}}};
  for (const auto& [what, options] : forms)
    for (const Shape& in : {Shape{2, 7, 5, 3}, Shape{1, 8, 8, 16}, Shape{2, 6, 9, 40}}) {
      const auto max = [options = options](Graph& g, Value x) {
        return max_pool(g, "y", x, options);
      };
      const auto average = [options = options](Graph& g, Value x) {
        return average_pool(g, "y", x, options);
      };
      table.add(one_input("max_pool_" + what, in, max));
      table.add_inference(one_input("max_pool_" + what, in, max));
      KernelCase average_case = one_input("average_pool_" + what, in, average);
      average_case.terms = 9;
      table.add(average_case);
    }
  for (const Shape& in : {Shape{3, 8, 8, 64}, Shape{1, 7, 5, 5}}) {
    table.add(one_input("global_max_pool", in,
                        [](Graph& g, Value x) { return global_max_pool(g, "y", x); }));
    KernelCase average_case = one_input("global_average_pool", in, [](Graph& g, Value x) {
      return global_average_pool(g, "y", x);
    });
    average_case.terms = in.h() * in.w();
    table.add(average_case);
  }
}

void add_elementwise(Table& table) {
  const Shape shapes[] = {{2, 5, 3, 7}, {3, 4, 4, 16}, {1, 3, 3, 48}, {5, 11}, {1, 1}};
  for (const Shape& in : shapes) {
    table.add(one_input("relu", in, [](Graph& g, Value x) { return relu(g, "y", x); }));
    table.add(one_input("leaky_relu", in, [](Graph& g, Value x) { return leaky_relu(g, "y", x); }));
    table.add(one_input("elu", in, [](Graph& g, Value x) { return elu(g, "y", x); }));
    table.add(one_input("tanh", in, [](Graph& g, Value x) { return tanh(g, "y", x); }));
    table.add(
        one_input("scaled_tanh", in, [](Graph& g, Value x) { return scaled_tanh(g, "y", x); }));
    table.add(one_input("sigmoid", in, [](Graph& g, Value x) { return sigmoid(g, "y", x); }));
    for (const auto& [what, rule] :
         {std::pair{"relu_deconvnet", ReluRule::kDeconvnet}, {"relu_guided", ReluRule::kGuided}})
      table.add(one_input(what, in, [rule = rule](Graph& g, Value x) {
        const ActivationOp op{.kind = Activation::kRelu, .alpha = 0, .relu_rule = rule};
        return g.apply("y", std::make_shared<ActivationLayer>(op), {x});
      }));
    const KernelCase dropped = one_input(
        "dropout", in, [](Graph& g, Value x) { return dropout(g, "y", x, {.rate = 0.3}); });
    table.add(dropped);
    table.add_inference(dropped);
    table.add(one_input("dropout_per_sample", in, [](Graph& g, Value x) {
      return dropout(g, "y", x, {.rate = 0.5, .per_sample = true});
    }));
    table.add(one_input("flatten", in, [](Graph& g, Value x) { return flatten(g, "y", x); }));
  }
}

void add_joins(Table& table) {
  for (const Shape& in :
       {Shape{2, 5, 3, 7}, Shape{3, 4, 4, 16}, Shape{1, 3, 3, 48}, Shape{5, 11}}) {
    KernelCase sum{.name = name_of_case("add", in), .in = {in, in}};
    sum.build = [](Graph& g, Inputs x) { return add(g, "y", x[0], x[1]); };
    table.add(sum);
    table.add_closed(sum, {1});
    sum.name = name_of_case("add_scaled", in);
    sum.build = [](Graph& g, Inputs x) {
      return g.apply("y", AddLayer().with_scale(0.7), {x[0], x[1]});
    };
    table.add_inference(sum);

    KernelCase join{.name = name_of_case("mean_join", in), .in = {in, in, in, in}};
    join.build = [](Graph& g, Inputs x) { return mean_join(g, "y", edges_of(x)); };
    table.add(join);
    table.add_closed(join, {0});
    table.add_closed(join, {1, 3});
    table.add_closed(join, {0, 1, 2});

    KernelCase joined{.name = name_of_case("concat", in), .in = {in, in, in}};
    joined.build = [](Graph& g, Inputs x) { return concat(g, "y", edges_of(x)); };
    table.add(joined);
    table.add_closed(joined, {1});
  }
  KernelCase uneven{.name = "concat_uneven", .in = {{2, 3, 5, 16}, {2, 3, 5, 3}, {2, 3, 5, 13}}};
  uneven.build = [](Graph& g, Inputs x) { return concat(g, "y", edges_of(x)); };
  table.add(uneven);

  for (const Subsampling subsampling : {Subsampling::kPick, Subsampling::kAverage})
    for (const ChannelPadding channels : {ChannelPadding::kEnd, ChannelPadding::kSplit})
      for (const Shape& in : {Shape{2, 8, 8, 16}, Shape{1, 7, 5, 3}})
        for (const int stride : {1, 2}) {
          const PadShortcutOp op{.out = static_cast<int>(2 * in.c()),
                                 .stride = stride,
                                 .subsampling = subsampling,
                                 .channels = channels};
          const std::string what = "pad_shortcut_" + std::to_string(static_cast<int>(subsampling)) +
                                   std::to_string(static_cast<int>(channels)) + "_stride" +
                                   std::to_string(stride);
          KernelCase shortcut =
              one_input(what, in, [op](Graph& g, Value x) { return pad_shortcut(g, "y", x, op); });
          shortcut.terms = stride * stride;
          table.add(shortcut);
        }
}

void add_normalisation_and_lenet(Table& table) {
  for (const Shape& in :
       {Shape{2, 5, 3, 7}, Shape{1, 4, 4, 16}, Shape{2, 3, 3, 40}, Shape{1, 2, 2, 2}}) {
    table.add(one_input("lrn", in, [](Graph& g, Value x) { return lrn(g, "y", x); }));
    KernelCase strong = one_input("lrn_strong", in, [](Graph& g, Value x) {
      return lrn(g, "y", x, {.k = 1, .alpha = 0.5, .beta = 0.75, .size = 3});
    });
    strong.terms = 5;
    table.add(strong);
  }
  for (const Shape& in : {Shape{2, 6, 4, 6}, Shape{1, 10, 10, 16}}) {
    KernelCase halved =
        one_input("subsample", in, [](Graph& g, Value x) { return subsample(g, "y", x); });
    halved.terms = 4;
    table.add(halved);
  }
  KernelCase distances =
      one_input("rbf", {5, 84}, [](Graph& g, Value x) { return rbf(g, "y", x); });
  distances.terms = 84;
  table.add(distances);
}

void add_losses(Table& table) {
  const auto add = [&](const std::string& what, std::int64_t samples, int classes, double range,
                       const std::function<Value(Graph&, Value, Value)>& build) {
    KernelCase loss{.name = what + "_" + std::to_string(samples) + "x" + std::to_string(classes),
                    .in = {{samples, classes}, {samples}},
                    .labels = {1},
                    .classes = classes,
                    .low = -range,
                    .high = range};
    loss.terms = classes;
    loss.build = [build](Graph& g, Inputs x) { return build(g, x[0], x[1]); };
    table.add(loss);
  };
  for (const auto& [samples, classes] : {std::pair{1, 2}, {7, 10}, {5, 100}}) {
    add("softmax_cross_entropy", samples, classes, 4,
        [](Graph& g, Value x, Value t) { return softmax_cross_entropy(g, "y", x, t); });
    add("softmax_cross_entropy_smoothed", samples, classes, 4, [](Graph& g, Value x, Value t) {
      return softmax_cross_entropy(g, "y", x, t, {.label_smoothing = 0.1});
    });
    add("softmax_cross_entropy_huge", samples, classes, 1e4,
        [](Graph& g, Value x, Value t) { return softmax_cross_entropy(g, "y", x, t); });
    add("squared_hinge", samples, classes, 3,
        [](Graph& g, Value x, Value t) { return squared_hinge(g, "y", x, t); });
    add("rbf_loss", samples, classes, 3,
        [](Graph& g, Value x, Value t) { return rbf_loss(g, "y", x, t); });
    add("rbf_loss_mean", samples, classes, 3, [](Graph& g, Value x, Value t) {
      return rbf_loss(g, "y", x, t, {.discriminative = false});
    });
    KernelCase probabilities = one_input("softmax", {samples, classes},
                                         [](Graph& g, Value x) { return softmax(g, "y", x); });
    probabilities.terms = classes;
    table.add(probabilities);
  }
  for (const bool half_sum : {true, false})
    for (const Shape& in : {Shape{3, 10}, Shape{2, 3, 5, 16}}) {
      KernelCase squares{
          .name = name_of_case(half_sum ? "squared_error_half_sum" : "mean_squared_error", in),
          .in = {in, in}};
      squares.terms = in.elements_per_sample();
      squares.build = [half_sum](Graph& g, Inputs x) {
        return mean_squared_error(g, "y", x[0], x[1], {.half_sum = half_sum});
      };
      table.add(squares);
    }
}

}  // namespace

std::vector<KernelCase> kernel_cases() {
  Table table;
  add_convolutions(table);
  add_products(table);
  add_batch_norms(table);
  add_pools(table);
  add_elementwise(table);
  add_joins(table);
  add_normalisation_and_lenet(table);
  add_losses(table);
  return table.take();
}

}  // namespace hadal::test
