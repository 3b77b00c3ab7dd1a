// Batch normalisation for machines without AVX-512: NHWC in float32, loops over pixels with the
// channels innermost, which any compiler turns into the vectors it has. The formulas are those of
// the reference kernel; sums run in float32 over one image, in double above, squares around the
// mean of the first image.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/cpu/kernels.h"

namespace hadal::cpu {
namespace {

class PlainBatchNorm final : public Kernel {
 public:
  PlainBatchNorm(const BatchNormOp& op, const KernelContext& context)
      : op_(op),
        training_(context.training),
        branch_scale_(training_ ? 1.0f : static_cast<float>(op.branch_scale)),
        images_(context.out.shape.n()),
        pixels_(context.out.shape.h() * context.out.shape.w()),
        channels_(context.out.shape.c()) {}

  // Mean and 1 / sqrt(var + epsilon) of each channel.
  std::size_t saved_bytes() const override { return 2 * channels_ * sizeof(float); }

  void forward(const KernelArgs& args) override {
    const float* x = args.in[0] ? args.in[0].as<float>() : nullptr;
    const float* shortcut = op_.add && args.in[1] ? args.in[1].as<float>() : nullptr;
    float* y = args.out.as<float>();
    std::vector<float> scale(channels_, 0.0f), offset(channels_, 0.0f);
    if (x) {
      normaliser(args);
      for (std::int64_t c = 0; c < channels_; ++c) {
        scale[c] = branch_scale_ * gamma(args, c) * inverse_deviation(args)[c];
        offset[c] = op_.affine ? branch_scale_ * args.parameters[1].as<float>()[c] : 0.0f;
      }
    }
    const Channels k = {mean(args), scale.data(), offset.data(), nullptr};
    if (x && shortcut)
      apply([=](std::int64_t i, std::int64_t c) { return k.normalised(x[i], c) + shortcut[i]; }, y);
    else if (x)
      apply([=](std::int64_t i, std::int64_t c) { return k.normalised(x[i], c); }, y);
    else
      apply([=](std::int64_t i, std::int64_t) { return shortcut[i]; }, y);
  }

  void backward(const KernelArgs& args) override {
    const float* x = args.in[0] ? args.in[0].as<float>() : nullptr;
    float* d_x = x && args.d_in[0] ? args.d_in[0].as<float>() : nullptr;
    float* d_shortcut = op_.add && args.d_in[1] ? args.d_in[1].as<float>() : nullptr;
    // d_x = a dz + b (x - mean) + c.
    std::vector<float> a(channels_), b(channels_), offset(channels_);
    if (x) factors(args, a, b, offset);
    const float* d_out = args.d_out.as<float>();
    const float* y = op_.relu ? args.out.as<float>() : nullptr;
    const Channels k = {mean(args), a.data(), offset.data(), b.data()};
    // One of the two may lie on d_out and is then written last.
    const auto run = [&](const auto& dz) {
      if (d_shortcut && d_x && d_shortcut == d_out) {
        each([=](std::int64_t i, std::int64_t c) { d_x[i] = k.gradient(dz(i), x[i], c); });
        each([=](std::int64_t i, std::int64_t) { d_shortcut[i] = dz(i); });
        return;
      }
      if (d_shortcut) each([=](std::int64_t i, std::int64_t) { d_shortcut[i] = dz(i); });
      if (d_x) each([=](std::int64_t i, std::int64_t c) { d_x[i] = k.gradient(dz(i), x[i], c); });
    };
    with_dz(d_out, y, run);
  }

 private:
  using Sums = std::vector<double>;

  struct Channels {
    const float *mean, *scale, *offset, *slope;
    float normalised(float x, std::int64_t c) const { return (x - mean[c]) * scale[c] + offset[c]; }
    float gradient(float dz, float x, std::int64_t c) const {
      return scale[c] * dz + (slope[c] * (x - mean[c]) + offset[c]);
    }
  };

  // Calls visit(i, c) for every element. An element may be read and written, no two meet.
  template <typename Visit>
  void each(const Visit& visit) const {
    const std::int64_t channels = channels_, end = images_ * pixels_ * channels;
    for (std::int64_t i = 0; i < end; i += channels)
#pragma GCC ivdep
      for (std::int64_t c = 0; c < channels; ++c) visit(i + c, c);
  }

  // y = [relu] value(i, c).
  template <typename Value>
  void apply(const Value& value, float* y) const {
    if (op_.relu)
      each([=](std::int64_t i, std::int64_t c) {
        const float z = value(i, c);
        y[i] = z <= 0 ? 0.0f : z;
      });
    else
      each([=](std::int64_t i, std::int64_t c) { y[i] = value(i, c); });
  }

  // Calls run(dz), where dz(i) is the gradient before the ReLU, open where y > 0.
  template <typename Run>
  static void with_dz(const float* d_out, const float* y, const Run& run) {
    if (!y) return run([=](std::int64_t i) { return d_out[i]; });
    run([=](std::int64_t i) {
      const float d = d_out[i];
      return y[i] > 0 ? d : 0.0f;
    });
  }

  // Adds add(i + c, c, first[c], second[c]) up over all pixels.
  template <typename Add>
  void sum(Sums& first, Sums& second, const Add& add) const {
    std::vector<float> of_image_first(channels_), of_image_second(channels_);
    for (std::int64_t n = 0; n < images_; ++n) {
      std::fill(of_image_first.begin(), of_image_first.end(), 0.0f);
      std::fill(of_image_second.begin(), of_image_second.end(), 0.0f);
      float* one = of_image_first.data();
      float* two = of_image_second.data();
      for (std::int64_t p = 0; p < pixels_; ++p) {
        const std::int64_t channels = channels_, i = (n * pixels_ + p) * channels;
#pragma GCC ivdep
        for (std::int64_t c = 0; c < channels; ++c) add(i + c, c, one[c], two[c]);
      }
      for (std::int64_t c = 0; c < channels_; ++c) {
        first[c] += one[c];
        second[c] += two[c];
      }
    }
  }

  void normaliser(const KernelArgs& args) const {
    if (!training_) {
      for (std::int64_t c = 0; c < channels_; ++c) {
        mean(args)[c] = args.running[0].as<float>()[c];
        inverse_deviation(args)[c] = inverse_root(args.running[1].as<float>()[c]);
      }
      return;
    }
    const float* x = args.in[0].as<float>();
    std::vector<float> origin(channels_, 0.0f);
    for (std::int64_t i = 0; i < pixels_ * channels_; i += channels_)
      for (std::int64_t c = 0; c < channels_; ++c)
        origin[c] += x[i + c] / static_cast<float>(pixels_);
    Sums first(channels_), second(channels_);
    const float* o = origin.data();
    sum(first, second, [=](std::int64_t i, std::int64_t c, float& one, float& two) {
      const float d = x[i] - o[c];
      one += d;
      two += d * d;
    });
    const double count = static_cast<double>(images_ * pixels_);
    for (std::int64_t c = 0; c < channels_; ++c) {
      const double shift = first[c] / count;
      const double variance = std::max(0.0, second[c] / count - shift * shift);
      mean(args)[c] = static_cast<float>(origin[c] + shift);
      inverse_deviation(args)[c] = inverse_root(variance);
      args.statistics[0].as<float>()[c] = mean(args)[c];
      args.statistics[1].as<float>()[c] =
          static_cast<float>(variance * count / std::max(count - 1, 1.0));
    }
  }

  void factors(const KernelArgs& args, std::vector<float>& a, std::vector<float>& b,
               std::vector<float>& offset) const {
    const float* x = args.in[0].as<float>();
    const float* d_out = args.d_out.as<float>();
    const float* y = op_.relu ? args.out.as<float>() : nullptr;
    const float* m = mean(args);
    Sums dz_sum(channels_), dz_x_sum(channels_);
    with_dz(d_out, y, [&](const auto& dz) {
      sum(dz_sum, dz_x_sum, [=](std::int64_t i, std::int64_t c, float& one, float& two) {
        const float d = dz(i);
        one += d;
        two += d * (x[i] - m[c]);
      });
    });
    const double count = static_cast<double>(images_ * pixels_);
    for (std::int64_t c = 0; c < channels_; ++c) {
      const double inverse = inverse_deviation(args)[c];
      const double d_beta = branch_scale_ * dz_sum[c];
      const double d_gamma = branch_scale_ * dz_x_sum[c] * inverse;
      if (op_.affine && !args.d_parameters.empty() && args.d_parameters[0]) {
        args.d_parameters[0].as<float>()[c] = static_cast<float>(d_gamma);
        args.d_parameters[1].as<float>()[c] = static_cast<float>(d_beta);
      }
      const double scale = gamma(args, c) * inverse;
      a[c] = static_cast<float>(scale * branch_scale_);
      b[c] = training_ ? static_cast<float>(-scale * inverse * d_gamma / count) : 0.0f;
      offset[c] = training_ ? static_cast<float>(-scale * d_beta / count) : 0.0f;
    }
  }

  float inverse_root(double variance) const {
    return static_cast<float>(1 / std::sqrt(variance + op_.epsilon));
  }
  float gamma(const KernelArgs& args, std::int64_t c) const {
    return op_.affine ? args.parameters[0].as<float>()[c] : 1.0f;
  }
  float* mean(const KernelArgs& args) const { return reinterpret_cast<float*>(args.saved); }
  float* inverse_deviation(const KernelArgs& args) const { return mean(args) + channels_; }

  BatchNormOp op_;
  bool training_;
  float branch_scale_;
  std::int64_t images_, pixels_, channels_;
};

}  // namespace

KernelPtr make_plain_batch_norm(const BatchNormOp& op, const KernelContext& context) {
  return std::make_unique<PlainBatchNorm>(op, context);
}

}  // namespace hadal::cpu
