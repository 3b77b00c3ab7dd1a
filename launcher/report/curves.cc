#include "launcher/report/curves.h"

#include <array>
#include <cmath>
#include <cstdlib>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
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

json points(const std::vector<BandPoint>& band) {
  json list = json::array();
  for (const BandPoint& p : band)
    list.push_back({p.epoch, rounded(p.mean), rounded(p.minimum), rounded(p.maximum), p.n});
  return list;
}

json curves_of(const RunRecord& record) {
  json curves = json::object();
  for (const auto& [curve, name] : kCurves) {
    json list = json::array();
    for (const EpochMetrics& epoch : record.epochs)
      if (const auto value = value_of(epoch, curve)) list.push_back({epoch.epoch, rounded(*value)});
    if (!list.empty()) curves[name] = list;
  }
  return curves;
}

json to_json(const Table& table, const Cell& cell) {
  json bands = json::object(), alone = json::array();
  for (const auto& [curve, name] : kCurves)
    if (const auto band = band_of(table, cell, curve); !band.empty()) bands[name] = points(band);
  for (const std::size_t i : cell.runs) {
    const TableRun& run = table.runs[i];
    if (run.state == RunState::kFinished || !run.record || run.record->epochs.empty()) continue;
    const std::string who = run.seed ? fmt::format("seed {}", *run.seed) : one_line(run.name);
    alone.push_back({{"label", fmt::format("{} ({})", who, launcher::name_of(run.state))},
                     {"curves", curves_of(*run.record)}});
  }
  return {{"label", cell_label(table, cell)}, {"bands", bands}, {"alone", alone}};
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

std::string curves_json(const std::vector<Table>& tables) {
  json whole = {{"tables", json::array()}};
  for (const Table& table : tables) {
    json cells = json::array();
    for (const Cell& cell : table.cells) cells.push_back(to_json(table, cell));
    whole["tables"].push_back({{"cells", cells}});
  }
  return safe_in_script(whole.dump(-1, ' ', true, json::error_handler_t::replace));
}

}  // namespace hadal::launcher::report
