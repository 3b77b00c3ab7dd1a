// Everything a table holds, whatever --metric says: for programs. What is not there is absent, what
// is not finite null.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launcher/formats/format.h"

namespace hadal::launcher {
namespace {

using json = nlohmann::ordered_json;

void put(json& to, const char* key, const std::optional<double>& value) {
  if (value) to[key] = *value;
}

json to_json(const Statistic& s, double level) {
  json whole = {{"n", s.n}, {"mean", s.mean}};
  put(whole, "std", s.deviation);
  whole.update({{"median", s.median}, {"min", s.minimum}, {"max", s.maximum}});
  put(whole, fmt::format("ci{:g}", 100 * level).c_str(), s.confidence(level));
  return whole;
}

json to_json(const Expected& e) {
  json whole = {{"metric", e.metric_name}, {"value", e.value}};
  if (e.deviation > 0) whole["std"] = e.deviation;
  whole.update({{"source", e.source}, {"status", e.status}, {"note", e.note}});
  put(whole, "difference", e.difference);
  return whole;
}

json to_json(const Table& table, const Cell& cell, double level) {
  json whole = {{"row", cell.row},
                {"column", cell.column},
                {"finished", cell.finished},
                {"failed", cell.failed},
                {"stopped_early", cell.stopped_early},
                {"cancelled", cell.cancelled},
                {"unfinished", cell.unfinished},
                {"headline", name_of(cell.headline)},
                {"measured", json::object()},
                {"expected", json::array()},
                {"runs", json::array()}};
  for (const Metric metric : all_metrics())
    if (const Statistic* s = cell.find(metric))
      whole["measured"][name_of(metric)] = to_json(*s, level);
  for (const Expected& e : cell.expected) whole["expected"].push_back(to_json(e));
  for (const std::size_t run : cell.runs) whole["runs"].push_back(table.runs[run].id);
  return whole;
}

json to_json(const Comparison& c) {
  json whole = {{"row", c.row},          {"against", c.against},
                {"column", c.column},    {"metric", name_of(c.metric)},
                {"pairs", c.test.pairs}, {"difference", c.test.mean}};
  put(whole, "t_p", c.test.t_p);
  put(whole, "wilcoxon_p", c.test.wilcoxon_p);
  return whole;
}

json to_json(const RunResult& r) {
  json whole = {{"seconds", r.seconds},
                {"steps", r.steps},
                {"epochs", r.epochs},
                {"ranks", r.ranks},
                {"parameters", r.parameters}};
  if (!r.weights_hash.empty()) whole["weights_hash"] = r.weights_hash;
  if (r.last) {
    json& last = whole["last"] = {{"epoch", r.last->epoch},
                                  {"train_loss", r.last->train_loss},
                                  {"train_error", r.last->train_error}};
    put(last, "validation_error", r.last->validation_error);
    put(last, "test_error", r.last->test_error);
  }
  if (r.best_validation) {
    json& best =
        whole["best_validation"] = {{"epoch", r.best_validation->epoch},
                                    {"validation_error", r.best_validation->validation_error}};
    put(best, "test_error", r.best_validation->test_error);
  }
  put(whole, "deepest_column_test_error", r.deepest_column_test_error);
  return whole;
}

json to_json(const TableRun& run) {
  json whole = {{"id", run.id}, {"name", run.name}};
  if (run.seed) whole["seed"] = *run.seed;
  whole.update({{"state", name_of(run.state)}, {"detail", run.detail}});
  if (run.record) whole["folder"] = run.record->folder.string();
  if (run.record && run.record->result) whole["result"] = to_json(*run.record->result);
  return whole;
}

}  // namespace

std::string render_json(std::span<const Table> tables, const FormatOptions& options) {
  const double level = options.sheets.interval.value_or(kUsualLevel);
  json whole = {{"tables", json::array()}};
  for (const Table& table : tables) {
    json one = {{"name", table.name},   {"title", table.title},     {"note", table.note},
                {"rows", table.rows},   {"columns", table.columns}, {"cells", json::array()},
                {"runs", json::array()}};
    for (const Cell& cell : table.cells) one["cells"].push_back(to_json(table, cell, level));
    for (const TableRun& run : table.runs) one["runs"].push_back(to_json(run));
    for (const Comparison& comparison : table.comparisons)
      one["comparisons"].push_back(to_json(comparison));
    whole["tables"].push_back(std::move(one));
  }
  return whole.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace hadal::launcher
