#include "experiments/spec/options.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal::spec {

Options options_of(const OptionList& list) {
  Options options;
  for (const std::string& entry : list) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0)
      throw ConfigError(fmt::format("'{}' is not name=value", entry));
    const std::string name(trim(std::string_view(entry).substr(0, equals)));
    const std::string value(trim(std::string_view(entry).substr(equals + 1)));
    if (name.empty()) throw ConfigError(fmt::format("'{}' is not name=value", entry));
    if (!options.emplace(name, value).second)
      throw ConfigError(fmt::format("option '{}' is given twice", name));
  }
  return options;
}

void set_option(OptionList& list, std::string_view name, std::string_view value) {
  const std::string entry = fmt::format("{}={}", name, value);
  for (std::string& existing : list) {
    if (trim(std::string_view(existing).substr(0, existing.find('='))) != name) continue;
    existing = entry;
    return;
  }
  list.Add(std::string(entry));
}

OptionList sorted(const Options& options) {
  OptionList list;
  for (const auto& [name, value] : options) list.Add(fmt::format("{}={}", name, value));
  return list;
}

}  // namespace hadal::spec
