// Batch normalisation with the addition and the ReLU after it, in two passes over memory forward
// (sums; apply) and two backward (sums; apply). The formulas are those of the reference kernel.
// Sums of squares are taken around the mean of the first image, so nothing cancels. Where the ReLU
// was open is kept as one bit per element, so backward reads x and d_out alone. The second pass
// runs through the images in reverse: the last ones of the first are still in the cache.
#include <cmath>
#include <vector>

#include "core/cpu/channel_rows.h"
#include "core/cpu/kernels.h"
#include "core/cpu/workspace.h"

namespace hadal::cpu {
namespace {

// Rows fetched ahead of their use: the hardware alone keeps too few loads in flight (ResNet-110,
// batch 128: 206 -> 229 img/s; 16 to 64 rows do about the same).
constexpr std::int64_t kAhead = 32;

// Per-channel numbers of one block.
struct alignas(64) Lanes {
  float at[kBlock];
};

using Bits = std::uint16_t;  // one per channel of a row

// Means over all pixels of x - origin and of (x - origin)^2.
struct Moments {
  double first[kBlock], second[kBlock];
};

HADAL_AVX512 void mean_of_image(const float* row, const ChannelRows& rows, __mmask16 lanes,
                                float* mean) {
  DoubleSum total;
  for (std::int64_t first = 0; first < rows.pixels; first += kPixelsInFloat) {
    const std::int64_t last = std::min(rows.pixels, first + kPixelsInFloat);
    __m512 sum = _mm512_setzero_ps();
    for (std::int64_t p = first; p < last; ++p)
      sum = plus(sum, _mm512_maskz_loadu_ps(lanes, row + p * rows.pixel_stride));
    total.add(sum);
  }
  store(mean, times(1.0f / static_cast<float>(rows.pixels), total.as_float()));
}

HADAL_AVX512 Moments moments(const float* x, const ChannelRows& rows, std::int64_t block,
                             const float* origin) {
  const __mmask16 lanes = rows.lanes(block);
  const __m512 o = load(origin);
  const std::int64_t stride = rows.pixel_stride;
  DoubleSum total, total_squares;
  for (std::int64_t n = 0; n < rows.images; ++n)
    for (std::int64_t first = 0; first < rows.pixels; first += kPixelsInFloat) {
      const float* row = x + rows.row(n, block) + first * stride;
      const std::int64_t count = std::min(kPixelsInFloat, rows.pixels - first);
      __m512 sum[4] = {}, squares[4] = {};
      std::int64_t p = 0;
      for (; p + 4 <= count; p += 4)
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
          fetch(row + (p + i + kAhead) * stride);
          const __m512 d =
              _mm512_maskz_sub_ps(lanes, _mm512_maskz_loadu_ps(lanes, row + (p + i) * stride), o);
          sum[i] = plus(sum[i], d);
          squares[i] = _mm512_fmadd_ps(d, d, squares[i]);
        }
      for (; p < count; ++p) {
        const __m512 d =
            _mm512_maskz_sub_ps(lanes, _mm512_maskz_loadu_ps(lanes, row + p * stride), o);
        sum[0] = plus(sum[0], d);
        squares[0] = _mm512_fmadd_ps(d, d, squares[0]);
      }
      total.add(plus(plus(sum[0], sum[1]), plus(sum[2], sum[3])));
      total_squares.add(plus(plus(squares[0], squares[1]), plus(squares[2], squares[3])));
    }
  Moments result;
  total.store_to(result.first);
  total_squares.store_to(result.second);
  const double pixels = static_cast<double>(rows.images * rows.pixels);
  for (int i = 0; i < kBlock; ++i) {
    result.first[i] /= pixels;
    result.second[i] /= pixels;
  }
  return result;
}

// y = [relu] ([shortcut +] [(x - mean) scale + beta]); either x or the shortcut may be absent.
template <bool kX, bool kShortcut, bool kRelu>
HADAL_AVX512 void apply(const float* x, const float* shortcut, const ChannelRows& rows,
                        std::int64_t block, const Lanes& mean, const Lanes& scale,
                        const Lanes& beta, Bits* bits, float* y) {
  const __mmask16 lanes = rows.lanes(block);
  const __m512 m = load(mean.at), s = load(scale.at), b = load(beta.at);
  for (std::int64_t n = rows.images - 1; n >= 0; --n) {
    const std::int64_t row = rows.row(n, block);
    Bits* row_bits = bits + (n * rows.blocks + block) * rows.pixels;
    for (std::int64_t p = 0; p < rows.pixels; ++p) {
      const std::int64_t at = row + p * rows.pixel_stride;
      if constexpr (kX) fetch(x + at + kAhead * rows.pixel_stride);
      if constexpr (kShortcut) fetch(shortcut + at + kAhead * rows.pixel_stride);
      fetch_for_writing(y + at + kAhead * rows.pixel_stride);
      __m512 z = _mm512_setzero_ps();
      if constexpr (kX) z = _mm512_fmadd_ps(minus(_mm512_maskz_loadu_ps(lanes, x + at), m), s, b);
      if constexpr (kShortcut) z = plus(z, _mm512_maskz_loadu_ps(lanes, shortcut + at));
      if constexpr (kRelu) {
        row_bits[p] = _mm512_cmp_ps_mask(z, _mm512_setzero_ps(), _CMP_GT_OQ);
        z = _mm512_max_ps(_mm512_setzero_ps(), z);  // this order lets NaN through
      }
      _mm512_mask_storeu_ps(y + at, lanes, z);
    }
  }
}

// sum(dz) and sum(dz (x - mean)) over all pixels.
template <bool kRelu>
HADAL_AVX512 Moments gradient_sums(const float* x, const float* d_out, const ChannelRows& rows,
                                   std::int64_t block, const Lanes& mean, const Bits* bits) {
  const __mmask16 lanes = rows.lanes(block);
  const __m512 m = load(mean.at);
  const std::int64_t stride = rows.pixel_stride;
  DoubleSum total, total_products;
  for (std::int64_t n = 0; n < rows.images; ++n) {
    const Bits* row_bits = bits + (n * rows.blocks + block) * rows.pixels;
    for (std::int64_t first = 0; first < rows.pixels; first += kPixelsInFloat) {
      const std::int64_t row = rows.row(n, block),
                         last = std::min(rows.pixels, first + kPixelsInFloat);
      __m512 sum[4] = {}, products[4] = {};
      const auto add = [&](std::int64_t p, int i) HADAL_AVX512 {
        fetch(d_out + row + (p + kAhead) * stride);
        fetch(x + row + (p + kAhead) * stride);
        const __mmask16 open = kRelu ? row_bits[p] & lanes : lanes;
        const __m512 d = _mm512_maskz_loadu_ps(open, d_out + row + p * stride);
        const __m512 centred = minus(_mm512_maskz_loadu_ps(lanes, x + row + p * stride), m);
        sum[i] = plus(sum[i], d);
        products[i] = _mm512_fmadd_ps(d, centred, products[i]);
      };
      std::int64_t p = first;
      for (; p + 4 <= last; p += 4)
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) add(p + i, i);
      for (; p < last; ++p) add(p, 0);
      total.add(plus(plus(sum[0], sum[1]), plus(sum[2], sum[3])));
      total_products.add(plus(plus(products[0], products[1]), plus(products[2], products[3])));
    }
  }
  Moments result;
  total.store_to(result.first);
  total_products.store_to(result.second);
  return result;
}

// d_x = a dz + b (x - mean) + c and d_shortcut = dz, each where wanted. Either may lie on d_out: a
// row is read before it is written.
template <bool kRelu, bool kShortcut, bool kX>
HADAL_AVX512 void apply_gradient(const float* x, const float* d_out, const ChannelRows& rows,
                                 std::int64_t block, const Lanes& mean, const Lanes& a,
                                 const Lanes& b, const Lanes& c, const Bits* bits, float* d_x,
                                 float* d_shortcut) {
  const __mmask16 lanes = rows.lanes(block);
  const __m512 m = load(mean.at), va = load(a.at), vb = load(b.at), vc = load(c.at);
  for (std::int64_t n = rows.images - 1; n >= 0; --n) {
    const std::int64_t row = rows.row(n, block);
    const Bits* row_bits = bits + (n * rows.blocks + block) * rows.pixels;
    for (std::int64_t p = 0; p < rows.pixels; ++p) {
      const std::int64_t at = row + p * rows.pixel_stride;
      fetch(d_out + at + kAhead * rows.pixel_stride);
      if constexpr (kX) fetch(x + at + kAhead * rows.pixel_stride);
      if constexpr (kX) fetch_for_writing(d_x + at + kAhead * rows.pixel_stride);
      const __mmask16 open = kRelu ? row_bits[p] & lanes : lanes;
      const __m512 d = _mm512_maskz_loadu_ps(open, d_out + at);
      if constexpr (kX) {
        const __m512 centred = minus(_mm512_maskz_loadu_ps(lanes, x + at), m);
        const __m512 dx = _mm512_fmadd_ps(va, d, _mm512_fmadd_ps(vb, centred, vc));
        _mm512_mask_storeu_ps(d_x + at, lanes, dx);
      }
      if constexpr (kShortcut) _mm512_mask_storeu_ps(d_shortcut + at, lanes, d);
    }
  }
}

class BatchNorm final : public Kernel {
 public:
  BatchNorm(const BatchNormOp& op, const KernelContext& context)
      : op_(op), training_(context.training), rows_(context.out) {
    mean_ = saved_.book(rows_.padded_channels() * sizeof(float));
    inverse_deviation_ = saved_.book(rows_.padded_channels() * sizeof(float));
    if (op.relu) bits_ = saved_.book(rows_.images * rows_.blocks * rows_.pixels * sizeof(Bits));
  }

  std::size_t saved_bytes() const override { return saved_.bytes(); }

  void forward(const KernelArgs& args) override {
    const float* x = args.in[0] ? args.in[0].as<float>() : nullptr;
    const float* shortcut = op_.add && args.in[1] ? args.in[1].as<float>() : nullptr;
    for (std::int64_t b = 0; b < rows_.blocks; ++b) {
      if (x) normaliser(args, b);
      const Lanes mean = x ? saved_lanes(args, mean_, b) : Lanes{};
      Lanes scale = {}, beta = {};
      const float branch = training_ ? 1.0f : static_cast<float>(op_.branch_scale);
      for (int i = 0; x && i < channels_in(b); ++i) {
        const std::int64_t c = b * kBlock + i;
        scale.at[i] = branch * gamma(args, c) * saved_lanes(args, inverse_deviation_, b).at[i];
        beta.at[i] = op_.affine ? branch * args.parameters[1].as<float>()[c] : 0.0f;
      }
      const auto run = [&]<bool kX, bool kShortcut>() {
        const auto form = op_.relu ? &apply<kX, kShortcut, true> : &apply<kX, kShortcut, false>;
        form(x, shortcut, rows_, b, mean, scale, beta, bits(args), args.out.as<float>());
      };
      if (x && shortcut)
        run.template operator()<true, true>();
      else if (x)
        run.template operator()<true, false>();
      else
        run.template operator()<false, true>();
    }
  }

  void backward(const KernelArgs& args) override {
    const bool has_x = static_cast<bool>(args.in[0]);
    float* d_x = has_x && args.d_in[0] ? args.d_in[0].as<float>() : nullptr;
    float* d_shortcut = op_.add && args.d_in[1] ? args.d_in[1].as<float>() : nullptr;
    for (std::int64_t b = 0; b < rows_.blocks; ++b) {
      Factors factors;
      if (has_x) factors = factors_of(args, b, d_x != nullptr);
      const auto run = [&]<bool kShortcut, bool kX>() {
        const auto form =
            op_.relu ? &apply_gradient<true, kShortcut, kX> : &apply_gradient<false, kShortcut, kX>;
        form(has_x ? args.in[0].as<float>() : nullptr, args.d_out.as<float>(), rows_, b,
             factors.mean, factors.a, factors.b, factors.c, bits(args), d_x, d_shortcut);
      };
      if (d_x && d_shortcut)
        run.template operator()<true, true>();
      else if (d_x)
        run.template operator()<false, true>();
      else if (d_shortcut)
        run.template operator()<true, false>();
    }
  }

 private:
  struct Factors {
    Lanes mean = {}, a = {}, b = {}, c = {};
  };

  // Sets mean and 1 / sqrt(var + epsilon) of one block, and in training the batch's statistics.
  void normaliser(const KernelArgs& args, std::int64_t b) const {
    Lanes& mean = saved_lanes(args, mean_, b);
    Lanes& inverse_deviation = saved_lanes(args, inverse_deviation_, b);
    mean = inverse_deviation = {};
    if (!training_) {
      for (int i = 0; i < channels_in(b); ++i) {
        mean.at[i] = args.running[0].as<float>()[b * kBlock + i];
        inverse_deviation.at[i] = inverse_root(args.running[1].as<float>()[b * kBlock + i]);
      }
      return;
    }
    const float* x = args.in[0].as<float>();
    Lanes origin;
    mean_of_image(x + rows_.row(0, b), rows_, rows_.lanes(b), origin.at);
    const Moments around = moments(x, rows_, b, origin.at);
    const double m = static_cast<double>(rows_.images * rows_.pixels);
    for (int i = 0; i < channels_in(b); ++i) {
      const std::int64_t c = b * kBlock + i;
      const double variance = std::max(0.0, around.second[i] - around.first[i] * around.first[i]);
      mean.at[i] = static_cast<float>(origin.at[i] + around.first[i]);
      inverse_deviation.at[i] = inverse_root(variance);
      args.statistics[0].as<float>()[c] = mean.at[i];
      args.statistics[1].as<float>()[c] = static_cast<float>(variance * m / std::max(m - 1, 1.0));
    }
  }

  Factors factors_of(const KernelArgs& args, std::int64_t b, bool wants_d_x) const {
    Factors f;
    f.mean = saved_lanes(args, mean_, b);
    const bool wants_d_parameters =
        op_.affine && !args.d_parameters.empty() && args.d_parameters[0];
    Moments sums = {};
    if (wants_d_parameters || (wants_d_x && training_)) {
      const auto form = op_.relu ? &gradient_sums<true> : &gradient_sums<false>;
      sums = form(args.in[0].as<float>(), args.d_out.as<float>(), rows_, b, f.mean, bits(args));
    }
    const double branch = training_ ? 1.0 : op_.branch_scale;
    const double m = static_cast<double>(rows_.images * rows_.pixels);
    for (int i = 0; i < channels_in(b); ++i) {
      const std::int64_t c = b * kBlock + i;
      const double inverse = saved_lanes(args, inverse_deviation_, b).at[i];
      const double dz_sum = branch * sums.first[i], dz_x_sum = branch * sums.second[i] * inverse;
      if (wants_d_parameters) {
        args.d_parameters[0].as<float>()[c] = static_cast<float>(dz_x_sum);
        args.d_parameters[1].as<float>()[c] = static_cast<float>(dz_sum);
      }
      const double scale = gamma(args, c) * inverse;
      f.a.at[i] = static_cast<float>(scale * branch);
      if (!training_) continue;
      f.b.at[i] = static_cast<float>(-scale * inverse * dz_x_sum / m);
      f.c.at[i] = static_cast<float>(-scale * dz_sum / m);
    }
    return f;
  }

  float inverse_root(double variance) const {
    return static_cast<float>(1 / std::sqrt(variance + op_.epsilon));
  }
  std::int64_t channels_in(std::int64_t b) const {
    return std::min(kBlock, rows_.channels - b * kBlock);
  }
  float gamma(const KernelArgs& args, std::int64_t c) const {
    return op_.affine ? args.parameters[0].as<float>()[c] : 1.0f;
  }
  static Lanes& saved_lanes(const KernelArgs& args, std::size_t offset, std::int64_t b) {
    return reinterpret_cast<Lanes*>(args.saved + offset)[b];
  }
  Bits* bits(const KernelArgs& args) const { return reinterpret_cast<Bits*>(args.saved + bits_); }

  BatchNormOp op_;
  bool training_;
  ChannelRows rows_;
  WorkspacePlan saved_;
  std::size_t mean_ = 0, inverse_deviation_ = 0, bits_ = 0;
};

}  // namespace

KernelPtr make_batch_norm(const BatchNormOp& op, const KernelContext& context) {
  return std::make_unique<BatchNorm>(op, context);
}

}  // namespace hadal::cpu
