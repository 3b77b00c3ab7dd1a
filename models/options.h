// What can be set on a model, as text: typed, with defaults and ranges, so that a typo never builds
// the default.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hadal::models {

enum class OptionKind { kInteger, kReal, kBool, kChoice, kIntegers, kReals };

/// "integer", "real", "true|false", "A|B|C", "list of integers", "list of reals".
struct OptionSpec {
  std::string name;
  OptionKind kind = OptionKind::kInteger;
  std::string default_value;
  std::string meaning;
  std::vector<std::string> choices = {};  // kChoice
  // Numbers, and every number of a list, lie in [low, high].
  double low = 0;
  double high = std::numeric_limits<std::int32_t>::max();

  /// What may be written: "an integer from 1 to 64", "one of A, B, C".
  std::string wanted() const;
};

/// The value of every option of one model, given or default, checked.
class Options {
 public:
  /// Reads "name=value" settings. Throws ConfigError, beginning with `owner`, for an unknown name
  /// (with the nearest one), a name given twice, or a value that is not what the option wants.
  Options(std::string owner, std::vector<OptionSpec> specs, std::span<const std::string> settings);

  // REQUIRES: an option of this name and kind.
  int integer(std::string_view name) const;
  double real(std::string_view name) const;
  bool flag(std::string_view name) const;
  const std::string& choice(std::string_view name) const;
  std::vector<int> integers(std::string_view name) const;
  std::vector<double> reals(std::string_view name) const;

  /// Every option in the order of its table, "name=value".
  std::vector<std::string> settings() const;

  /// Throws ConfigError: "resnet: depth=21: <problem>".
  [[noreturn]] void refuse(std::string_view name, const std::string& problem) const;

 private:
  const std::string& text(std::string_view name, OptionKind kind) const;

  std::string owner_;
  std::vector<OptionSpec> specs_;
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace hadal::models
