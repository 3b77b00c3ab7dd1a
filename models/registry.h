// The table of models: what there is, what can be set, how to build it.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/model.h"
#include "models/options.h"

namespace hadal::models {

struct Family {
  std::string name;     // as in a spec: "resnet"
  std::string summary;  // one line, with the paper
  std::vector<OptionSpec> options;
  std::string example;  // settings that build a net of the paper: "depth=110"
  /// Throws ConfigError for options that do not fit together or an input the net has no form for.
  std::function<Model(const Options&, const InputSpec&)> build;
};

/// Every family, in alphabetical order.
const std::vector<Family>& all_families();

/// Throws ConfigError with the nearest name and all that are known.
const Family& find_family(std::string_view name);

/// The options of family `name` as `settings` ("depth=110") set them. Throws ConfigError.
Options read_options(std::string_view name, std::span<const std::string> settings);

/// A model of family `name`. Throws ConfigError, ShapeError.
Model build(std::string_view name, std::span<const std::string> settings,
            const InputSpec& input = {});

}  // namespace hadal::models
