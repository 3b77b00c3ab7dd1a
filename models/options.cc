#include "models/options.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal::models {

namespace {

bool is_whole(OptionKind kind) {
  return kind == OptionKind::kInteger || kind == OptionKind::kIntegers;
}

bool is_list(OptionKind kind) {
  return kind == OptionKind::kIntegers || kind == OptionKind::kReals;
}

std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  for (const std::string& word : split(list, ',')) words.emplace_back(trim(word));
  return words;
}

bool is_number_in_range(const OptionSpec& spec, const std::string& text) {
  try {
    const double value = is_whole(spec.kind) ? static_cast<double>(parse_int(text, spec.name))
                                             : parse_double(text, spec.name);
    return value >= spec.low && value <= spec.high;
  } catch (const ConfigError&) {
    return false;
  }
}

bool is_valid(const OptionSpec& spec, const std::string& text) {
  switch (spec.kind) {
    case OptionKind::kBool:
      return text == "true" || text == "false";
    case OptionKind::kChoice:
      return std::ranges::find(spec.choices, text) != spec.choices.end();
    default:
      break;
  }
  if (!is_list(spec.kind)) return is_number_in_range(spec, text);
  return std::ranges::all_of(
      words_of(text), [&](const std::string& word) { return is_number_in_range(spec, word); });
}

}  // namespace

std::string OptionSpec::wanted() const {
  if (kind == OptionKind::kBool) return "true or false";
  if (kind == OptionKind::kChoice) return fmt::format("one of {}", fmt::join(choices, ", "));
  const bool bounded = high < std::numeric_limits<std::int32_t>::max();
  const std::string range =
      bounded ? fmt::format("from {:g} to {:g}", low, high) : fmt::format("from {:g}", low);
  switch (kind) {
    case OptionKind::kInteger:
      return "an integer " + range;
    case OptionKind::kReal:
      return "a number " + range;
    case OptionKind::kIntegers:
      return "integers " + range + ", with commas between";
    default:
      return "numbers " + range + ", with commas between";
  }
}

Options::Options(std::string owner, std::vector<OptionSpec> specs,
                 std::span<const std::string> settings)
    : owner_(std::move(owner)), specs_(std::move(specs)) {
  std::vector<std::string> known;
  for (const OptionSpec& spec : specs_) known.push_back(spec.name);
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos)
      throw ConfigError(
          fmt::format("model {}: option '{}' has no value; wanted name=value", owner_, setting));
    const std::string name(trim(std::string_view(setting).substr(0, equals)));
    const std::string value(trim(std::string_view(setting).substr(equals + 1)));
    const auto spec = std::ranges::find(specs_, name, &OptionSpec::name);
    if (spec == specs_.end())
      throw ConfigError(fmt::format("model {}: {}", owner_, unknown_name("option", name, known)));
    if (!values_.emplace(name, value).second)
      throw ConfigError(fmt::format("model {}: option '{}' is given twice", owner_, name));
    if (is_valid(*spec, value)) continue;
    const std::string near = did_you_mean(value, spec->choices);
    refuse(name, fmt::format("wanted {}{}", spec->wanted(),
                             near.empty() ? "" : fmt::format("; did you mean {}?", near)));
  }
  for (const OptionSpec& spec : specs_) {
    HADAL_CHECK(is_valid(spec, spec.default_value));
    values_.emplace(spec.name, spec.default_value);
  }
}

int Options::integer(std::string_view name) const {
  return static_cast<int>(parse_int(text(name, OptionKind::kInteger), name));
}

double Options::real(std::string_view name) const {
  return parse_double(text(name, OptionKind::kReal), name);
}

bool Options::flag(std::string_view name) const { return text(name, OptionKind::kBool) == "true"; }

const std::string& Options::choice(std::string_view name) const {
  return text(name, OptionKind::kChoice);
}

std::vector<int> Options::integers(std::string_view name) const {
  std::vector<int> values;
  for (const std::string& word : words_of(text(name, OptionKind::kIntegers)))
    values.push_back(static_cast<int>(parse_int(word, name)));
  return values;
}

std::vector<double> Options::reals(std::string_view name) const {
  std::vector<double> values;
  for (const std::string& word : words_of(text(name, OptionKind::kReals)))
    values.push_back(parse_double(word, name));
  return values;
}

std::vector<std::string> Options::settings() const {
  std::vector<std::string> all;
  for (const OptionSpec& spec : specs_)
    all.push_back(fmt::format("{}={}", spec.name, values_.at(spec.name)));
  return all;
}

void Options::refuse(std::string_view name, const std::string& problem) const {
  throw ConfigError(
      fmt::format("model {}: {}={}: {}", owner_, name, values_.find(name)->second, problem));
}

const std::string& Options::text(std::string_view name, OptionKind kind) const {
  const auto spec = std::ranges::find(specs_, name, &OptionSpec::name);
  HADAL_CHECK(spec != specs_.end() && spec->kind == kind);
  return values_.find(name)->second;
}

}  // namespace hadal::models
