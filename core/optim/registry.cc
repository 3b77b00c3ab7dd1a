#include <cmath>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/optim/rules.h"

namespace hadal {
namespace {

struct Kind {
  const char* name;
  std::unique_ptr<Optimizer> (*make)(Parameters&, const OptimizerOptions&);
  bool has_momentum;
};

constexpr Kind kKinds[] = {
    {"adam", optim::make_adam, false},
    {"rmsprop_keras", optim::make_rmsprop_keras, false},
    {"rmsprop_tensorflow", optim::make_rmsprop_tensorflow, true},
    {"sgd", optim::make_sgd, true},
};

void expect(bool fits, const OptimizerOptions& options, const char* option, double found,
            const char* wanted) {
  if (!fits)
    throw ConfigError(
        fmt::format("optimizer {}: {} is {}, wanted {}", options.kind, option, found, wanted));
}

void check(const OptimizerOptions& o, const Kind& kind) {
  const auto fraction = [&](const char* option, double x) {
    expect(x >= 0 && x < 1, o, option, x, "0 <= x < 1");
  };
  const auto not_negative = [&](const char* option, double x) {
    expect(x >= 0 && std::isfinite(x), o, option, x, "0 or more");
  };
  fraction("momentum", o.momentum);
  fraction("rho", o.rho);
  fraction("beta1", o.beta1);
  fraction("beta2", o.beta2);
  not_negative("weight_decay", o.weight_decay);
  not_negative("clip_norm", o.clip_norm);
  not_negative("clip_value", o.clip_value);
  not_negative("epsilon", o.epsilon.value_or(0));
  expect(kind.has_momentum || o.momentum == 0, o, "momentum", o.momentum,
         "0: this rule has no momentum");
  expect(kind.make == optim::make_sgd || !o.nesterov, o, "nesterov", 1, "false: only sgd has it");
}

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(Parameters& parameters, const OptimizerOptions& options) {
  for (const Kind& kind : kKinds) {
    if (options.kind != kind.name) continue;
    check(options, kind);
    return kind.make(parameters, options);
  }
  throw ConfigError(unknown_name("optimizer", options.kind, optimizer_names()));
}

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

}  // namespace hadal
