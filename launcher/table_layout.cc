#include "launcher/table_layout.h"

#include <functional>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"
#include "experiments/spec/load.h"
#include "experiments/translate.h"
#include "launcher/carried_files.h"
#include "launcher/sweep_planner.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLayouts = "launcher/layouts/";
constexpr const char* kEnding = ".textproto";
constexpr const char* kNothing = "-";

struct Identity {
  std::string spec;  // hash without seed and shards
  std::uint64_t seed = 0;
  int shards = 0;
};

Identity identity_of(spec::ExperimentSpec spec) {
  Identity identity{.spec = {}, .seed = spec.seed(), .shards = spec.logical_shards()};
  spec.clear_seed();
  spec.clear_logical_shards();
  identity.spec = spec::spec_hash(spec);
  return identity;
}

std::string joined(const std::string& a, const std::string& b) {
  return a + (a.empty() || b.empty() ? "" : "; ") + b;
}

/// From the text of a layout to its cells; `read` gives the text of an experiment it names.
class Reader {
 public:
  Reader(std::string file, std::function<std::string(const std::string&)> read)
      : file_(std::move(file)), read_(std::move(read)) {}

  Layout layout(std::string_view text) {
    const spec::LayoutSpec said = spec::layout_from_text(text, file_);
    Layout layout{.name = said.name(), .title = said.title(), .note = said.note(), .cells = {}};
    for (const spec::LayoutLine& line : said.line()) {
      require_one_per_column(said, line, "figure", line.figure_size());
      if (line.experiment_size() > 0)
        require_one_per_column(said, line, "experiment", line.experiment_size());
      for (int c = 0; c < said.column_size(); ++c) layout.cells.push_back(cell_of(said, line, c));
      if (!line.note().empty())
        layout.note = joined(layout.note, fmt::format("{}: {}", line.name(), line.note()));
    }
    return layout;
  }

 private:
  void require_one_per_column(const spec::LayoutSpec& said, const spec::LayoutLine& line,
                              const char* what, int found) const {
    if (found != said.column_size())
      throw ConfigError(fmt::format("{}: line '{}' has {} entries of '{}', the layout {} columns",
                                    file_, line.name(), found, what, said.column_size()));
  }

  LayoutCell cell_of(const spec::LayoutSpec& said, const spec::LayoutLine& line, int c) {
    const spec::LayoutColumn& column = said.column(c);
    std::string metric = line.metric().empty() ? column.metric() : line.metric();
    if (metric.empty()) metric = name_of(Metric::kTestError);
    LayoutCell cell{.row = line.name(), .column = column.name(), .specs = {}};
    cell.metric = metric_named(metric);
    if (line.figure(c) != kNothing) cell.expected.push_back(expected(said, line, c, metric));
    if (line.experiment_size() > 0 && line.experiment(c) != kNothing)
      cell.specs.push_back(spec_of(line.experiment(c)));
    return cell;
  }

  Expected expected(const spec::LayoutSpec& said, const spec::LayoutLine& line, int c,
                    const std::string& metric) const {
    const std::string what =
        fmt::format("{}: line '{}', column '{}'", file_, line.name(), said.column(c).name());
    const std::vector<std::string> parts = split(line.figure(c), ' ');
    if (parts.size() > 2)
      throw ConfigError(fmt::format("{}: figure '{}' is not 'value', 'value deviation' or '-'",
                                    what, line.figure(c)));
    const auto status = line.status() == spec::Expect::unknown ? said.status() : line.status();
    return {.metric_name = metric,
            .metric = metric_named(metric),
            .value = parse_double(parts[0], what),
            .deviation = parts.size() == 2 ? parse_double(parts[1], what) : 0,
            .source =
                fmt::format("{}{}{}", said.paper(), said.table().empty() ? "" : ", ", said.table()),
            .status = spec::Expect::Status_Name(status),
            .note = {},
            .difference = {}};
  }

  std::string spec_of(const std::string& experiment) {
    const auto [at, is_new] = known_.try_emplace(experiment);
    if (is_new)
      at->second = identity_of(spec::experiment_from_text(read_(experiment), experiment, {},
                                                          experiments::complete))
                       .spec;
    return at->second;
  }

  std::string file_;
  std::function<std::string(const std::string&)> read_;
  std::map<std::string, std::string> known_;
};

Layout carried_layout(const std::string& name, std::string_view text) {
  const auto read = [&](const std::string& experiment) {
    const auto at = carried_files().find("experiments/" + experiment);
    if (at == carried_files().end())
      throw ConfigError(fmt::format("layout {}: the program carries no {}", name, experiment));
    return std::string(at->second);
  };
  return Reader(name, read).layout(text);
}

bool is_layout(const std::string& text) {
  spec::LayoutSpec layout;
  try {
    spec::parse_text(text, "", layout);
    return true;
  } catch (const ConfigError&) {
    return false;
  }
}

Layout layout_in_file(const fs::path& file) {
  const std::string text = read_file(file, spec::kMaxSpecBytes);
  if (!is_layout(text)) return layout_of(plan_sweep(file, {}, experiments::complete));
  return Reader(file.string(),
                [&](const std::string& experiment) {
                  return read_file(file.parent_path() / experiment, spec::kMaxSpecBytes);
                })
      .layout(text);
}

struct FoundRun {
  RunRecord record;
  int shards = 0;
};

/// Runs by their specs; of the same seed and shards one, a finished one if there is.
using RunsOfSpec = std::map<std::pair<std::uint64_t, int>, FoundRun>;

std::map<std::string, RunsOfSpec> sorted(std::vector<RunRecord> runs) {
  std::map<std::string, RunsOfSpec> by_spec;
  for (RunRecord& run : runs) {
    const Identity identity = identity_of(
        spec::experiment_from_text(run.spec_text, (run.folder / "spec.textproto").string()));
    RunsOfSpec& of_spec = by_spec[identity.spec];
    const std::pair key{identity.seed, identity.shards};
    const auto known = of_spec.find(key);
    if (known == of_spec.end() || (run.finished() && !known->second.record.finished()))
      of_spec.insert_or_assign(key, FoundRun{std::move(run), identity.shards});
  }
  return by_spec;
}

class Filler {
 public:
  Filler(const Layout& layout, std::vector<RunRecord> runs)
      : table_{.name = layout.name, .title = layout.title, .note = layout.note, .folder = {}},
        by_spec_(sorted(std::move(runs))) {
    table_.is_layout = true;
  }

  Table fill(const Layout& layout) {
    for (const LayoutCell& cell : layout.cells) add(cell);
    std::size_t elsewhere = 0;
    for (const auto& [spec, left] : by_spec_) elsewhere += left.size();
    if (elsewhere > 0)
      table_.note =
          joined(table_.note, fmt::format("{} run{} of specs that are not in this layout left out",
                                          elsewhere, elsewhere == 1 ? "" : "s"));
    return std::move(table_);
  }

 private:
  void add(const LayoutCell& cell) {
    std::vector<std::size_t> runs;
    std::set<int> shards;
    for (const std::string& spec : cell.specs)
      for (const auto& [index, shards_of_run] : placed(spec)) {
        runs.push_back(index);
        shards.insert(shards_of_run);
      }
    add_cell(table_, cell.row, cell.column, std::move(runs), cell.expected);
    Cell& added = table_.cells.back();
    if (cell.metric) added.headline = *cell.metric;
    added.is_built = !cell.specs.empty();
    if (shards.size() > 1)
      table_.note = joined(table_.note, fmt::format("{} holds runs of {} logical shards",
                                                    cell_name(cell), fmt::join(shards, " and ")));
  }

  static std::string cell_name(const LayoutCell& cell) {
    return cell.row + (cell.column.empty() ? "" : ", " + cell.column);
  }

  /// Indices into table_.runs and shards; several cells may show the same runs.
  const std::vector<std::pair<std::size_t, int>>& placed(const std::string& spec) {
    const auto [at, is_new] = placed_.try_emplace(spec);
    if (!is_new) return at->second;
    if (auto found = by_spec_.extract(spec))
      for (auto& [key, run] : found.mapped()) {
        at->second.emplace_back(table_.runs.size(), run.shards);
        const std::string id = run.record.spec_hash, name = run.record.name;
        table_.runs.push_back(
            table_run(std::move(run.record), id, name, static_cast<long long>(key.first)));
      }
    return at->second;
  }

  Table table_;
  std::map<std::string, RunsOfSpec> by_spec_;
  std::map<std::string, std::vector<std::pair<std::size_t, int>>> placed_;
};

}  // namespace

std::vector<std::string> layout_names() {
  std::vector<std::string> names;
  for (const auto& [path, text] : carried_files())
    if (path.starts_with(kLayouts))
      names.push_back(path.substr(
          std::string_view(kLayouts).size(),
          path.size() - std::string_view(kLayouts).size() - std::string_view(kEnding).size()));
  return names;
}

Layout find_layout(const std::string& name_or_file) {
  if (const auto at = carried_files().find(kLayouts + name_or_file + kEnding);
      at != carried_files().end())
    return carried_layout(name_or_file, at->second);
  if (fs::exists(name_or_file)) return layout_in_file(name_or_file);
  throw UsageError(unknown_name("layout", name_or_file, layout_names()) +
                   ", and no file of that name");
}

Layout layout_of(const SweepPlan& plan) {
  const spec::SweepSpec said = spec::sweep_from_text(plan.sweep_text, plan.name);
  Layout layout{.name = plan.name, .title = said.title(), .note = said.note(), .cells = {}};
  std::map<std::string, std::string> spec_of_hash;
  for (const PlannedRun& run : plan.runs)
    spec_of_hash[run.hash] = identity_of(spec::experiment_from_text(run.spec_text, plan.name)).spec;
  for (const PlannedCell& cell : plan.cells) {
    std::set<std::string> specs;
    for (const std::string& hash : cell.hashes) specs.insert(spec_of_hash.at(hash));
    layout.cells.push_back({.row = cell.row,
                            .column = cell.column,
                            .specs = {specs.begin(), specs.end()},
                            .expected = expected_of(said, cell.row, cell.column)});
  }
  return layout;
}

Table table_in_layout(const Layout& layout, std::vector<RunRecord> runs) {
  return Filler(layout, std::move(runs)).fill(layout);
}

}  // namespace hadal::launcher
