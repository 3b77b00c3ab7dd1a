// The operations every backend offers, as plain values: what a layer asks a backend to prepare.
// Formulas stand with the layers; here only what a kernel needs to know. Activations are N x H x W
// x C (or N x C), cross-correlation throughout.
#pragma once

#include <cstdint>
#include <vector>

namespace hadal {

/// Rows and columns added around the input. "Same" padding with stride may need one more at the
/// bottom and right.
struct Padding {
  int top = 0, bottom = 0, left = 0, right = 0;
  friend bool operator==(const Padding&, const Padding&) = default;
};

/// weight: out x kernel_h x kernel_w x in/groups; bias (optional): out.
struct Conv2dOp {
  int out = 0;
  int kernel_h = 3, kernel_w = 3;
  int stride_h = 1, stride_w = 1;
  Padding padding;
  int dilation = 1;
  int groups = 1;
  bool bias = false;
};

/// y = x W^T + b over all elements of a sample. weight: out x (elements per sample), in NHWC order;
/// bias: out.
struct LinearOp {
  int out = 0;
  bool bias = true;
};

/// y[..., c] = x[..., c] + b[c].
struct BiasOp {};

/// Batch normalisation, alone or followed by an addition and a ReLU done in the same pass:
///   z = gamma * (x - mean) / sqrt(var + epsilon) + beta      mean, var over N, H, W (biased) of
///   this batch in training y = z | relu(z) | relu(z + shortcut) | z + shortcut
/// in[0] is x, in[1] the shortcut. in[0] absent (gate closed): y = relu(shortcut), nothing else is
/// touched. At inference z is multiplied by branch_scale before the addition (the survival
/// probability). parameters: gamma, beta when affine. running and statistics: mean, var
/// (statistics: var unbiased, N*H*W - 1).
struct BatchNormOp {
  double epsilon = 1e-5;
  bool affine = true;
  bool add = false;
  bool relu = false;
  double branch_scale = 1.0;
};

/// y = x / (k + alpha * sum over |c'-c| <= size/2 of x[c']^2)^beta.
struct LrnOp {
  double k = 2.0, alpha = 1e-4, beta = 0.75;
  int size = 5;
};

enum class Activation { kRelu, kLeakyRelu, kElu, kTanh, kScaledTanh, kSigmoid };

/// How a ReLU passes gradients back: the true gradient, by the sign of the top-down signal
/// (deconvnet, Zeiler & Fergus 2013), or both (guided, Springenberg et al. 2015).
enum class ReluRule { kGradient, kDeconvnet, kGuided };

/// kLeakyRelu: x > 0 ? x : alpha x. kElu: x > 0 ? x : alpha (e^x - 1). kScaledTanh: 1.7159
/// tanh(2x/3).
struct ActivationOp {
  Activation kind = Activation::kRelu;
  double alpha = 0.0;
  ReluRule relu_rule = ReluRule::kGradient;
};

enum class PoolKind { kMax, kAverage };

/// Windows may hang over the padded edge at bottom and right (ceil sizes): padding is what the
/// output size implies. Padding cells never win a maximum. Average divides by the cells inside the
/// input, or, with count_padding, by the cells inside the padded input (Caffe's rule; equal to the
/// window size where it does not hang over). Max: the first maximum in row-major window order gets
/// the gradient.
struct PoolOp {
  PoolKind kind = PoolKind::kMax;
  int window_h = 2, window_w = 2;
  int stride_h = 2, stride_w = 2;
  Padding padding;
  bool count_padding = false;
};

/// Inverted dropout: y = x * m / (1 - rate), m ~ Bernoulli(1 - rate) per element, a function of
/// (seed, step, layer_id, global sample, element in NHWC order); per_sample: one m for all elements
/// of a sample, with draw `global sample`. The identity at inference.
struct DropoutOp {
  double rate = 0.5;
  std::uint32_t layer_id = 0;
  bool per_sample = false;
};

/// y = in[0] + scale * in[1]; an absent input counts as zero. scale is 1 in training and the
/// survival probability of the gate on in[1] at inference.
struct AddOp {
  double scale = 1.0;
};

/// Element-wise mean over the inputs present (FractalNet's join, flat over all columns that end
/// there).
struct MeanJoinOp {};

/// Channels of all inputs one after another.
struct ConcatOp {};

/// y[..., i] = x[..., channels[i]]; a channel may be taken more than once.
struct GatherChannelsOp {
  std::vector<int> channels;
};

enum class ChannelPadding { kEnd, kSplit };
enum class Subsampling { kPick, kAverage };

/// Shortcut A of residual nets: every stride-th pixel, or the mean over stride x stride, then zero
/// channels appended at the end or split half before, half after.
struct PadShortcutOp {
  int out = 0;
  int stride = 2;
  Subsampling subsampling = Subsampling::kPick;
  ChannelPadding channels = ChannelPadding::kEnd;
};

/// At inference: the convolution, then the normalisation by running mean and variance, as one
/// convolution whose weights take in the scale of each map and whose bias the shift. parameters:
/// those of the convolution, then gamma, beta when affine. No backward.
struct FoldedConv2dOp {
  Conv2dOp convolution;
  BatchNormOp norm;
};

/// N x H x W x C to N x (HWC), in NHWC order.
struct FlattenOp {};

/// in[0]: logits N x K, in[1]: labels N (int32, 0..K-1). out: N losses
///   -sum_k t_k log softmax(x)_k,  t = (1 - label_smoothing) onehot + label_smoothing / K.
struct SoftmaxCrossEntropyOp {
  double label_smoothing = 0.0;
};

/// probabilities, N x K.
struct SoftmaxOp {};

/// LeNet-5's trainable subsampling: y = a[c] * (sum over the 2 x 2 window) + b[c]. parameters: a,
/// b.
struct SubsampleOp {
  int window = 2;
};

/// LeNet-5's output as scores, higher is better: y[n, k] = -sum_j (x[n, j] - w[k, j])^2.
/// parameters: w (K x J, fixed).
struct RbfOp {
  int classes = 10;
};

/// LeNet-5's criterion on RBF scores s (= -distance): mean-squared -s_label, or with discriminative
///   -s_label + log(exp(-margin) + sum_k exp(s_k)).
struct RbfLossOp {
  bool discriminative = true;
  double margin = 1.0;
};

/// in[0]: x N x D..., in[1]: target of the same shape. out: N losses, 1/2 sum over a sample of (x -
/// t)^2 when half, else the mean over a sample.
struct MeanSquaredErrorOp {
  bool half_sum = false;
};

/// One-vs-all: sum_k max(0, margin - y_k s_k)^2, y_k = +1 for the label and -1 otherwise.
struct SquaredHingeOp {
  double margin = 1.0;
};

}  // namespace hadal
