#include "experiments/spec/draws.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/random.h"
#include "core/base/strings.h"

namespace hadal::spec {
namespace {

std::string problem_of(const RandomAxis& axis) {
  const bool has_range = axis.from() != 0 || axis.to() != 0;
  if (axis.kind() == RandomAxis::choice) {
    if (axis.value_size() == 0) return "choice has no value";
    if (has_range) return "choice has from and to beside its values; keep one";
    const std::set<std::string> distinct(axis.value().begin(), axis.value().end());
    return static_cast<int>(distinct.size()) == axis.value_size() ? "" : "a value is there twice";
  }
  if (axis.value_size() > 0) return "has values; say kind: choice";
  if (axis.from() >= axis.to())
    return fmt::format("from {} is not below to {}", axis.from(), axis.to());
  if (axis.kind() == RandomAxis::log_uniform && axis.from() <= 0)
    return fmt::format("log_uniform from {}: wanted more than 0", axis.from());
  const bool whole = std::floor(axis.from()) == axis.from() && std::floor(axis.to()) == axis.to();
  if (axis.kind() == RandomAxis::integer && !whole) return "integer from and to are not whole";
  if (axis.kind() != RandomAxis::integer && axis.step() != 1) return "step is for kind: integer";
  return "";
}

std::uint32_t integers_of(const RandomAxis& axis) {
  const double count = std::floor((axis.to() - axis.from()) / static_cast<double>(axis.step())) + 1;
  return static_cast<std::uint32_t>(std::min(count, 4e9));
}

// Rounding must not leave the range.
std::string rounded(double value, const RandomAxis& axis) {
  const std::string text = fmt::format("{:.4g}", value);
  const double read = parse_double(text, axis.key());
  if (read < axis.from()) return fmt::format("{}", axis.from());
  return read > axis.to() ? fmt::format("{}", axis.to()) : text;
}

std::string draw_one(const RandomAxis& axis, const random::Stream& stream) {
  const double u = random::uniform_open(stream);
  switch (axis.kind()) {
    case RandomAxis::log_uniform:
      return rounded(axis.from() * std::exp(u * std::log(axis.to() / axis.from())), axis);
    case RandomAxis::integer:
      return fmt::format("{:.0f}", axis.from() + static_cast<double>(axis.step()) *
                                                     random::below(stream, integers_of(axis)));
    case RandomAxis::choice:
      return axis.value(
          static_cast<int>(random::below(stream, static_cast<std::uint32_t>(axis.value_size()))));
    default:
      return rounded(axis.from() + u * (axis.to() - axis.from()), axis);
  }
}

void add_coordinates(const RandomAxis& axis, const std::string& text, std::vector<double>& point) {
  if (axis.kind() == RandomAxis::choice) {
    for (const std::string& value : axis.value()) point.push_back(value == text ? 1 : 0);
    return;
  }
  const double value = parse_double(text, axis.key());
  point.push_back(axis.kind() == RandomAxis::log_uniform
                      ? std::log(value / axis.from()) / std::log(axis.to() / axis.from())
                      : (value - axis.from()) / (axis.to() - axis.from()));
}

}  // namespace

void check_random_axes(const SweepSpec& sweep, const std::string& file) {
  std::set<std::string> keys;
  for (const RandomAxis& axis : sweep.random()) {
    std::string problem = problem_of(axis);
    if (!keys.insert(axis.key()).second) problem = "is there twice";
    if (!problem.empty())
      throw ConfigError(fmt::format("{}: random '{}': {}", file, axis.key(), problem));
  }
  if (sweep.random_size() > 0 && sweep.samples() == 0)
    throw ConfigError(
        fmt::format("{}: has random axes; say how many draws: samples: 20, for instance", file));
  if (sweep.random_size() == 0 && sweep.samples() > 0)
    throw ConfigError(
        fmt::format("{}: samples: {}, but no random axis to draw", file, sweep.samples()));
}

Draw draw(const SweepSpec& sweep, std::uint64_t index) {
  Draw values;
  for (const RandomAxis& axis : sweep.random())
    values.push_back(draw_one(axis, {.seed = sweep.sample_seed(),
                                     .purpose = random::Purpose::kSweepDraw,
                                     .a = index & 0xffffffffU,
                                     .b = hash64(axis.key()) & 0xffffffffU}));
  return values;
}

std::vector<double> coordinates(const SweepSpec& sweep, const Draw& draw) {
  std::vector<double> point;
  for (int i = 0; i < sweep.random_size(); ++i)
    add_coordinates(sweep.random(i), draw.at(static_cast<std::size_t>(i)), point);
  return point;
}

}  // namespace hadal::spec
