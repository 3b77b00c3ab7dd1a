#include <cmath>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/optim/host_optimizer.h"
#include "core/optim/rules.h"

namespace hadal {
namespace {

struct Kind {
  const char* name;
  bool has_momentum;
};

constexpr Kind kKinds[] = {
    {"adam", false},
    {"rmsprop_keras", false},
    {"rmsprop_tensorflow", true},
    {"sgd", true},
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
  expect(o.kind == "sgd" || !o.nesterov, o, "nesterov", 1, "false: only sgd has it");
  if (o.nesterov && o.momentum == 0)
    throw ConfigError("optimizer sgd: nesterov is set but momentum is 0, wanted momentum above 0");
}

}  // namespace

void check_optimizer(const OptimizerOptions& options) {
  for (const Kind& kind : kKinds)
    if (options.kind == kind.name) return check(options, kind);
  throw ConfigError(unknown_name("optimizer", options.kind, optimizer_names()));
}

std::unique_ptr<Optimizer> make_optimizer(Parameters& parameters, const OptimizerOptions& options) {
  check_optimizer(options);
  HADAL_CHECK(!parameters.device());
  auto optimizer = optim::for_rule(options, [&]<typename Rule>() -> std::unique_ptr<Optimizer> {
    return std::make_unique<optim::HostOptimizer<Rule>>(parameters, options);
  });
  HADAL_CHECK(optimizer != nullptr);
  return optimizer;
}

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

}  // namespace hadal
