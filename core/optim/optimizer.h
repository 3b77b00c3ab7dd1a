// Rules that turn gradients into steps, on the flat buffers of Parameters.
//
// Notation: w parameter, g its gradient of the mean loss, lr the learning rate of this step times
// the parameter's rate_multiplier. Before a rule sees g, it is clipped and then
//
//   g <- g + weight_decay * decay_multiplier * w          (L2; Torch, Caffe)
//
// in this order. Every trainable parameter takes its step at every step, with the gradient zero if
// its block was dropped: it still decays and still moves by its momentum, as in the
// stochastic-depth code. Fixed parameters and the padding between parameters are never touched.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/params.h"

namespace hadal {

/// Where the learning rate stands in momentum.
///
///   kRateOutside: v = m v + g,       w -= lr v             Nesterov: w -= lr (g + m v)   (Torch)
///   kRateInside:  v = m v + lr g,    w -= v                Nesterov: w -= lr g + m v     (Caffe)
///
/// with the new v on the right. The two are the same while lr is constant (v differs by the factor
/// lr) and differ for the about 1/(1-m) steps after lr changes: outside, the velocity gathered so
/// far is scaled with the rate; inside, it runs on at the old rate.
enum class MomentumForm { kRateOutside, kRateInside };

/// Which parameters decay. kAll: every one by its decay_multiplier (Torch's habit). kWeights: of
/// these only the ones of two dimensions or more, so neither biases nor batch-norm scales
/// (Caffe's).
enum class DecayOn { kAll, kWeights };

struct OptimizerOptions {
  std::string kind = "sgd";  // one of optimizer_names()
  double momentum = 0.0;     // sgd, rmsprop_tensorflow: in [0, 1)
  bool nesterov = false;     // sgd with momentum
  MomentumForm momentum_form = MomentumForm::kRateOutside;
  double weight_decay = 0.0;
  DecayOn decay_on = DecayOn::kAll;
  double clip_norm = 0.0;   // largest L2 norm of the whole gradient, scaled down to it; 0: none
  double clip_value = 0.0;  // largest magnitude of an element, after clip_norm; 0: none
  double rho = 0.9;         // rmsprop_*
  double beta1 = 0.9, beta2 = 0.999;   // adam
  std::optional<double> epsilon = {};  // unset: 1e-8; rmsprop_tensorflow 1e-10
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// One step from the gradients in Parameters. REQUIRES: learning_rate is finite.
  virtual void step(double learning_rate) = 0;

  /// What must be saved to go on to the same bits: flat tensors laid out like Parameters::values(),
  /// and "steps", the number of steps taken (float64). Writable: loading fills them.
  virtual std::vector<std::pair<std::string, TensorView>> state() const = 0;
};

/// An optimizer of these parameters, which lie in the host's memory and must outlive it; for others
/// Backend::optimizer. Throws ConfigError for an unknown kind or an option out of its range.
std::unique_ptr<Optimizer> make_optimizer(Parameters& parameters, const OptimizerOptions& options);

/// Throws ConfigError for an unknown kind or an option out of its range.
void check_optimizer(const OptimizerOptions& options);

/// All kinds, by name.
std::vector<std::string> optimizer_names();

/// L2 norm of all trainable gradients, summed in double in the order of the entries: the same on
/// every rank.
double gradient_norm(const Parameters& parameters);

}  // namespace hadal
