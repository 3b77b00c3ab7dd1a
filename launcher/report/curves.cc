#include "launcher/report/curves.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "experiments/spec/fields.h"
#include "experiments/spec/load.h"
#include "launcher/report/gates.h"
#include "launcher/sheet.h"
#include "launcher/statistic.h"

namespace hadal::launcher::report {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<Curve, const char*>, 6> kCurves = {{
    {Curve::kTrainLoss, "train_loss"},
    {Curve::kTrainError, "train_error"},
    {Curve::kValidationLoss, "validation_loss"},
    {Curve::kValidationError, "validation_error"},
    {Curve::kTestLoss, "test_loss"},
    {Curve::kTestError, "test_error"},
}};

std::optional<double> raw_value(const EpochMetrics& epoch, Curve curve) {
  switch (curve) {
    case Curve::kTrainLoss:
      return epoch.train_loss;
    case Curve::kTrainError:
      return epoch.train_error;
    case Curve::kValidationLoss:
      return epoch.validation_loss;
    case Curve::kValidationError:
      return epoch.validation_error;
    case Curve::kTestLoss:
      return epoch.test_loss;
    case Curve::kTestError:
      return epoch.test_error;
  }
  HADAL_CHECK(false);
  return {};
}

// Five digits draw the same picture as seventeen.
double rounded(double value) { return std::strtod(fmt::format("{:.5g}", value).c_str(), nullptr); }

// Of one run [epoch, value], which is most of what a page of single runs holds.
json points(const std::vector<BandPoint>& band, std::size_t most) {
  json list = json::array();
  for (const BandPoint& p : thinned(band, most))
    if (p.n == 1)
      list.push_back({p.epoch, rounded(p.mean)});
    else
      list.push_back({p.epoch, rounded(p.mean), rounded(p.minimum), rounded(p.maximum), p.n});
  return list;
}

json curves_of(const RunRecord& record, std::size_t most) {
  json curves = json::object();
  for (const auto& [curve, name] : kCurves) {
    json list = json::array();
    for (const EpochMetrics& epoch : thinned(record.epochs, most))
      if (const auto value = value_of(epoch, curve)) list.push_back({epoch.epoch, rounded(*value)});
    if (!list.empty()) curves[name] = list;
  }
  return curves;
}

json runs_of(const Table& table, const Cell& cell) {
  json runs = json::array();
  for (const std::size_t i : cell.runs) {
    const TableRun& run = table.runs[i];
    if (run.state != RunState::kFinished) continue;
    const RunResult& result = *run.record->result;
    const auto error = launcher::value_of(result, cell.headline);
    const auto trained = launcher::value_of(result, Metric::kTrainingError);
    if (error && trained && std::isfinite(*error) && std::isfinite(*trained))
      runs.push_back({rounded(result.seconds), rounded(*error), rounded(*trained)});
  }
  return runs;
}

std::optional<spec::ExperimentSpec> spec_of(const TableRun& run) {
  try {
    if (run.record) return spec::experiment_from_text(run.record->spec_text, run.name);
  } catch (const Error&) {
    // Its text is shown as it is; nothing is drawn from it.
  }
  return std::nullopt;
}

std::optional<int> depth_of(const spec::ExperimentSpec& spec) {
  try {
    if (const auto depth = spec::get_field(spec, "model.depth"))
      return static_cast<int>(parse_int(*depth, "depth"));
    if (spec.model().name() != "fractalnet") return std::nullopt;
    const auto columns = spec::get_field(spec, "model.columns");
    const auto widths = spec::get_field(spec, "model.widths");
    if (!columns || !widths) return std::nullopt;
    const auto blocks = static_cast<int>(split(*widths, ',').size());
    return blocks << std::min(parse_int(*columns, "columns") - 1, 20LL);
  } catch (const ConfigError&) {
    return std::nullopt;
  }
}

// "plain" of "plain depth=20", "ResNet" of "ResNet-20": what nets of several depths share.
std::string without_depth(std::string label, int depth) {
  for (const std::string& token :
       {fmt::format("depth={}", depth), fmt::format("-{}", depth), fmt::format(" {}", depth)})
    if (const std::size_t at = label.find(token); at != std::string::npos) {
      label.erase(at, token.size());
      break;
    }
  const auto trimmed = trim(label);
  return trimmed.empty() ? "all" : std::string(trimmed);
}

void add_depth(json& whole, const Table& table, const Cell& cell) {
  for (const std::size_t i : cell.runs) {
    const auto spec = spec_of(table.runs[i]);
    if (!spec) continue;
    if (const auto depth = depth_of(*spec)) {
      whole["depth"] = *depth;
      whole["series"] = without_depth(cell_label(table, cell), *depth);
    }
    return;  // the other runs of a cell differ in their seeds
  }
}

void add_gates(json& whole, const Table& table, const Cell& cell) {
  const auto shares = gate_shares(table, cell);
  if (!shares) return;
  json names = json::array(), survival = json::array(), open = json::array();
  for (std::size_t g = 0; g < shares->names.size(); ++g) {
    names.push_back(one_line(shares->names[g]));
    survival.push_back(rounded(shares->survival[g]));
    open.push_back(rounded(shares->open[g]));
  }
  whole["gates"] = {
      {"names", names}, {"survival", survival}, {"open", open}, {"steps", shares->steps}};
}

json to_json(const Table& table, const Cell& cell, std::size_t most) {
  json bands = json::object(), alone = json::array();
  for (const auto& [curve, name] : kCurves)
    if (const auto band = band_of(table, cell, curve); !band.empty())
      bands[name] = points(band, most);
  for (const std::size_t i : cell.runs) {
    const TableRun& run = table.runs[i];
    if (run.state == RunState::kFinished || !run.record || run.record->epochs.empty()) continue;
    const std::string who = run.seed ? fmt::format("seed {}", *run.seed) : one_line(run.name);
    alone.push_back({{"label", fmt::format("{} ({})", who, launcher::name_of(run.state))},
                     {"curves", curves_of(*run.record, most)}});
  }
  json whole = {{"label", cell_label(table, cell)},
                {"bands", bands},
                {"alone", alone},
                {"runs", runs_of(table, cell)}};
  add_depth(whole, table, cell);
  add_gates(whole, table, cell);
  return whole;
}

// So many points of a curve that all curves together stay near kMostPoints.
std::size_t points_of_a_curve(const std::vector<Table>& tables) {
  constexpr std::size_t kMostPoints = 80000, kLeast = 8, kMost = 200;
  std::size_t curves = 1;
  for (const Table& table : tables) curves += 4 * std::max(table.cells.size(), std::size_t{1});
  return std::clamp(kMostPoints / curves, kLeast, kMost);
}

std::string safe_in_script(const std::string& text) {
  std::string safe;
  for (const char c : text)
    if (c == '<' || c == '>' || c == '&')
      safe += fmt::format("\\u{:04x}", c);
    else
      safe += c;
  return safe;
}

}  // namespace

std::string name_of(Curve curve) {
  for (const auto& [known, name] : kCurves)
    if (known == curve) return name;
  HADAL_CHECK(false);
  return {};
}

const std::vector<Curve>& all_curves() {
  static const std::vector<Curve> all = [] {
    std::vector<Curve> curves;
    for (const auto& [curve, name] : kCurves) curves.push_back(curve);
    return curves;
  }();
  return all;
}

std::optional<double> value_of(const EpochMetrics& epoch, Curve curve) {
  const auto value = raw_value(epoch, curve);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::vector<BandPoint> band_of(const Table& table, const Cell& cell, Curve curve) {
  std::map<int, std::vector<double>> values;
  for (const std::size_t i : cell.runs) {
    if (table.runs[i].state != RunState::kFinished) continue;
    for (const EpochMetrics& epoch : table.runs[i].record->epochs)
      if (const auto value = value_of(epoch, curve)) values[epoch.epoch].push_back(*value);
  }
  std::vector<BandPoint> band;
  for (auto& [epoch, of_epoch] : values) {
    const Statistic s = summarize(std::move(of_epoch)).value();
    band.push_back({epoch, s.n, s.mean, s.minimum, s.maximum});
  }
  return band;
}

std::optional<int> depth_of(const TableRun& run) {
  const auto spec = spec_of(run);
  return spec ? depth_of(*spec) : std::nullopt;
}

std::string curves_json(const std::vector<Table>& tables) {
  const std::size_t most = points_of_a_curve(tables);
  json whole = {{"tables", json::array()}};
  for (const Table& table : tables) {
    json cells = json::array();
    for (const Cell& cell : table.cells) cells.push_back(to_json(table, cell, most));
    whole["tables"].push_back({{"cells", cells}});
  }
  return safe_in_script(whole.dump(-1, ' ', true, json::error_handler_t::replace));
}

}  // namespace hadal::launcher::report
