#include <algorithm>

#include "core/reference/kernels.h"
#include "core/reference/nhwc.h"

namespace hadal::reference {
namespace {

/// The cells of a window that lie inside the image: rows [top, bottom), columns [left, right).
struct Cells {
  std::int64_t top, bottom, left, right;
  std::int64_t padded_count;  // those inside the padded image

  std::int64_t count() const { return (bottom - top) * (right - left); }
};

Cells cells_of(const PoolOp& op, const Shape& in, std::int64_t p, std::int64_t q) {
  const std::int64_t top = p * op.stride_h - op.padding.top;
  const std::int64_t left = q * op.stride_w - op.padding.left;
  const std::int64_t padded_bottom = std::min(top + op.window_h, in.h() + op.padding.bottom);
  const std::int64_t padded_right = std::min(left + op.window_w, in.w() + op.padding.right);
  return {std::max<std::int64_t>(top, 0), std::min(padded_bottom, in.h()),
          std::max<std::int64_t>(left, 0), std::min(padded_right, in.w()),
          (padded_bottom - top) * (padded_right - left)};
}

/// Calls visit(n, p, q, c, position in the output).
template <typename Visit>
void for_each_output(const Shape& out, const Visit& visit) {
  std::int64_t position = 0;
  for (std::int64_t n = 0; n < out.n(); ++n)
    for (std::int64_t p = 0; p < out.h(); ++p)
      for (std::int64_t q = 0; q < out.w(); ++q)
        for (std::int64_t c = 0; c < out.c(); ++c) visit(n, p, q, c, position++);
}

template <typename T>
class MaxPoolKernel final : public Kernel {
 public:
  MaxPoolKernel(const PoolOp& op, const KernelContext& context)
      : op_(op), in_(context.in[0].shape), out_(context.out.shape), saves_(context.wants_d_in[0]) {}

  /// For each output the place of its maximum in the sample's H x W, h * W + w, as int32.
  std::size_t saved_bytes() const override {
    return saves_ ? static_cast<std::size_t>(out_.elements()) * sizeof(std::int32_t) : 0;
  }

  void forward(const KernelArgs& args) override {
    const Nhwc<T> x(args.in[0]);
    auto* places = reinterpret_cast<std::int32_t*>(args.saved);
    const auto pool = [&](auto n, auto p, auto q, auto c, auto position) {
      const Cells cells = cells_of(op_, in_, p, q);
      std::int64_t best_h = cells.top, best_w = cells.left;
      for (std::int64_t h = cells.top; h < cells.bottom; ++h)
        for (std::int64_t w = cells.left; w < cells.right; ++w)
          if (x(n, h, w, c) > x(n, best_h, best_w, c)) best_h = h, best_w = w;
      args.out.as<T>()[position] = x(n, best_h, best_w, c);
      if (saves_) places[position] = static_cast<std::int32_t>(best_h * in_.w() + best_w);
    };
    for_each_output(out_, pool);
  }

  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    const auto* places = reinterpret_cast<const std::int32_t*>(args.saved);
    const Nhwc<T> dx(args.d_in[0]);
    std::fill_n(args.d_in[0].as<T>(), in_.elements(), T(0));
    for_each_output(out_, [&](auto n, auto, auto, auto c, auto position) {
      const std::int64_t place = places[position];
      dx(n, place / in_.w(), place % in_.w(), c) += args.d_out.as<T>()[position];
    });
  }

 private:
  PoolOp op_;
  Shape in_, out_;
  bool saves_;
};

template <typename T>
class AveragePoolKernel final : public Kernel {
 public:
  AveragePoolKernel(const PoolOp& op, const KernelContext& context)
      : op_(op), in_(context.in[0].shape), out_(context.out.shape) {}

  void forward(const KernelArgs& args) override {
    const Nhwc<T> x(args.in[0]);
    for_each_output(out_, [&](auto n, auto p, auto q, auto c, auto position) {
      const Cells cells = cells_of(op_, in_, p, q);
      double sum = 0;
      for (std::int64_t h = cells.top; h < cells.bottom; ++h)
        for (std::int64_t w = cells.left; w < cells.right; ++w) sum += x(n, h, w, c);
      args.out.as<T>()[position] = static_cast<T>(sum / divisor(cells));
    });
  }

  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    const Nhwc<T> dx(args.d_in[0]);
    std::fill_n(args.d_in[0].as<T>(), in_.elements(), T(0));
    for_each_output(out_, [&](auto n, auto p, auto q, auto c, auto position) {
      const Cells cells = cells_of(op_, in_, p, q);
      const T share = static_cast<T>(args.d_out.as<T>()[position] / divisor(cells));
      for (std::int64_t h = cells.top; h < cells.bottom; ++h)
        for (std::int64_t w = cells.left; w < cells.right; ++w) dx(n, h, w, c) += share;
    });
  }

 private:
  double divisor(const Cells& cells) const {
    return static_cast<double>(op_.count_padding ? cells.padded_count : cells.count());
  }

  PoolOp op_;
  Shape in_, out_;
};

}  // namespace

KernelPtr make_kernel(const PoolOp& op, const KernelContext& context) {
  if (op.kind == PoolKind::kMax) return make_for_type<MaxPoolKernel>(context.out.type, op, context);
  return make_for_type<AveragePoolKernel>(context.out.type, op, context);
}

}  // namespace hadal::reference
