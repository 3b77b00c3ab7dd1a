#include "core/layers/pool.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/layers/expect.h"

namespace hadal {
namespace {

Window window_of(const PoolOp& op) {
  return {op.window_h, op.window_w, op.stride_h, op.stride_w, 1};
}

class PoolLayer final : public Layer {
 public:
  PoolLayer(const PoolOp& op, Rounding rounding) : op_(op), rounding_(rounding) {
    const Padding& p = op.padding;
    // Otherwise a window could lie in the padding alone.
    if (std::max(p.top, p.bottom) >= op.window_h || std::max(p.left, p.right) >= op.window_w)
      throw ConfigError(fmt::format("padding is as large as the pooling window of {}x{}",
                                    op.window_h, op.window_w));
  }

  std::string_view type() const override {
    return op_.kind == PoolKind::kMax ? "max_pool" : "average_pool";
  }
  std::string describe() const override {
    std::string text = fmt::format("{}x{}", op_.window_h, op_.window_w);
    if (op_.stride_h != op_.window_h || op_.stride_w != op_.window_w)
      text += op_.stride_h == op_.stride_w
                  ? fmt::format(", stride {}", op_.stride_h)
                  : fmt::format(", stride {}x{}", op_.stride_h, op_.stride_w);
    if (rounding_ == Rounding::kCeil) text += ", ceil";
    return text;
  }
  Shape output_shape(std::span<const Shape> in) const override {
    expect_rank(in[0], 4, "input", "N x H x W x C");
    return windowed_shape(in[0], window_of(op_), op_.padding, rounding_, in[0].c());
  }
  /// A maximum remembers where it was in what it saves.
  BackwardReads backward_reads() const override { return {}; }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override {
    return backend.prepare(op_, context);
  }

 private:
  PoolOp op_;
  Rounding rounding_;
};

Value pool(Graph& g, std::string name, Value x, PoolKind kind, const PoolOptions& options) {
  PoolOp op;
  op.kind = kind;
  op.window_h = options.window_h > 0 ? options.window_h : options.window;
  op.window_w = options.window_w > 0 ? options.window_w : options.window;
  op.stride_h = options.stride != 0 ? options.stride : op.window_h;
  op.stride_w = options.stride != 0 ? options.stride : op.window_w;
  op.count_padding = options.count_padding;
  if (std::min({op.window_h, op.window_w, op.stride_h, op.stride_w}) < 1)
    throw ConfigError(
        fmt::format("{}: pooling window {}x{} with stride {}x{}, wanted positive ones", name,
                    op.window_h, op.window_w, op.stride_h, op.stride_w));
  op.padding = resolve(options.padding, g.shape(x), window_of(op));
  return g.apply(std::move(name), std::make_shared<PoolLayer>(op, options.rounding), {x});
}

Value global_pool(Graph& g, std::string name, Value x, PoolKind kind) {
  const Shape& in = g.shape(x);
  expect_rank(in, 4, "input", "N x H x W x C");
  return pool(
      g, std::move(name), x, kind,
      {.window_h = static_cast<int>(in.h()), .window_w = static_cast<int>(in.w()), .stride = 1});
}

}  // namespace

Value max_pool(Graph& g, std::string name, Value x, const PoolOptions& options) {
  return pool(g, std::move(name), x, PoolKind::kMax, options);
}

Value average_pool(Graph& g, std::string name, Value x, const PoolOptions& options) {
  return pool(g, std::move(name), x, PoolKind::kAverage, options);
}

Value global_max_pool(Graph& g, std::string name, Value x) {
  return global_pool(g, std::move(name), x, PoolKind::kMax);
}

Value global_average_pool(Graph& g, std::string name, Value x) {
  return global_pool(g, std::move(name), x, PoolKind::kAverage);
}

}  // namespace hadal
