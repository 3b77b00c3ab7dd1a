// The strategies by name. To add one: NAME.cc with make_NAME(), a declaration and a line in
// registry.cc.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "launcher/strategy.h"

namespace hadal::launcher {

/// "all", "asha", "search".
std::vector<std::string> strategy_names();

/// Throws ConfigError for an unknown name or option, and where the sweep is not one that the
/// strategy can decide about (no validation images, several seeds, …).
std::unique_ptr<Strategy> make_strategy(const SweepPlan& plan, Candidates candidates = {});

/// How many draws of the random axes the strategy wants to start with, of `samples`; all where it
/// adds none later.
int first_draws(const std::string& strategy, const std::map<std::string, std::string>& options,
                int samples);

/// The options of a strategy with its defaults. Throws ConfigError for one it does not know.
class StrategyOptions {
 public:
  StrategyOptions(const std::string& strategy, const std::map<std::string, std::string>& given,
                  std::map<std::string, std::string> defaults);
  /// Throws ConfigError unless it is a whole number of at least `least`.
  int integer(const std::string& name, int least) const;

 private:
  std::string strategy_;
  std::map<std::string, std::string> values_;
};

}  // namespace hadal::launcher
