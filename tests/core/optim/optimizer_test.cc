#include "core/optim/optimizer.h"

#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include "core/base/random.h"

namespace hadal {
namespace {

/// Nothing but parameters: a weight, a bias with Caffe's multipliers, and a fixed one.
class ParametersOnly final : public Layer {
 public:
  std::string_view type() const override { return "parameters_only"; }
  Shape output_shape(std::span<const Shape> in) const override { return in[0]; }
  std::vector<ParameterSpec> parameters(std::span<const Shape>) const override {
    return {{.name = "weight", .shape = {5, 7}, .initializer = Initializer::gaussian(1)},
            {.name = "bias",
             .shape = {5},
             .initializer = Initializer::gaussian(1),
             .decay_multiplier = 0.5,
             .rate_multiplier = 2},
            {.name = "codes",
             .shape = {3, 4},
             .initializer = Initializer::gaussian(1),
             .trainable = false}};
  }
  BackwardReads backward_reads() const override { return {}; }
  std::unique_ptr<Kernel> prepare(Backend&, const KernelContext&) const override { return nullptr; }
};

Parameters make_parameters(DType type = DType::kFloat64) {
  Graph g;
  g.apply("layer", std::make_shared<ParametersOnly>(), {g.input("x", {1, 1})});
  Parameters parameters(g, type);
  parameters.initialize(3);
  return parameters;
}

double gradient_at(int step, std::size_t i) {
  return random::normal({5, random::Purpose::kTest, static_cast<std::uint64_t>(step)}, i);
}

template <typename T>
void set_gradients(Parameters& parameters, int step) {
  T* g = parameters.gradients().as<T>();
  for (std::int64_t i = 0; i < parameters.gradients().shape.elements(); ++i)
    g[i] = static_cast<T>(gradient_at(step, static_cast<std::size_t>(i)));
}

std::vector<double> values_of(const Parameters& parameters) {
  Tensor values(parameters.values().shape, DType::kFloat64);
  copy_converted(parameters.values(), values.view());
  return {values.span<double>().begin(), values.span<double>().end()};
}

double rate_at(int step) { return step < 3 ? 0.1 : 0.01; }  // drops, to tell momentum forms apart

/// One number under a rule: the formula, written down again without buffers.
using Scalar = std::function<void(double& w, double g, double lr, int step, double state[2])>;

/// Runs both over six steps and compares every element. Tolerances: the formulas differ in the
/// order of a few roundings per step.
void expect_follows(const OptimizerOptions& options, const Scalar& scalar,
                    double initial_first_state = 0) {
  for (const DType type : {DType::kFloat64, DType::kFloat32}) {
    Parameters parameters = make_parameters(type);
    const std::vector<double> before = values_of(parameters);
    const auto optimizer = make_optimizer(parameters, options);
    for (int step = 0; step < 6; ++step) {
      if (type == DType::kFloat64)
        set_gradients<double>(parameters, step);
      else
        set_gradients<float>(parameters, step);
      optimizer->step(rate_at(step));
    }
    std::vector<double> wanted = before;
    for (const Parameters::Entry& entry : parameters.entries()) {
      if (!entry.spec.trainable) continue;
      for (std::int64_t i = entry.offset; i < entry.offset + entry.elements; ++i) {
        double& w = wanted[static_cast<std::size_t>(i)];
        double state[2] = {initial_first_state, 0};
        for (int step = 0; step < 6; ++step) {
          const double decay = options.weight_decay * entry.spec.decay_multiplier;
          const double g = gradient_at(step, static_cast<std::size_t>(i)) + decay * w;
          scalar(w, g, rate_at(step) * entry.spec.rate_multiplier, step + 1, state);
        }
      }
    }
    const std::vector<double> found = values_of(parameters);
    for (std::size_t i = 0; i < found.size(); ++i)
      EXPECT_NEAR(found[i], wanted[i], type == DType::kFloat64 ? 1e-14 : 5e-6)
          << options.kind << " element " << i;
  }
}

TEST(Sgd, FollowsItsFormula) {
  expect_follows({.weight_decay = 0.01},
                 [](double& w, double g, double lr, int, double*) { w -= lr * g; });
}

TEST(Momentum, WithTheRateOutsideFollowsItsFormula) {
  expect_follows({.momentum = 0.9, .weight_decay = 0.01},
                 [](double& w, double g, double lr, int, double* v) {
                   v[0] = 0.9 * v[0] + g;
                   w -= lr * v[0];
                 });
}

TEST(Momentum, WithTheRateInsideFollowsItsFormula) {
  expect_follows(
      {.momentum = 0.9, .momentum_form = MomentumForm::kRateInside, .weight_decay = 0.01},
      [](double& w, double g, double lr, int, double* v) {
        v[0] = 0.9 * v[0] + lr * g;
        w -= v[0];
      });
}

TEST(Nesterov, WithTheRateOutsideFollowsItsFormula) {
  expect_follows({.momentum = 0.9, .nesterov = true, .weight_decay = 0.01},
                 [](double& w, double g, double lr, int, double* v) {
                   v[0] = 0.9 * v[0] + g;
                   w -= lr * (g + 0.9 * v[0]);
                 });
}

TEST(Nesterov, WithTheRateInsideFollowsCaffesFormula) {
  expect_follows({.momentum = 0.9,
                  .nesterov = true,
                  .momentum_form = MomentumForm::kRateInside,
                  .weight_decay = 0.01},
                 [](double& w, double g, double lr, int, double* v) {
                   const double old = v[0];
                   v[0] = 0.9 * v[0] + lr * g;
                   w -= (1 + 0.9) * v[0] - 0.9 * old;
                 });
}

TEST(Momentum, FormsAgreeUntilTheRateChanges) {
  Parameters outside = make_parameters(), inside = make_parameters();
  const auto a = make_optimizer(outside, {.momentum = 0.9});
  const auto b =
      make_optimizer(inside, {.momentum = 0.9, .momentum_form = MomentumForm::kRateInside});
  const auto step_both = [&](int step, double rate) {
    set_gradients<double>(outside, step);
    set_gradients<double>(inside, step);
    a->step(rate);
    b->step(rate);
    return std::abs(values_of(outside)[0] - values_of(inside)[0]);
  };
  for (int step = 0; step < 5; ++step) EXPECT_LT(step_both(step, 0.1), 1e-14);
  EXPECT_GT(step_both(5, 0.01), 1e-3);
}

TEST(RmspropKeras, FollowsItsFormula) {
  expect_follows({.kind = "rmsprop_keras", .weight_decay = 0.01},
                 [](double& w, double g, double lr, int, double* state) {
                   state[0] = 0.9 * state[0] + 0.1 * g * g;
                   w -= lr * g / (std::sqrt(state[0]) + 1e-8);
                 });
}

TEST(RmspropTensorflow, FollowsItsFormulaFromOne) {
  expect_follows(
      {.kind = "rmsprop_tensorflow", .momentum = 0.5, .weight_decay = 0.01, .epsilon = 1e-3},
      [](double& w, double g, double lr, int, double* state) {
        state[0] = 0.9 * state[0] + 0.1 * g * g;
        state[1] = 0.5 * state[1] + lr * g / std::sqrt(state[0] + 1e-3);
        w -= state[1];
      },
      1.0);
}

TEST(Adam, FollowsItsFormula) {
  expect_follows({.kind = "adam", .weight_decay = 0.01, .epsilon = 1e-3},
                 [](double& w, double g, double lr, int t, double* state) {
                   state[0] = 0.9 * state[0] + 0.1 * g;
                   state[1] = 0.999 * state[1] + 0.001 * g * g;
                   const double corrected =
                       lr * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t));
                   w -= corrected * state[0] / (std::sqrt(state[1]) + 1e-3);
                 });
}

TEST(Optimizer, ADroppedBlockStillDecaysAndMoves) {
  Parameters parameters = make_parameters();
  const auto optimizer = make_optimizer(parameters, {.momentum = 0.9, .weight_decay = 0.1});
  set_gradients<double>(parameters, 0);
  optimizer->step(0.1);
  const double w = values_of(parameters)[0], v = optimizer->state()[1].second.as<double>()[0];
  std::fill_n(parameters.gradients().as<double>(), parameters.gradients().shape.elements(), 0.0);
  optimizer->step(0.1);
  EXPECT_DOUBLE_EQ(values_of(parameters)[0], w - 0.1 * (0.9 * v + 0.1 * w));
}

TEST(Optimizer, DecaysOnlyWeightsWhenToldTo) {
  Parameters parameters = make_parameters();
  const std::vector<double> before = values_of(parameters);
  const auto optimizer =
      make_optimizer(parameters, {.weight_decay = 0.5, .decay_on = DecayOn::kWeights});
  optimizer->step(0.1);
  const auto offset = [&](const char* name) {
    return static_cast<std::size_t>(parameters.find(name).offset);
  };
  const std::vector<double> after = values_of(parameters);
  EXPECT_DOUBLE_EQ(after[offset("layer.weight")], before[offset("layer.weight")] * (1 - 0.05));
  EXPECT_EQ(after[offset("layer.bias")], before[offset("layer.bias")]);
}

TEST(Optimizer, ScalesALongGradientDownToTheNormBeforeDecaying) {
  Parameters parameters = make_parameters();
  const std::vector<double> before = values_of(parameters);
  set_gradients<double>(parameters, 0);
  const Parameters::Entry& weight = parameters.find("layer.weight");
  const auto first = static_cast<std::size_t>(weight.offset);
  double squares = 0;
  for (const Parameters::Entry& entry : parameters.entries())
    for (std::int64_t i = 0; i < entry.elements && entry.spec.trainable; ++i)
      squares += std::pow(gradient_at(0, static_cast<std::size_t>(entry.offset + i)), 2);
  EXPECT_NEAR(gradient_norm(parameters), std::sqrt(squares), 1e-14 * std::sqrt(squares));
  make_optimizer(parameters, {.weight_decay = 0.01, .clip_norm = 0.5})->step(0.1);
  EXPECT_NEAR(values_of(parameters)[first],
              before[first] -
                  0.1 * (gradient_at(0, first) * 0.5 / std::sqrt(squares) + 0.01 * before[first]),
              1e-15);
}

TEST(Optimizer, LeavesAShortGradientAlone) {
  Parameters clipped = make_parameters(), free = make_parameters();
  set_gradients<double>(clipped, 0);
  set_gradients<double>(free, 0);
  make_optimizer(clipped, {.clip_norm = 1e3})->step(0.1);
  make_optimizer(free, {})->step(0.1);
  EXPECT_EQ(values_of(clipped), values_of(free));
}

TEST(Optimizer, ClipsByValue) {
  Parameters parameters = make_parameters();
  const std::vector<double> before = values_of(parameters);
  set_gradients<double>(parameters, 0);
  make_optimizer(parameters, {.clip_value = 0.25})->step(0.1);
  const std::vector<double> after = values_of(parameters);
  const Parameters::Entry& weight = parameters.find("layer.weight");
  for (auto i = static_cast<std::size_t>(weight.offset);
       i < static_cast<std::size_t>(weight.offset + weight.elements); ++i)
    EXPECT_DOUBLE_EQ(after[i], before[i] - 0.1 * std::clamp(gradient_at(0, i), -0.25, 0.25));
}

TEST(Optimizer, ANotANumberGradientIsNotClippedAway) {
  Parameters parameters = make_parameters();
  const auto first = parameters.find("layer.weight").offset;
  parameters.gradients().as<double>()[first] = std::nan("");
  make_optimizer(parameters, {.clip_value = 0.25})->step(0.1);
  EXPECT_TRUE(std::isnan(parameters.values().as<double>()[first]));
}

TEST(Optimizer, GoesOnToTheSameBitsFromItsState) {
  for (const std::string& kind : optimizer_names()) {
    OptimizerOptions options{.kind = kind};
    if (kind == "sgd") options.momentum = 0.9;
    Parameters straight = make_parameters(), resumed = make_parameters();
    const auto a = make_optimizer(straight, options);
    for (int step = 0; step < 3; ++step) {
      set_gradients<double>(straight, step);
      a->step(0.1);
    }
    const auto b = make_optimizer(resumed, options);
    copy_converted(straight.values(), resumed.values());
    for (std::size_t k = 0; k < a->state().size(); ++k) {
      EXPECT_EQ(a->state()[k].first, b->state()[k].first);
      copy_converted(a->state()[k].second, b->state()[k].second);
    }
    set_gradients<double>(straight, 3);
    set_gradients<double>(resumed, 3);
    a->step(0.1);
    b->step(0.1);
    EXPECT_EQ(values_of(straight), values_of(resumed)) << kind;
  }
}

void expect_refused(const OptimizerOptions& options, const std::string& message) {
  Parameters parameters = make_parameters();
  try {
    make_optimizer(parameters, options);
    FAIL() << "accepted, wanted: " << message;
  } catch (const ConfigError& error) {
    EXPECT_EQ(std::string(error.what()).substr(0, message.size()), message);
  }
}

TEST(Optimizer, RefusesWhatHasNoMeaning) {
  expect_refused({.kind = "adan"}, "unknown optimizer 'adan'; did you mean 'adam'?");
  expect_refused({.momentum = 1}, "optimizer sgd: momentum is 1, wanted 0 <= x < 1");
  expect_refused({.nesterov = true}, "optimizer sgd: nesterov is set but momentum is 0");
  expect_refused({.kind = "adam", .momentum = 0.9}, "optimizer adam: momentum is 0.9, wanted 0");
  expect_refused({.weight_decay = -1}, "optimizer sgd: weight_decay is -1, wanted 0 or more");
}

}  // namespace
}  // namespace hadal
