// Gradients of windows that overlap are gathered by the input pixel, window by window in order, so
// that nobody adds to what another one adds to.
#include "core/cuda/channel_sums.cuh"
#include "core/cuda/kernels.h"

namespace hadal::cuda {
namespace {

/// One extent of the windows.
struct Axis {
  std::int64_t in, out, window, stride, before, after;  // before, after: padding

  HADAL_PORTABLE std::int64_t first(std::int64_t o) const { return o * stride - before; }
  /// Inside the image: [begin, end).
  HADAL_PORTABLE std::int64_t begin(std::int64_t o) const { return first(o) > 0 ? first(o) : 0; }
  HADAL_PORTABLE std::int64_t end(std::int64_t o) const {
    return padded_end(o) < in ? padded_end(o) : in;
  }
  HADAL_PORTABLE std::int64_t padded_end(std::int64_t o) const {
    const std::int64_t last = first(o) + window;
    return last < in + after ? last : in + after;
  }
  /// The windows over place i: [first_window, last_window].
  HADAL_PORTABLE std::int64_t first_window(std::int64_t i) const {
    const std::int64_t from = i + before - window + 1;
    return from > 0 ? (from + stride - 1) / stride : 0;
  }
  HADAL_PORTABLE std::int64_t last_window(std::int64_t i) const {
    const std::int64_t last = (i + before) / stride;
    return last < out ? last : out - 1;
  }
};

struct Windows {
  Axis h, w;
  std::int64_t c;
  bool count_padding;

  HADAL_PORTABLE double divisor(std::int64_t p, std::int64_t q) const {
    return count_padding ? static_cast<double>((h.padded_end(p) - h.first(p)) *
                                               (w.padded_end(q) - w.first(q)))
                         : static_cast<double>((h.end(p) - h.begin(p)) * (w.end(q) - w.begin(q)));
  }
};

struct Place {
  std::int64_t n, h, w, c;
};

HADAL_PORTABLE Place place_of(std::int64_t i, std::int64_t h, std::int64_t w, std::int64_t c) {
  return {i / c / w / h, i / c / w % h, i / c % w, i % c};
}

Windows windows_of(const PoolOp& op, const Shape& in, const Shape& out) {
  return {{in.h(), out.h(), op.window_h, op.stride_h, op.padding.top, op.padding.bottom},
          {in.w(), out.w(), op.window_w, op.stride_w, op.padding.left, op.padding.right},
          in.c(),
          op.count_padding};
}

/// Saves for each output the place of its maximum, h * W + w, as int32.
class MaxPoolKernel final : public Kernel {
 public:
  MaxPoolKernel(const PoolOp& op, const KernelContext& context, const Queue& queue)
      : in_(context.in[0].shape),
        out_(context.out.shape),
        windows_(windows_of(op, in_, out_)),
        saves_(context.wants_d_in[0]),
        queue_(queue) {}

  std::size_t saved_bytes() const override {
    return saves_ ? static_cast<std::size_t>(out_.elements()) * sizeof(std::int32_t) : 0;
  }

  void forward(const KernelArgs& args) override {
    const float* const x = args.in[0].as<float>();
    float* const y = args.out.as<float>();
    auto* const places = saves_ ? reinterpret_cast<std::int32_t*>(args.saved) : nullptr;
    const Windows f = windows_;
    for_each(queue_, out_.elements(), [=] HADAL_DEVICE(std::int64_t i) {
      const Place o = place_of(i, f.h.out, f.w.out, f.c);
      const float* const image = x + o.n * f.h.in * f.w.in * f.c + o.c;
      std::int64_t best = f.h.begin(o.h) * f.w.in + f.w.begin(o.w);
      for (std::int64_t h = f.h.begin(o.h); h < f.h.end(o.h); ++h)
        for (std::int64_t w = f.w.begin(o.w); w < f.w.end(o.w); ++w)
          if (image[(h * f.w.in + w) * f.c] > image[best * f.c]) best = h * f.w.in + w;
      y[i] = image[best * f.c];
      if (places) places[i] = static_cast<std::int32_t>(best);
    });
  }

  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    const float* const dy = args.d_out.as<float>();
    const auto* const places = reinterpret_cast<const std::int32_t*>(args.saved);
    float* const dx = args.d_in[0].as<float>();
    const Windows f = windows_;
    for_each(queue_, in_.elements(), [=] HADAL_DEVICE(std::int64_t i) {
      const Place at = place_of(i, f.h.in, f.w.in, f.c);
      float sum = 0;
      for (std::int64_t p = f.h.first_window(at.h); p <= f.h.last_window(at.h); ++p)
        for (std::int64_t q = f.w.first_window(at.w); q <= f.w.last_window(at.w); ++q) {
          const std::int64_t o = ((at.n * f.h.out + p) * f.w.out + q) * f.c + at.c;
          if (places[o] == at.h * f.w.in + at.w) sum += dy[o];
        }
      dx[i] = sum;
    });
  }

 private:
  Shape in_, out_;
  Windows windows_;
  bool saves_;
  Queue queue_;
};

class AveragePoolKernel final : public Kernel {
 public:
  AveragePoolKernel(const PoolOp& op, const KernelContext& context, const Queue& queue)
      : in_(context.in[0].shape),
        out_(context.out.shape),
        windows_(windows_of(op, in_, out_)),
        queue_(queue) {}

  void forward(const KernelArgs& args) override {
    const float* const x = args.in[0].as<float>();
    float* const y = args.out.as<float>();
    const Windows f = windows_;
    for_each(queue_, out_.elements(), [=] HADAL_DEVICE(std::int64_t i) {
      const Place o = place_of(i, f.h.out, f.w.out, f.c);
      const float* const image = x + o.n * f.h.in * f.w.in * f.c + o.c;
      double sum = 0;
      for (std::int64_t h = f.h.begin(o.h); h < f.h.end(o.h); ++h)
        for (std::int64_t w = f.w.begin(o.w); w < f.w.end(o.w); ++w)
          sum += image[(h * f.w.in + w) * f.c];
      y[i] = static_cast<float>(sum / f.divisor(o.h, o.w));
    });
  }

  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    const float* const dy = args.d_out.as<float>();
    float* const dx = args.d_in[0].as<float>();
    const Windows f = windows_;
    for_each(queue_, in_.elements(), [=] HADAL_DEVICE(std::int64_t i) {
      const Place at = place_of(i, f.h.in, f.w.in, f.c);
      float sum = 0;
      for (std::int64_t p = f.h.first_window(at.h); p <= f.h.last_window(at.h); ++p)
        for (std::int64_t q = f.w.first_window(at.w); q <= f.w.last_window(at.w); ++q)
          sum += static_cast<float>(dy[((at.n * f.h.out + p) * f.w.out + q) * f.c + at.c] /
                                    f.divisor(p, q));
      dx[i] = sum;
    });
  }

 private:
  Shape in_, out_;
  Windows windows_;
  Queue queue_;
};

/// A subsampled pixel and the sum over its window.
struct SubsampleForm {
  std::int64_t window, h, w, c, out_h, out_w;

  HADAL_PORTABLE double window_sum(const float* x, std::int64_t pixel, std::int64_t channel) const {
    const std::int64_t q = pixel % out_w, p = pixel / out_w % out_h, n = pixel / out_w / out_h;
    double sum = 0;
    for (std::int64_t i = 0; i < window; ++i)
      for (std::int64_t j = 0; j < window; ++j)
        sum += x[((n * h + p * window + i) * w + q * window + j) * c + channel];
    return sum;
  }
};

class SubsampleKernel final : public Kernel {
 public:
  SubsampleKernel(const SubsampleOp& op, const KernelContext& context, const Queue& queue)
      : in_(context.in[0].shape),
        out_(context.out.shape),
        form_{op.window, in_.h(), in_.w(), in_.c(), out_.h(), out_.w()},
        pixels_(out_.elements() / out_.c()),
        queue_(queue) {}

  std::size_t workspace_bytes() const override { return channel_sums_bytes<2>(pixels_, out_.c()); }

  void forward(const KernelArgs& args) override {
    const float* const x = args.in[0].as<float>();
    const float* const a = args.parameters[0].as<float>();
    const float* const b = args.parameters[1].as<float>();
    float* const y = args.out.as<float>();
    const SubsampleForm f = form_;
    for_each(queue_, out_.elements(), [=] HADAL_DEVICE(std::int64_t i) {
      const std::int64_t c = i % f.c;
      y[i] = static_cast<float>(a[c] * f.window_sum(x, i / f.c, c) + b[c]);
    });
  }

  void backward(const KernelArgs& args) override {
    const float* const dy = args.d_out.as<float>();
    const SubsampleForm f = form_;
    if (args.d_in[0]) {
      const float* const a = args.parameters[0].as<float>();
      float* const dx = args.d_in[0].as<float>();
      for_each(queue_, in_.elements(), [=] HADAL_DEVICE(std::int64_t i) {
        const Place at = place_of(i, f.h, f.w, f.c);
        const std::int64_t p = at.h / f.window, q = at.w / f.window;
        dx[i] = p < f.out_h && q < f.out_w
                    ? a[at.c] * dy[((at.n * f.out_h + p) * f.out_w + q) * f.c + at.c]
                    : 0.0F;
      });
    }
    if (args.d_parameters.empty()) return;
    const float* const x = args.in[0].as<float>();
    float* const da = args.d_parameters[0] ? args.d_parameters[0].as<float>() : nullptr;
    float* const db = args.d_parameters[1] ? args.d_parameters[1].as<float>() : nullptr;
    sum_channels<2>(
        queue_, pixels_, out_.c(), args.workspace,
        [=] HADAL_DEVICE(std::int64_t row, std::int64_t c) {
          const double d = dy[row * f.c + c];
          return Sums<2>{{d * f.window_sum(x, row, c), d}};
        },
        [=] HADAL_DEVICE(std::int64_t c, const Sums<2>& sums) {
          if (da) da[c] = static_cast<float>(sums.of[0]);
          if (db) db[c] = static_cast<float>(sums.of[1]);
        });
  }

 private:
  Shape in_, out_;
  SubsampleForm form_;
  std::int64_t pixels_;
  Queue queue_;
};

}  // namespace

KernelPtr make_pool(const PoolOp& op, const KernelContext& context, const Queue& queue) {
  if (op.kind == PoolKind::kMax) return std::make_unique<MaxPoolKernel>(op, context, queue);
  return std::make_unique<AveragePoolKernel>(op, context, queue);
}
KernelPtr make_subsample(const SubsampleOp& op, const KernelContext& context, const Queue& queue) {
  return std::make_unique<SubsampleKernel>(op, context, queue);
}

}  // namespace hadal::cuda
