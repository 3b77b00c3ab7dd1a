#include "launcher/strategies/registry.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal::launcher {

std::unique_ptr<Strategy> make_all(const SweepPlan& plan, Candidates candidates);
std::unique_ptr<Strategy> make_asha(const SweepPlan& plan, Candidates candidates);
std::unique_ptr<Strategy> make_search(const SweepPlan& plan, Candidates candidates);
int first_draws_of_search(const std::map<std::string, std::string>& options, int samples);

namespace {

struct Kind {
  std::string name;
  std::unique_ptr<Strategy> (*make)(const SweepPlan&, Candidates);
  /// nullptr: all of them.
  int (*first_draws)(const std::map<std::string, std::string>&, int) = nullptr;
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {"all", make_all}, {"asha", make_asha}, {"search", make_search, first_draws_of_search}};
  return all;
}

const Kind& find(const std::string& name) {
  for (const Kind& kind : kinds())
    if (kind.name == name) return kind;
  const std::string near = did_you_mean(name, strategy_names());
  throw ConfigError(fmt::format("unknown strategy '{}'; {}known: {}", name,
                                near.empty() ? "" : fmt::format("did you mean '{}'? ", near),
                                join(strategy_names(), ", ")));
}

}  // namespace

std::vector<std::string> strategy_names() {
  std::vector<std::string> names;
  for (const Kind& kind : kinds()) names.push_back(kind.name);
  return names;
}

std::unique_ptr<Strategy> make_strategy(const SweepPlan& plan, Candidates candidates) {
  return find(plan.strategy).make(plan, std::move(candidates));
}

int first_draws(const std::string& strategy, const std::map<std::string, std::string>& options,
                int samples) {
  const Kind& kind = find(strategy);
  return kind.first_draws == nullptr ? samples : kind.first_draws(options, samples);
}

StrategyOptions::StrategyOptions(const std::string& strategy,
                                 const std::map<std::string, std::string>& given,
                                 std::map<std::string, std::string> defaults)
    : strategy_(strategy), values_(std::move(defaults)) {
  std::vector<std::string> known;
  for (const auto& [name, value] : values_) known.push_back(name);
  for (const auto& [name, value] : given) {
    if (known.empty())
      throw ConfigError(fmt::format("strategy {}: has no options, found '{}'", strategy, name));
    if (!values_.contains(name))
      throw ConfigError(
          fmt::format("strategy {}: {}", strategy, unknown_name("option", name, known)));
    values_[name] = value;
  }
}

int StrategyOptions::integer(const std::string& name, int least) const {
  const std::string what = fmt::format("strategy {}: {}", strategy_, name);
  const long long value = parse_int(values_.at(name), what);
  if (value < least || value > 1'000'000)
    throw ConfigError(fmt::format("{}: found {}, wanted at least {}", what, value, least));
  return static_cast<int>(value);
}

}  // namespace hadal::launcher
