#include "experiments/spec/sweep.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "experiments/spec/draws.h"
#include "experiments/spec/fields.h"
#include "experiments/spec/load.h"

namespace hadal::spec {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";

constexpr std::uint64_t kMostDrawsPerSample = 1000;
// Of a line of the table and of the names of its folders; longer ones are numbered.
constexpr std::size_t kLongestDrawName = 120;

std::string as_file_name(std::string text) {
  for (char& c : text) {
    if (c == '=' || c == ',') c = '-';
    if (kNameCharacters.find(c) == std::string_view::npos) c = '_';
  }
  // Neither hidden nor taken for an option.
  if (text.starts_with('.') || text.starts_with('-')) text[0] = '_';
  return text;
}

std::string joined(const std::string& a, const std::string& b, std::string_view separator) {
  return a.empty() || b.empty() ? a + b : fmt::format("{}{}{}", a, separator, b);
}

/// NaN for text that is not a number.
double as_number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return std::numeric_limits<double>::quiet_NaN();
  return value;
}

/// One value of an axis: what it is called and what it sets.
struct Choice {
  Label label;
  std::vector<std::string> set;
  bool column = false;

  /// "depth=20", or a point's name alone.
  std::string text;
};

Choice choice_of(const std::string& key, const std::string& value) {
  const std::string name = key.substr(key.rfind('.') + 1);
  return {.label = {name, value},
          .set = {fmt::format("{}={}", key, value)},
          .text = fmt::format("{}={}", name, value)};
}

std::vector<Choice> choices_of(const Axis& axis, const std::string& file) {
  const std::string name = axis.key().substr(axis.key().rfind('.') + 1);
  std::vector<Choice> choices;
  for (const std::string& value : axis.value()) {
    choices.push_back(choice_of(axis.key(), value));
    choices.back().column = axis.column();
  }
  for (const Point& point : axis.point())
    choices.push_back({.label = {name, point.name()},
                       .set = {point.set().begin(), point.set().end()},
                       .column = axis.column(),
                       .text = point.name()});
  if (choices.empty())
    throw ConfigError(fmt::format("{}: axis '{}' has neither value nor point", file, axis.key()));
  return choices;
}

class Expander {
 public:
  Expander(const SweepSpec& sweep, fs::path folder, std::string file, const Complete& complete)
      : sweep_(sweep), folder_(std::move(folder)), file_(std::move(file)), complete_(complete) {}

  /// `draws`: which draws of the random axes; nothing: the first `samples` that are admitted.
  SweepPlan run(const std::optional<std::vector<std::uint64_t>>& draws) {
    draws_ = draws;
    check_name();
    check_random_axes(sweep_, file_);
    for (const Axis& axis : sweep_.axis()) axes_.push_back(choices_of(axis, file_));
    check_size();
    std::vector<Row> rows(sweep_.row().begin(), sweep_.row().end());
    if (rows.empty()) rows.emplace_back();
    for (const Row& row : rows) expand_row(row);
    if (plan_.runs.empty()) throw ConfigError(file_ + ": no runs: every combination is skipped");
    collect_expectations(rows);
    return std::move(plan_);
  }

  std::vector<std::uint64_t> admitted(std::uint64_t first, std::uint64_t count) const {
    const Row row = sweep_.row_size() > 0 ? sweep_.row(0) : Row();
    ExperimentSpec spec = base_of(row);
    apply(spec, sweep_.set(), "");
    apply(spec, row.set(), "");
    std::vector<std::uint64_t> admitted;
    for (std::uint64_t index = first; index < first + count; ++index)
      if (!is_skipped(with_draw(spec, index, ""))) admitted.push_back(index);
    return admitted;
  }

 private:
  void check_name() const {
    if (sweep_.name().find_first_not_of(kNameCharacters) != std::string::npos ||
        sweep_.name().starts_with('.'))
      throw ConfigError(fmt::format(
          "{}: name '{}': only letters, digits, '.', '_', '+' and '-', and no '.' first", file_,
          sweep_.name()));
  }

  void check_size() const {
    double runs = std::max(1, sweep_.row_size()) * double(std::max(1, sweep_.seed_size())) *
                  std::max(1, sweep_.samples());
    for (const auto& axis : axes_) runs *= static_cast<double>(axis.size());
    if (runs > kMaxRuns)
      throw ConfigError(
          fmt::format("{}: {:.0f} runs, a sweep has at most {}", file_, runs, kMaxRuns));
  }

  ExperimentSpec base_of(const Row& row) const {
    const std::string& base = row.base().empty() ? sweep_.base() : row.base();
    if (!sweep_.base().empty() && sweep_.has_experiment())
      throw ConfigError(file_ + ": has both base and experiment; keep one");
    if (!base.empty()) return read_experiment(folder_ / base);
    if (sweep_.has_experiment()) return sweep_.experiment();
    throw ConfigError(file_ + ": has neither base nor experiment");
  }

  template <typename Settings>
  void apply(ExperimentSpec& spec, const Settings& settings, const std::string& where) const {
    for (const std::string& assignment : settings) {
      try {
        set_field(spec, assignment);
      } catch (const ConfigError& error) {
        throw ConfigError(
            fmt::format("{}: {}set '{}': {}", file_, where, assignment, error.what()));
      }
    }
  }

  void expand_row(const Row& row) {
    const std::string where =
        row.name().empty() ? "" : fmt::format("row '{}': ", joined(row.name(), row.column(), "/"));
    if (!rows_seen_.insert({row.name(), row.column()}).second)
      throw ConfigError(fmt::format("{}: {}is there twice", file_, where));
    ExperimentSpec spec = base_of(row);
    apply(spec, sweep_.set(), "");
    apply(spec, row.set(), where);
    std::vector<const Choice*> chosen;
    expand_axes(row, spec, chosen, where);
  }

  void expand_axes(const Row& row, const ExperimentSpec& spec, std::vector<const Choice*>& chosen,
                   const std::string& where) {
    if (chosen.size() == axes_.size()) return expand_draws(row, spec, chosen, where);
    for (const Choice& choice : axes_[chosen.size()]) {
      ExperimentSpec with = spec;
      apply(with, choice.set, where);
      chosen.push_back(&choice);
      expand_axes(row, with, chosen, where);
      chosen.pop_back();
    }
  }

  void expand_draws(const Row& row, const ExperimentSpec& spec,
                    const std::vector<const Choice*>& chosen, const std::string& where) {
    if (sweep_.random_size() == 0) return expand_seeds(row, spec, chosen);
    for (const std::uint64_t index : draws_ ? *draws_ : admitted_draws(spec, where)) {
      const std::vector<Choice> drawn = choices_of_draw(index);
      std::vector<const Choice*> all = chosen;
      for (const Choice& choice : drawn) all.push_back(&choice);
      drawn_ = index;
      expand_seeds(row, with_draw(spec, index, where), all);
    }
  }

  /// The first `samples` that are not skipped and not there before.
  std::vector<std::uint64_t> admitted_draws(const ExperimentSpec& spec,
                                            const std::string& where) const {
    std::vector<std::uint64_t> admitted;
    std::set<Draw> seen;
    const auto wanted = static_cast<std::size_t>(sweep_.samples());
    const std::uint64_t patience = kMostDrawsPerSample * wanted;
    for (std::uint64_t index = 0; index < patience && admitted.size() < wanted; ++index)
      if (!is_skipped(with_draw(spec, index, where)) && seen.insert(draw(sweep_, index)).second)
        admitted.push_back(index);
    if (admitted.size() < wanted)
      throw ConfigError(fmt::format(
          "{}: {}samples: {}, but of {} draws only {} differ and are not skipped; lower samples, "
          "or loosen skip and require",
          file_, where, wanted, patience, admitted.size()));
    return admitted;
  }

  std::vector<Choice> choices_of_draw(std::uint64_t index) const {
    const Draw values = draw(sweep_, index);
    std::vector<Choice> choices;
    std::size_t length = 0;
    for (int i = 0; i < sweep_.random_size(); ++i) {
      choices.push_back(choice_of(sweep_.random(i).key(), values[static_cast<std::size_t>(i)]));
      length += choices.back().text.size() + 1;
    }
    if (length <= kLongestDrawName) return choices;
    for (Choice& choice : choices) choice.text.clear();
    choices[0].text = fmt::format("draw={}", index);
    return choices;
  }

  ExperimentSpec with_draw(ExperimentSpec spec, std::uint64_t index,
                           const std::string& where) const {
    for (const Choice& choice : choices_of_draw(index)) apply(spec, choice.set, where);
    return spec;
  }

  void expand_seeds(const Row& row, const ExperimentSpec& spec,
                    const std::vector<const Choice*>& chosen) {
    std::string line = row.name(), column = row.column();
    std::vector<Label> labels;
    if (!row.name().empty()) labels.push_back({"row", row.name()});
    if (!row.column().empty()) labels.push_back({"column", row.column()});
    for (const Choice* choice : chosen) {
      std::string& part = choice->column ? column : line;
      part = joined(part, choice->text, " ");
      labels.push_back(choice->label);
    }
    if (is_skipped(spec)) return;
    std::vector<std::uint64_t> seeds(sweep_.seed().begin(), sweep_.seed().end());
    if (seeds.empty()) seeds.push_back(with_defaults(spec).seed());
    const std::size_t cell = cell_of(line, column);
    for (std::uint64_t seed : seeds) add_run(spec, seed, labels, cell);
  }

  static ExperimentSpec with_defaults(ExperimentSpec spec) {
    fill_defaults(spec);
    return spec;
  }

  bool is_skipped(const ExperimentSpec& spec) const {
    if (sweep_.skip_size() == 0 && sweep_.require_size() == 0) return false;
    const ExperimentSpec filled = with_defaults(spec);
    const auto all_hold = [&](const auto& conditions, const char* field) {
      return std::all_of(conditions.begin(), conditions.end(), [&](const std::string& condition) {
        try {
          return holds(filled, condition);
        } catch (const ConfigError& error) {
          throw ConfigError(fmt::format("{}: {}: {}", file_, field, error.what()));
        }
      });
    };
    return !all_hold(sweep_.require(), "require") ||
           std::any_of(sweep_.skip().begin(), sweep_.skip().end(), [&](const Skip& skip) {
             return skip.when_size() > 0 && all_hold(skip.when(), "skip");
           });
  }

  std::size_t cell_of(const std::string& row, const std::string& column) {
    for (std::size_t i = 0; i < plan_.cells.size(); ++i)
      if (plan_.cells[i].row == row && plan_.cells[i].column == column) return i;
    plan_.cells.push_back({row, column, {}});
    return plan_.cells.size() - 1;
  }

  void add_run(ExperimentSpec spec, std::uint64_t seed, std::vector<Label> labels,
               std::size_t cell_index) {
    SweepCell& cell = plan_.cells[cell_index];
    const std::string at = joined(cell.row, cell.column, ", ");
    spec.set_seed(seed);
    spec.set_name(joined(at.empty() ? sweep_.name() : at, fmt::format("seed {}", seed), ", "));
    const int ranks = sweep_.resources().ranks();
    if (spec.logical_shards() == 0) spec.set_logical_shards(ranks);
    std::vector<Problem> problems;
    resolve_into(spec, complete_, problems);
    if (problems.empty() && spec.logical_shards() % ranks != 0)
      problems.push_back({"logical_shards", fmt::format("{} is not divisible by resources.ranks {}",
                                                        spec.logical_shards(), ranks)});
    if (!problems.empty()) {
      const std::string place = joined(cell.row, cell.column, "/");
      throw ConfigError(describe(
          problems, place.empty() ? file_ : fmt::format("{}: row '{}'", file_, place), {}));
    }

    std::string hash = spec_hash(spec);
    const auto [known, is_new] = run_of_hash_.emplace(hash, plan_.runs.size());
    if (std::find(cell.runs.begin(), cell.runs.end(), known->second) == cell.runs.end())
      cell.runs.push_back(known->second);
    if (!is_new) return;
    labels.push_back({"seed", std::to_string(seed)});
    const std::string name = joined(cell.row, cell.column, "_");
    plan_.runs.push_back({as_file_name(joined(name, fmt::format("seed-{}", seed), "_")),
                          std::move(labels), static_cast<std::int64_t>(seed), std::move(spec),
                          std::move(hash), drawn_});
  }

  void collect_expectations(const std::vector<Row>& rows) {
    for (const Expect& expect : sweep_.expect()) add_expectation(expect);
    for (const Row& row : rows)
      for (Expect expect : row.expect()) {
        if (expect.row().empty()) expect.set_row(row.name());
        if (expect.column().empty()) expect.set_column(row.column());
        add_expectation(expect);
      }
  }

  void add_expectation(const Expect& expect) {
    std::vector<std::string> known;
    for (const SweepCell& cell : plan_.cells) {
      if (cell.row == expect.row() && cell.column == expect.column()) {
        plan_.expect.push_back(expect);
        return;
      }
      known.push_back(joined(cell.row, cell.column, " / "));
    }
    throw ConfigError(
        fmt::format("{}: expect {} {}: {}", file_, expect.metric(), expect.value(),
                    unknown_name("cell", joined(expect.row(), expect.column(), " / "), known)));
  }

  const SweepSpec& sweep_;
  const fs::path folder_;
  const std::string file_;
  const Complete& complete_;
  std::optional<std::vector<std::uint64_t>> draws_;
  std::optional<std::uint64_t> drawn_;  // of the runs that are being added
  std::vector<std::vector<Choice>> axes_;
  std::set<std::pair<std::string, std::string>> rows_seen_;
  std::map<std::string, std::size_t> run_of_hash_;
  SweepPlan plan_;
};

}  // namespace

bool holds(const ExperimentSpec& spec, const std::string& condition) {
  const std::size_t at = condition.find_first_of("=!<>");
  if (at == std::string::npos || at == 0)
    throw ConfigError(
        fmt::format("'{}' is not 'field op value', op one of = != < <= > >=", condition));
  const std::size_t length = at + 1 < condition.size() && condition[at + 1] == '=' ? 2 : 1;
  const std::string op = condition.substr(at, length);
  const std::string path(trim(std::string_view(condition).substr(0, at)));
  const std::string wanted(trim(std::string_view(condition).substr(at + length)));
  const std::optional<std::string> found = get_field(spec, path);
  const double a = as_number(found.value_or("")), b = as_number(wanted);
  const bool equal = found && (a == b || *found == wanted);
  if (op == "=" || op == "==") return equal;
  if (op == "!=") return !equal;
  if (op == "!")
    throw ConfigError(fmt::format("'{}': op '!' is not one of = != < <= > >=", condition));
  if (!found) return false;
  if (std::isnan(a) || std::isnan(b))
    throw ConfigError(
        fmt::format("'{}': '{}' and '{}' are not both numbers", condition, *found, wanted));
  if (op == "<") return a < b;
  if (op == "<=") return a <= b;
  if (op == ">") return a > b;
  return a >= b;
}

SweepPlan expand(const SweepSpec& sweep, const fs::path& folder, const std::string& file,
                 const Complete& complete, const std::optional<std::vector<std::uint64_t>>& draws) {
  return Expander(sweep, folder, file, complete).run(draws);
}

std::vector<std::uint64_t> admitted_draws(const SweepSpec& sweep, const fs::path& folder,
                                          const std::string& file, std::uint64_t first,
                                          std::uint64_t count) {
  return Expander(sweep, folder, file, {}).admitted(first, count);
}

SweepPlan load_plan(const fs::path& path, const Complete& complete) {
  return expand(load_sweep(path), path.parent_path(), path.string(), complete);
}

}  // namespace hadal::spec
