// With x^ = (x - mean) / sqrt(var + epsilon) and dz the gradient at z = gamma x^ + beta, over the m
// pixels of a channel (Ioffe & Szegedy 2015, section 3):
//
//   training   dx = gamma / sqrt(var + epsilon) * (dz - sum(dz) / m - x^ sum(dz x^) / m)
//   inference  dx = gamma / sqrt(var + epsilon) * dz         (mean and var are constants)
//   d_gamma = sum(dz x^), d_beta = sum(dz)
#include <algorithm>
#include <cmath>

#include "core/reference/kernels.h"

namespace hadal::reference {
namespace {

template <typename T>
class BatchNormKernel final : public Kernel {
 public:
  BatchNormKernel(const BatchNormOp& op, const KernelContext& context)
      : op_(op),
        training_(context.training),
        elements_(context.out.shape.elements()),
        channels_(context.out.shape.c()),
        pixels_(elements_ / channels_),
        branch_scale_(training_ ? 1.0 : op.branch_scale) {}

  /// Mean, then 1 / sqrt(var + epsilon), of each channel, in double.
  std::size_t saved_bytes() const override {
    return 2 * static_cast<std::size_t>(channels_) * sizeof(double);
  }

  void forward(const KernelArgs& args) override {
    HADAL_CHECK(args.out.layout == Layout::kNhwc);
    const T* x = args.in[0] ? args.in[0].as<T>() : nullptr;
    const T* shortcut = op_.add ? args.in[1].as<T>() : nullptr;
    T* y = args.out.as<T>();
    if (x) normaliser(args);
    for (std::int64_t i = 0; i < elements_; ++i) {
      const std::int64_t c = i % channels_;
      double sum = shortcut ? shortcut[i] : 0;
      if (x) sum += branch_scale_ * (gamma(args, c) * normalised(args, x, i) + beta(args, c));
      y[i] = static_cast<T>(op_.relu ? std::max(sum, 0.0) : sum);
    }
  }

  void backward(const KernelArgs& args) override {
    const T* x = args.in[0] ? args.in[0].as<T>() : nullptr;
    T* dx = args.d_in[0] ? args.d_in[0].as<T>() : nullptr;
    T* d_shortcut = op_.add && args.d_in[1] ? args.d_in[1].as<T>() : nullptr;
    for (std::int64_t c = 0; c < channels_; ++c) {
      double dz_sum = 0, dz_x_sum = 0;
      for (std::int64_t i = c; x && i < elements_; i += channels_) {
        const double dz = branch_scale_ * d_sum(args, i);
        dz_sum += dz;
        dz_x_sum += dz * normalised(args, x, i);
      }
      if (x && op_.affine && !args.d_parameters.empty()) {
        if (args.d_parameters[0]) args.d_parameters[0].as<T>()[c] = static_cast<T>(dz_x_sum);
        if (args.d_parameters[1]) args.d_parameters[1].as<T>()[c] = static_cast<T>(dz_sum);
      }
      const double m = static_cast<double>(pixels_);
      for (std::int64_t i = c; i < elements_; i += channels_) {
        // dx may be the same memory as d_out, so an element of d_out is read before it is written.
        const double d = d_sum(args, i);
        if (d_shortcut) d_shortcut[i] = static_cast<T>(d);
        if (!x || !dx) continue;
        double dz = branch_scale_ * d;
        if (training_) dz -= dz_sum / m + normalised(args, x, i) * dz_x_sum / m;
        dx[i] = static_cast<T>(gamma(args, c) * saved(args)[channels_ + c] * dz);
      }
    }
  }

 private:
  /// Sets the channels' saved numbers, and in training the batch's statistics.
  void normaliser(const KernelArgs& args) const {
    const T* x = args.in[0].as<T>();
    const double m = static_cast<double>(pixels_);
    for (std::int64_t c = 0; c < channels_; ++c) {
      double mean = 0, variance = 0;
      if (training_) {
        for (std::int64_t i = c; i < elements_; i += channels_) mean += x[i] / m;
        double squares = 0;
        for (std::int64_t i = c; i < elements_; i += channels_)
          squares += (x[i] - mean) * (x[i] - mean);
        variance = squares / m;
        args.statistics[0].as<T>()[c] = static_cast<T>(mean);
        args.statistics[1].as<T>()[c] = static_cast<T>(squares / std::max(m - 1, 1.0));
      } else {
        mean = args.running[0].as<T>()[c];
        variance = args.running[1].as<T>()[c];
      }
      saved(args)[c] = mean;
      saved(args)[channels_ + c] = 1 / std::sqrt(variance + op_.epsilon);
    }
  }

  double* saved(const KernelArgs& args) const { return reinterpret_cast<double*>(args.saved); }
  double gamma(const KernelArgs& args, std::int64_t c) const {
    return op_.affine ? args.parameters[0].as<T>()[c] : 1.0;
  }
  double beta(const KernelArgs& args, std::int64_t c) const {
    return op_.affine ? args.parameters[1].as<T>()[c] : 0.0;
  }
  double normalised(const KernelArgs& args, const T* x, std::int64_t i) const {
    const std::int64_t c = i % channels_;
    return (x[i] - saved(args)[c]) * saved(args)[channels_ + c];
  }
  /// The gradient before the ReLU: that of the branch and of the shortcut.
  double d_sum(const KernelArgs& args, std::int64_t i) const {
    const bool open = !op_.relu || args.out.as<T>()[i] > 0;
    return open ? static_cast<double>(args.d_out.as<T>()[i]) : 0.0;
  }

  BatchNormOp op_;
  bool training_;
  std::int64_t elements_, channels_, pixels_;
  double branch_scale_;
};

}  // namespace

KernelPtr make_kernel(const BatchNormOp& op, const KernelContext& context) {
  return make_for_type<BatchNormKernel>(context.out.type, op, context);
}

}  // namespace hadal::reference
