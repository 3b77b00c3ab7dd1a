// Kernels that move whole channels about, or look at a pixel's neighbouring channels.
#include <cmath>
#include <vector>

#include "core/cuda/kernels.h"
#include "core/cuda/parallel.cuh"

namespace hadal::cuda {
namespace {

class ConcatKernel final : public Kernel {
 public:
  ConcatKernel(const KernelContext& context, const Queue& queue)
      : channels_(context.out.shape.c()),
        pixels_(context.out.shape.elements() / channels_),
        queue_(queue) {
    for (const TensorView& x : context.in) in_channels_.push_back(x.shape.c());
  }

  void forward(const KernelArgs& args) override {
    std::int64_t first = 0;
    for (std::size_t k = 0; k < in_channels_.size(); first += in_channels_[k++]) {
      const float* const x = args.in[k] ? args.in[k].as<float>() : nullptr;
      float* const y = args.out.as<float>() + first;
      const std::int64_t own = in_channels_[k], all = channels_;
      for_each(queue_, pixels_ * own,
               [=] HADAL_DEVICE(std::int64_t i) { y[i / own * all + i % own] = x ? x[i] : 0.0F; });
    }
  }

  void backward(const KernelArgs& args) override {
    std::int64_t first = 0;
    for (std::size_t k = 0; k < in_channels_.size(); first += in_channels_[k++]) {
      if (!args.d_in[k]) continue;
      const float* const dy = args.d_out.as<float>() + first;
      float* const dx = args.d_in[k].as<float>();
      const std::int64_t own = in_channels_[k], all = channels_;
      for_each(queue_, pixels_ * own,
               [=] HADAL_DEVICE(std::int64_t i) { dx[i] = dy[i / own * all + i % own]; });
    }
  }

 private:
  std::int64_t channels_, pixels_;
  std::vector<std::int64_t> in_channels_;
  Queue queue_;
};

/// A table of numbers where the kernels can read it.
Tensor table_of(const std::vector<std::int32_t>& values, Device* device) {
  const Shape shape{static_cast<std::int64_t>(values.size())};
  const Tensor here(shape, DType::kInt32);
  std::copy(values.begin(), values.end(), here.as<std::int32_t>());
  Tensor there(shape, DType::kInt32, Layout::kNhwc, device);
  copy_converted(here.view(), there.view());
  return there;
}

class GatherChannelsKernel final : public Kernel {
 public:
  GatherChannelsKernel(const GatherChannelsOp& op, const KernelContext& context, const Queue& queue)
      : in_channels_(context.in[0].shape.c()),
        out_channels_(static_cast<std::int64_t>(op.channels.size())),
        pixels_(context.in[0].shape.elements() / in_channels_),
        queue_(queue) {
    Device* const device = context.out.device;
    from_ = table_of({op.channels.begin(), op.channels.end()}, device);
    // Where each channel of the input went: takers[starts[c]] .. takers[starts[c + 1] - 1].
    std::vector<std::int32_t> starts = {0}, takers;
    for (std::int64_t c = 0; c < in_channels_; ++c) {
      for (std::size_t i = 0; i < op.channels.size(); ++i)
        if (op.channels[i] == c) takers.push_back(static_cast<std::int32_t>(i));
      starts.push_back(static_cast<std::int32_t>(takers.size()));
    }
    starts_ = table_of(starts, device);
    takers_ = table_of(takers, device);
  }

  void forward(const KernelArgs& args) override {
    const float* const x = args.in[0].as<float>();
    const std::int32_t* const from = from_.as<std::int32_t>();
    float* const y = args.out.as<float>();
    const std::int64_t in = in_channels_, out = out_channels_;
    for_each(queue_, pixels_ * out,
             [=] HADAL_DEVICE(std::int64_t i) { y[i] = x[i / out * in + from[i % out]]; });
  }

  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    const float* const dy = args.d_out.as<float>();
    const std::int32_t* const starts = starts_.as<std::int32_t>();
    const std::int32_t* const takers = takers_.as<std::int32_t>();
    float* const dx = args.d_in[0].as<float>();
    const std::int64_t in = in_channels_, out = out_channels_;
    for_each(queue_, pixels_ * in, [=] HADAL_DEVICE(std::int64_t i) {
      const std::int64_t c = i % in;
      double sum = 0;
      for (std::int32_t k = starts[c]; k < starts[c + 1]; ++k) sum += dy[i / in * out + takers[k]];
      dx[i] = static_cast<float>(sum);
    });
  }

 private:
  std::int64_t in_channels_, out_channels_, pixels_;
  Queue queue_;
  Tensor from_, starts_, takers_;
};

class FlattenKernel final : public Kernel {
 public:
  explicit FlattenKernel(const Queue& queue) : queue_(queue) {}

  void forward(const KernelArgs& args) override { copy(args.in[0], args.out); }
  void backward(const KernelArgs& args) override {
    if (args.d_in[0]) copy(args.d_out, args.d_in[0]);
  }

  void copy(const TensorView& from, const TensorView& to) const {
    if (from.data == to.data) return;
    const float* const x = from.as<float>();
    float* const y = to.as<float>();
    for_each(queue_, to.shape.elements(), [=] HADAL_DEVICE(std::int64_t i) { y[i] = x[i]; });
  }

 private:
  Queue queue_;
};

/// What the bodies of the padded shortcut need to know.
struct PadForm {
  std::int64_t stride, size;         // of windows: every stride-th pixel, size x size of them
  std::int64_t h, w, c;              // of x
  std::int64_t out_h, out_w, out_c;  // of y
  std::int64_t before;               // zero channels before those of x

  /// Pixels of x behind row (or column) `out` of y along an extent.
  HADAL_PORTABLE std::int64_t cells(std::int64_t out, std::int64_t extent) const {
    const std::int64_t first = out * stride;
    return first + size < extent ? size : extent - first;
  }
};

class PadShortcutKernel final : public Kernel {
 public:
  PadShortcutKernel(const PadShortcutOp& op, const KernelContext& context, const Queue& queue)
      : queue_(queue), in_(context.in[0].shape), out_(context.out.shape) {
    const std::int64_t size = op.subsampling == Subsampling::kPick ? 1 : op.stride;
    const std::int64_t before =
        op.channels == ChannelPadding::kSplit ? (out_.c() - in_.c()) / 2 : 0;
    form_ = {op.stride, size, in_.h(), in_.w(), in_.c(), out_.h(), out_.w(), out_.c(), before};
  }

  void forward(const KernelArgs& args) override {
    const float* const x = args.in[0].as<float>();
    float* const y = args.out.as<float>();
    const PadForm f = form_;
    for_each(queue_, out_.elements(), [=] HADAL_DEVICE(std::int64_t i) {
      const std::int64_t c = i % f.out_c - f.before, q = i / f.out_c % f.out_w,
                         p = i / f.out_c / f.out_w % f.out_h, n = i / f.out_c / f.out_w / f.out_h;
      if (c < 0 || c >= f.c) {
        y[i] = 0;
        return;
      }
      const std::int64_t rows = f.cells(p, f.h), columns = f.cells(q, f.w);
      double sum = 0;
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t k = 0; k < columns; ++k)
          sum += x[((n * f.h + p * f.stride + r) * f.w + q * f.stride + k) * f.c + c];
      y[i] = static_cast<float>(sum / static_cast<double>(rows * columns));
    });
  }

  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    const float* const dy = args.d_out.as<float>();
    float* const dx = args.d_in[0].as<float>();
    const PadForm f = form_;
    for_each(queue_, in_.elements(), [=] HADAL_DEVICE(std::int64_t i) {
      const std::int64_t c = i % f.c, w = i / f.c % f.w, h = i / f.c / f.w % f.h,
                         n = i / f.c / f.w / f.h;
      const std::int64_t p = h / f.stride, q = w / f.stride;
      const bool seen =
          h % f.stride < f.size && w % f.stride < f.size && p < f.out_h && q < f.out_w;
      dx[i] =
          seen ? static_cast<float>(dy[((n * f.out_h + p) * f.out_w + q) * f.out_c + f.before + c] /
                                    static_cast<double>(f.cells(p, f.h) * f.cells(q, f.w)))
               : 0.0F;
    });
  }

 private:
  Queue queue_;
  Shape in_, out_;
  PadForm form_{};
};

struct LrnForm {
  double k, alpha, beta;
  std::int64_t half, channels;

  HADAL_PORTABLE std::int64_t begin(std::int64_t c) const { return c > half ? c - half : 0; }
  HADAL_PORTABLE std::int64_t end(std::int64_t c) const {
    return c + half + 1 < channels ? c + half + 1 : channels;
  }
  /// k + alpha * sum of squares over the window of channel c of the pixel x.
  HADAL_PORTABLE double scale(const float* x, std::int64_t c) const {
    double sum = 0;
    for (std::int64_t i = begin(c); i < end(c); ++i) sum += double{x[i]} * x[i];
    return k + alpha * sum;
  }
};

class LrnKernel final : public Kernel {
 public:
  LrnKernel(const LrnOp& op, const KernelContext& context, const Queue& queue)
      : elements_(context.out.shape.elements()),
        form_{op.k, op.alpha, op.beta, op.size / 2, context.out.shape.c()},
        queue_(queue) {}

  void forward(const KernelArgs& args) override {
    const float* const x = args.in[0].as<float>();
    float* const y = args.out.as<float>();
    const LrnForm f = form_;
    for_each(queue_, elements_, [=] HADAL_DEVICE(std::int64_t i) {
      const std::int64_t c = i % f.channels;
      y[i] = static_cast<float>(x[i] * std::pow(f.scale(x + (i - c), c), -f.beta));
    });
  }

  // The formula stands with the reference kernel.
  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    const float* const x = args.in[0].as<float>();
    const float* const dy = args.d_out.as<float>();
    float* const dx = args.d_in[0].as<float>();
    const LrnForm f = form_;
    for_each(queue_, elements_, [=] HADAL_DEVICE(std::int64_t i) {
      const std::int64_t c = i % f.channels;
      const float* const pixel = x + (i - c);
      double through_scales = 0;
      for (std::int64_t k = f.begin(c); k < f.end(c); ++k)
        through_scales += dy[i - c + k] * pixel[k] * std::pow(f.scale(pixel, k), -f.beta - 1);
      dx[i] = static_cast<float>(dy[i] * std::pow(f.scale(pixel, c), -f.beta) -
                                 2 * f.alpha * f.beta * x[i] * through_scales);
    });
  }

 private:
  std::int64_t elements_;
  LrnForm form_;
  Queue queue_;
};

}  // namespace

KernelPtr make_concat(const KernelContext& context, const Queue& queue) {
  return std::make_unique<ConcatKernel>(context, queue);
}
KernelPtr make_gather_channels(const GatherChannelsOp& op, const KernelContext& context,
                               const Queue& queue) {
  return std::make_unique<GatherChannelsKernel>(op, context, queue);
}
KernelPtr make_flatten(const KernelContext&, const Queue& queue) {
  return std::make_unique<FlattenKernel>(queue);
}
KernelPtr make_pad_shortcut(const PadShortcutOp& op, const KernelContext& context,
                            const Queue& queue) {
  return std::make_unique<PadShortcutKernel>(op, context, queue);
}
KernelPtr make_lrn(const LrnOp& op, const KernelContext& context, const Queue& queue) {
  return std::make_unique<LrnKernel>(op, context, queue);
}

}  // namespace hadal::cuda
