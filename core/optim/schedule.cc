#include "core/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal {
namespace {

using Options = ScheduleOptions;

template <typename Number>
std::int64_t reached(const std::vector<Number>& boundaries, Number now) {
  return std::ranges::upper_bound(boundaries, now) - boundaries.begin();
}

double constant(const Options&, const Progress&) { return 1; }

double steps(const Options& o, const Progress& p) {
  const std::int64_t k = reached(o.at_epoch, p.epoch()) + reached(o.at_step, p.step) +
                         reached(o.at_fraction, p.fraction());
  if (o.factors.empty()) return std::pow(o.factor, k);
  return k == 0 ? 1 : o.factors[static_cast<std::size_t>(k - 1)];
}

double polynomial(const Options& o, const Progress& p) {
  return o.final + (1 - o.final) * std::pow(std::max(0.0, 1 - p.fraction()), o.power);
}

double inverse(const Options& o, const Progress& p) {
  return std::pow(1 + o.gamma * static_cast<double>(p.step), -o.power);
}

double time_decay(const Options& o, const Progress& p) {
  return 1 / (1 + o.gamma * static_cast<double>(p.step));
}

double exponential(const Options& o, const Progress& p) {
  const double periods = o.every_epochs > 0 ? std::floor(p.epoch() / o.every_epochs)
                                            : static_cast<double>(p.step / o.every_steps);
  return std::pow(o.gamma, periods);
}

/// From `from` at 0 to `to` at 1 along half a cosine.
double half_cosine(double from, double to, double x) {
  return to + (from - to) * (1 + std::cos(std::numbers::pi * std::min(x, 1.0))) / 2;
}

double cosine(const Options& o, const Progress& p) { return half_cosine(1, o.final, p.fraction()); }

double one_cycle(const Options& o, const Progress& p) {
  const double x = p.fraction();
  if (x < o.up_fraction) return o.initial + (1 - o.initial) * x / o.up_fraction;
  return half_cosine(1, o.final, (x - o.up_fraction) / (1 - o.up_fraction));
}

double halving(const Options& o, const Progress& p) {
  const double shortest = o.shortest_epochs * static_cast<double>(p.steps_per_epoch);
  const auto total = static_cast<double>(p.total_steps);
  double f = 1;
  for (double rest = total / 2; rest >= shortest && static_cast<double>(p.step) >= total - rest;
       rest /= 2)
    f *= o.factor;
  return f;
}

struct Kind {
  const char* name;
  double (*formula)(const Options&, const Progress&);
};

constexpr Kind kKinds[] = {
    {"constant", constant},     {"cosine", cosine},   {"exponential", exponential},
    {"halving", halving},       {"inverse", inverse}, {"one_cycle", one_cycle},
    {"polynomial", polynomial}, {"steps", steps},     {"time_decay", time_decay},
};

void expect(bool fits, const std::string& kind, const std::string& message) {
  if (!fits) throw ConfigError(fmt::format("schedule {}: {}", kind, message));
}

void check_steps(const Options& o) {
  const std::size_t boundaries = o.at_epoch.size() + o.at_step.size() + o.at_fraction.size();
  const int units = !o.at_epoch.empty() + !o.at_step.empty() + !o.at_fraction.empty();
  expect(units == 1, o.kind,
         fmt::format("{} of at_epoch, at_step and at_fraction are given, wanted one", units));
  expect(std::ranges::is_sorted(o.at_epoch) && std::ranges::is_sorted(o.at_step) &&
             std::ranges::is_sorted(o.at_fraction),
         o.kind, "boundaries do not ascend");
  expect(o.factors.empty() || o.factors.size() == boundaries, o.kind,
         fmt::format("{} factors for {} boundaries, wanted as many", o.factors.size(), boundaries));
}

void check(const Options& o) {
  const auto positive = [&](const char* option, double x) {
    expect(x > 0 && std::isfinite(x), o.kind,
           fmt::format("{} is {}, wanted more than 0", option, x));
  };
  if (o.kind == "steps") check_steps(o);
  positive("factor", o.factor);
  positive("power", o.power);
  positive("every_steps", static_cast<double>(o.every_steps));
  positive("shortest_epochs", o.shortest_epochs);
  positive("up_fraction", o.up_fraction);
  expect(o.up_fraction < 1, o.kind,
         fmt::format("up_fraction is {}, wanted less than 1", o.up_fraction));
  expect(o.gamma >= 0, o.kind, fmt::format("gamma is {}, wanted 0 or more", o.gamma));
  if (o.kind == "exponential") positive("gamma", o.gamma);
}

auto formula_of(const std::string& kind) {
  for (const Kind& known : kKinds)
    if (kind == known.name) return known.formula;
  throw ConfigError(unknown_name("schedule", kind, schedule_names()));
}

}  // namespace

Schedule::Schedule(ScheduleOptions options)
    : options_(std::move(options)), formula_(formula_of(options_.kind)) {
  check(options_);
}

std::vector<std::string> schedule_names() {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

}  // namespace hadal
