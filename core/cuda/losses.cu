// Scores and criteria, one thread for a sample or one for each of its scores: small tensors. A
// label that is no class cannot be reported from a device; its loss and gradients are NaN, which
// ends the training with the layer's name.
#include <cmath>
#include <limits>

#include "core/cuda/kernels.h"
#include "core/cuda/parallel.cuh"

namespace hadal::cuda {
namespace {

HADAL_PORTABLE double largest_of(const float* x, std::int64_t count) {
  double largest = x[0];
  for (std::int64_t k = 1; k < count; ++k)
    if (x[k] > largest) largest = x[k];
  return largest;
}

/// log(sum of exp(x)), the largest exponent taken out first.
HADAL_PORTABLE double log_sum_exp(const float* x, std::int64_t count) {
  const double largest = largest_of(x, count);
  double sum = 0;
  for (std::int64_t k = 0; k < count; ++k) sum += std::exp(x[k] - largest);
  return largest + std::log(sum);
}

HADAL_PORTABLE bool is_class(std::int32_t label, std::int64_t classes) {
  return label >= 0 && label < classes;
}

/// A criterion is a portable struct with
///   double loss(const float* scores, std::int64_t classes, std::int32_t label) const;
///   double gradient(the same, std::int64_t k) const;       of score k
template <typename Criterion>
class CriterionKernel final : public Kernel {
 public:
  CriterionKernel(const Criterion& criterion, const KernelContext& context, const Queue& queue)
      : criterion_(criterion),
        samples_(context.in[0].shape.n()),
        classes_(context.in[0].shape.c()),
        queue_(queue) {}

  void forward(const KernelArgs& args) override {
    const float* const scores = args.in[0].as<float>();
    const std::int32_t* const labels = args.in[1].as<std::int32_t>();
    float* const losses = args.out.as<float>();
    const std::int64_t classes = classes_;
    const Criterion criterion = criterion_;
    for_each(queue_, samples_, [=] HADAL_DEVICE(std::int64_t n) {
      losses[n] = is_class(labels[n], classes)
                      ? static_cast<float>(criterion.loss(scores + n * classes, classes, labels[n]))
                      : std::numeric_limits<float>::quiet_NaN();
    });
  }

  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    const float* const scores = args.in[0].as<float>();
    const std::int32_t* const labels = args.in[1].as<std::int32_t>();
    const float* const d_losses = args.d_out.as<float>();
    float* const d_scores = args.d_in[0].as<float>();
    const std::int64_t classes = classes_;
    const Criterion criterion = criterion_;
    for_each(queue_, samples_ * classes_, [=] HADAL_DEVICE(std::int64_t i) {
      const std::int64_t n = i / classes;
      d_scores[i] =
          is_class(labels[n], classes)
              ? static_cast<float>(d_losses[n] * criterion.gradient(scores + n * classes, classes,
                                                                    labels[n], i % classes))
              : std::numeric_limits<float>::quiet_NaN();
    });
  }

 private:
  Criterion criterion_;
  std::int64_t samples_, classes_;
  Queue queue_;
};

struct CrossEntropy {
  double smoothing;

  HADAL_PORTABLE double target(std::int64_t k, std::int64_t classes, std::int32_t label) const {
    return (k == label ? 1 - smoothing : 0) + smoothing / static_cast<double>(classes);
  }
  HADAL_PORTABLE double loss(const float* x, std::int64_t classes, std::int32_t label) const {
    const double log_normaliser = log_sum_exp(x, classes);
    double sum = 0;
    for (std::int64_t k = 0; k < classes; ++k) {
      const double t = target(k, classes, label);
      if (t > 0) sum += t * (log_normaliser - x[k]);
    }
    return sum;
  }
  HADAL_PORTABLE double gradient(const float* x, std::int64_t classes, std::int32_t label,
                                 std::int64_t k) const {
    return std::exp(x[k] - log_sum_exp(x, classes)) - target(k, classes, label);
  }
};

struct Rbf {
  bool discriminative;
  double margin;

  /// log(exp(-margin) + sum_k exp(s_k)).
  HADAL_PORTABLE double log_normaliser(const float* s, std::int64_t classes) const {
    const double scores = largest_of(s, classes), largest = scores > -margin ? scores : -margin;
    double sum = std::exp(-margin - largest);
    for (std::int64_t k = 0; k < classes; ++k) sum += std::exp(s[k] - largest);
    return largest + std::log(sum);
  }
  HADAL_PORTABLE double loss(const float* s, std::int64_t classes, std::int32_t label) const {
    return -double{s[label]} + (discriminative ? log_normaliser(s, classes) : 0);
  }
  HADAL_PORTABLE double gradient(const float* s, std::int64_t classes, std::int32_t label,
                                 std::int64_t k) const {
    const double push = discriminative ? std::exp(s[k] - log_normaliser(s, classes)) : 0;
    return push - (k == label ? 1 : 0);
  }
};

struct SquaredHinge {
  double margin;

  HADAL_PORTABLE double excess(const float* s, std::int32_t label, std::int64_t k) const {
    const double e = margin - (k == label ? 1 : -1) * double{s[k]};
    return e > 0 ? e : 0;
  }
  HADAL_PORTABLE double loss(const float* s, std::int64_t classes, std::int32_t label) const {
    double sum = 0;
    for (std::int64_t k = 0; k < classes; ++k) sum += excess(s, label, k) * excess(s, label, k);
    return sum;
  }
  HADAL_PORTABLE double gradient(const float* s, std::int64_t, std::int32_t label,
                                 std::int64_t k) const {
    return -2 * (k == label ? 1 : -1) * excess(s, label, k);
  }
};

class SoftmaxKernel final : public Kernel {
 public:
  SoftmaxKernel(const KernelContext& context, const Queue& queue)
      : samples_(context.out.shape.n()), classes_(context.out.shape.c()), queue_(queue) {}

  void forward(const KernelArgs& args) override {
    const float* const x = args.in[0].as<float>();
    float* const y = args.out.as<float>();
    const std::int64_t classes = classes_;
    for_each(queue_, samples_, [=] HADAL_DEVICE(std::int64_t n) {
      const float* const from = x + n * classes;
      const double log_normaliser = log_sum_exp(from, classes);
      for (std::int64_t k = 0; k < classes; ++k)
        y[n * classes + k] = static_cast<float>(std::exp(from[k] - log_normaliser));
    });
  }

  /// dx_k = y_k (dy_k - sum_j dy_j y_j).
  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    const float* const y = args.out.as<float>();
    const float* const dy = args.d_out.as<float>();
    float* const dx = args.d_in[0].as<float>();
    const std::int64_t classes = classes_;
    for_each(queue_, samples_, [=] HADAL_DEVICE(std::int64_t n) {
      const std::int64_t first = n * classes;
      double mean = 0;
      for (std::int64_t k = 0; k < classes; ++k) mean += double{dy[first + k]} * y[first + k];
      for (std::int64_t k = 0; k < classes; ++k)
        dx[first + k] = static_cast<float>(y[first + k] * (dy[first + k] - mean));
    });
  }

 private:
  std::int64_t samples_, classes_;
  Queue queue_;
};

class RbfKernel final : public Kernel {
 public:
  RbfKernel(const RbfOp& op, const KernelContext& context, const Queue& queue)
      : classes_(op.classes),
        samples_(context.in[0].shape.n()),
        elements_(context.in[0].shape.c()),
        queue_(queue) {}

  void forward(const KernelArgs& args) override {
    const float* const x = args.in[0].as<float>();
    const float* const w = args.parameters[0].as<float>();
    float* const y = args.out.as<float>();
    const std::int64_t classes = classes_, elements = elements_;
    for_each(queue_, samples_ * classes_, [=] HADAL_DEVICE(std::int64_t i) {
      const float* const sample = x + i / classes * elements;
      const float* const code = w + i % classes * elements;
      double sum = 0;
      for (std::int64_t j = 0; j < elements; ++j) {
        const double difference = double{sample[j]} - code[j];
        sum += difference * difference;
      }
      y[i] = static_cast<float>(-sum);
    });
  }

  void backward(const KernelArgs& args) override {
    const float* const x = args.in[0].as<float>();
    const float* const w = args.parameters[0].as<float>();
    const float* const dy = args.d_out.as<float>();
    const std::int64_t classes = classes_, elements = elements_, samples = samples_;
    if (args.d_in[0]) {
      float* const dx = args.d_in[0].as<float>();
      for_each(queue_, samples_ * elements_, [=] HADAL_DEVICE(std::int64_t i) {
        const std::int64_t n = i / elements, j = i % elements;
        double sum = 0;
        for (std::int64_t k = 0; k < classes; ++k)
          sum -= 2 * double{dy[n * classes + k]} * (double{x[i]} - w[k * elements + j]);
        dx[i] = static_cast<float>(sum);
      });
    }
    if (args.d_parameters.empty() || !args.d_parameters[0]) return;
    float* const dw = args.d_parameters[0].as<float>();
    for_each(queue_, classes_ * elements_, [=] HADAL_DEVICE(std::int64_t i) {
      const std::int64_t k = i / elements, j = i % elements;
      double sum = 0;
      for (std::int64_t n = 0; n < samples; ++n)
        sum += 2 * double{dy[n * classes + k]} * (double{x[n * elements + j]} - w[i]);
      dw[i] = static_cast<float>(sum);
    });
  }

 private:
  std::int64_t classes_, samples_, elements_;
  Queue queue_;
};

class MeanSquaredErrorKernel final : public Kernel {
 public:
  MeanSquaredErrorKernel(const MeanSquaredErrorOp& op, const KernelContext& context,
                         const Queue& queue)
      : samples_(context.in[0].shape.n()),
        elements_(context.in[0].shape.elements_per_sample()),
        weight_(op.half_sum ? 0.5 : 1.0 / static_cast<double>(elements_)),
        queue_(queue) {}

  void forward(const KernelArgs& args) override {
    const float* const x = args.in[0].as<float>();
    const float* const target = args.in[1].as<float>();
    float* const losses = args.out.as<float>();
    const std::int64_t elements = elements_;
    const double weight = weight_;
    for_each(queue_, samples_, [=] HADAL_DEVICE(std::int64_t n) {
      double sum = 0;
      for (std::int64_t i = n * elements; i < (n + 1) * elements; ++i) {
        const double difference = double{x[i]} - target[i];
        sum += difference * difference;
      }
      losses[n] = static_cast<float>(weight * sum);
    });
  }

  void backward(const KernelArgs& args) override {
    if (!args.d_in[0]) return;
    const float* const x = args.in[0].as<float>();
    const float* const target = args.in[1].as<float>();
    const float* const d_losses = args.d_out.as<float>();
    float* const dx = args.d_in[0].as<float>();
    const std::int64_t elements = elements_;
    const double weight = weight_;
    for_each(queue_, samples_ * elements_, [=] HADAL_DEVICE(std::int64_t i) {
      dx[i] = static_cast<float>(d_losses[i / elements] * 2 * weight * (double{x[i]} - target[i]));
    });
  }

 private:
  std::int64_t samples_, elements_;
  double weight_;
  Queue queue_;
};

}  // namespace

KernelPtr make_softmax(const KernelContext& context, const Queue& queue) {
  return std::make_unique<SoftmaxKernel>(context, queue);
}
KernelPtr make_softmax_cross_entropy(const SoftmaxCrossEntropyOp& op, const KernelContext& context,
                                     const Queue& queue) {
  return std::make_unique<CriterionKernel<CrossEntropy>>(CrossEntropy{op.label_smoothing}, context,
                                                         queue);
}
KernelPtr make_rbf(const RbfOp& op, const KernelContext& context, const Queue& queue) {
  return std::make_unique<RbfKernel>(op, context, queue);
}
KernelPtr make_rbf_loss(const RbfLossOp& op, const KernelContext& context, const Queue& queue) {
  return std::make_unique<CriterionKernel<Rbf>>(Rbf{op.discriminative, op.margin}, context, queue);
}
KernelPtr make_mean_squared_error(const MeanSquaredErrorOp& op, const KernelContext& context,
                                  const Queue& queue) {
  return std::make_unique<MeanSquaredErrorKernel>(op, context, queue);
}
KernelPtr make_squared_hinge(const SquaredHingeOp& op, const KernelContext& context,
                             const Queue& queue) {
  return std::make_unique<CriterionKernel<SquaredHinge>>(SquaredHinge{op.margin}, context, queue);
}

}  // namespace hadal::cuda
