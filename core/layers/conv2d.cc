#include "core/layers/conv2d.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/layers/expect.h"

namespace hadal {
namespace {

Window window_of(const Conv2dOp& op) {
  return {op.kernel_h, op.kernel_w, op.stride_h, op.stride_w, op.dilation};
}

void check(const Conv2dOp& op) {
  if (std::min(
          {op.out, op.kernel_h, op.kernel_w, op.stride_h, op.stride_w, op.dilation, op.groups}) < 1)
    throw ConfigError(fmt::format(
        "convolution with out {}, kernel {}x{}, stride {}x{}, dilation {}, groups {}: "
        "all must be positive",
        op.out, op.kernel_h, op.kernel_w, op.stride_h, op.stride_w, op.dilation, op.groups));
  if (op.out % op.groups != 0)
    throw ConfigError(
        fmt::format("{} groups do not divide the convolution's {} maps", op.groups, op.out));
}

}  // namespace

Conv2dLayer::Conv2dLayer(const Conv2dOp& op, const Initializer& weight, const Initializer& bias,
                         double bias_rate_multiplier, double bias_decay_multiplier)
    : op_(op),
      weight_(weight),
      bias_(bias),
      bias_rate_multiplier_(bias_rate_multiplier),
      bias_decay_multiplier_(bias_decay_multiplier) {
  check(op);
}

std::string Conv2dLayer::describe() const {
  std::string text = fmt::format("{}, {}x{}", op_.out, op_.kernel_h, op_.kernel_w);
  if (op_.stride_h != op_.stride_w)
    text += fmt::format(", stride {}x{}", op_.stride_h, op_.stride_w);
  else if (op_.stride_h != 1)
    text += fmt::format(", stride {}", op_.stride_h);
  if (op_.dilation != 1) text += fmt::format(", dilation {}", op_.dilation);
  if (op_.groups != 1) text += fmt::format(", {} groups", op_.groups);
  if (op_.bias) text += ", bias";
  return text;
}

Shape Conv2dLayer::output_shape(std::span<const Shape> in) const {
  expect_rank(in[0], 4, "input", "N x H x W x C");
  if (in[0].c() % op_.groups != 0)
    throw ShapeError(fmt::format("input {} has {} channels, which {} groups do not divide",
                                 in[0].to_string(), in[0].c(), op_.groups));
  return windowed_shape(in[0], window_of(op_), op_.padding, Rounding::kFloor, op_.out);
}

std::vector<ParameterSpec> Conv2dLayer::parameters(std::span<const Shape> in) const {
  std::vector<ParameterSpec> specs;
  specs.push_back(
      {"weight", {op_.out, op_.kernel_h, op_.kernel_w, in[0].c() / op_.groups}, weight_});
  if (op_.bias)
    specs.push_back({"bias", {op_.out}, bias_, bias_decay_multiplier_, bias_rate_multiplier_});
  return specs;
}

std::int64_t Conv2dLayer::macs(std::span<const Shape> in) const {
  return output_shape(in).elements() * op_.kernel_h * op_.kernel_w * (in[0].c() / op_.groups);
}

Value conv2d(Graph& g, std::string name, Value x, const Conv2dOptions& options) {
  Conv2dOp op{.out = options.out,
              .kernel_h = options.kernel_h > 0 ? options.kernel_h : options.kernel,
              .kernel_w = options.kernel_w > 0 ? options.kernel_w : options.kernel,
              .stride_h = options.stride,
              .stride_w = options.stride,
              .padding = {},
              .dilation = options.dilation,
              .groups = options.groups,
              .bias = options.bias};
  check(op);  // before nonsense reaches the padding's arithmetic
  op.padding = resolve(options.padding, g.shape(x), window_of(op));
  return g.apply(
      std::move(name),
      std::make_shared<Conv2dLayer>(op, options.initializer, options.bias_initializer,
                                    options.bias_rate_multiplier, options.bias_decay_multiplier),
      {x});
}

}  // namespace hadal
