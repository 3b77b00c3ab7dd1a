#include "launcher/report/report.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/base/strings.h"
#include "launcher/report/assets.h"
#include "launcher/report/curves.h"
#include "launcher/report/html.h"
#include "launcher/sheet.h"
#include "launcher/statistic.h"

namespace hadal::launcher::report {
namespace {

constexpr std::size_t kValuesShown = 4;  // of an environment's key

std::string section(const std::string& heading, const std::string& html) {
  return html.empty() ? "" : fmt::format("<h2>{}</h2>\n{}", escaped(heading), html);
}

std::string folded(const std::string& summary, const std::string& html) {
  return fmt::format("<details><summary>{}</summary>\n{}</details>\n", escaped(summary), html);
}

std::string counts_of(const Table& table) {
  std::map<RunState, int> counts;
  for (const TableRun& run : table.runs) ++counts[run.state];
  std::string text = fmt::format("{} runs", table.runs.size());
  for (const auto& [state, count] : counts)
    text += fmt::format(", {} {}", count, launcher::name_of(state));
  return text;
}

std::string resumes_text(const RunRecord& record) {
  const auto count = std::count_if(record.events.begin(), record.events.end(),
                                   [](const RunEvent& event) { return event.what == "resumed"; });
  return count == 0 ? "" : fmt::format("{}", count);
}

SheetCell percent(const std::optional<double>& value, const std::string& more = "") {
  return value ? SheetCell{.text = fmt::format("{:.2f}{}", *value, more), .number = value}
               : SheetCell{};
}

Sheet every_run(const Table& table) {
  Sheet sheet{Sheet::Kind::kRuns,
              "Every run",
              {{"run"},
               {"id"},
               {"state"},
               {"test error %, last epoch", true},
               {"test error %, best validation", true},
               {"training error %", true},
               {"time", true},
               {"resumed", true}},
              {},
              {}};
  for (const TableRun& run : table.runs) {
    std::vector<SheetCell>& line = sheet.lines.emplace_back();
    line.push_back({.text = one_line(run.name)});
    line.push_back({.text = one_line(run.id), .tone = Tone::kFaint});
    line.push_back({.text = launcher::name_of(run.state),
                    .tone = run.state == RunState::kFailed ? Tone::kBad : Tone::kPlain});
    const RunResult result = run.record && run.record->result ? *run.record->result : RunResult{};
    const auto& last = result.last;
    const auto& best = result.best_validation;
    line.push_back(percent(last ? last->test_error : std::nullopt));
    line.push_back(best ? percent(best->test_error, fmt::format(" (epoch {})", best->epoch))
                        : SheetCell{});
    line.push_back(percent(last ? std::optional(last->train_error) : std::nullopt));
    line.push_back(result.seconds > 0 ? SheetCell{.text = format_duration(result.seconds),
                                                  .number = result.seconds}
                                      : SheetCell{});
    line.push_back({.text = run.record ? resumes_text(*run.record) : ""});
  }
  return sheet;
}

std::string sheets(const Table& table) {
  std::string html;
  for (const Sheet& sheet : sheets_of(table)) {
    if (sheet.kind == Sheet::Kind::kRuns)
      html +=
          folded(sheet.heading, table_of(sheet)) + folded("Every run", table_of(every_run(table)));
    else
      html += sheet.heading.empty() ? table_of(sheet) : section(sheet.heading, table_of(sheet));
  }
  return html;
}

// A chart is drawn by page.js into each <figure> that names it.
std::string chart(std::size_t table, const std::string& what, const std::string& caption) {
  return fmt::format(
      "<figure data-table=\"{}\" data-chart=\"{}\"><figcaption>{}</figcaption>"
      "<div class=\"canvas\"><canvas></canvas></div></figure>\n",
      table, what, escaped(caption));
}

bool has_curves(const Table& table, const Cell& cell) {
  return std::any_of(cell.runs.begin(), cell.runs.end(), [&](std::size_t run) {
    return table.runs[run].record && !table.runs[run].record->epochs.empty();
  });
}

std::string charts(const Table& table, std::size_t index) {
  std::string html;
  for (std::size_t c = 0; c < table.cells.size(); ++c) {
    if (!has_curves(table, table.cells[c])) continue;
    html += fmt::format("<h3>{}</h3>\n<div class=\"pair\">\n",
                        escaped(cell_label(table, table.cells[c])));
    html += chart(index, fmt::format("loss {}", c), "loss (nats per image) by epoch");
    html += chart(index, fmt::format("error {}", c), "error (%) by epoch") + "</div>\n";
  }
  if (html.empty()) return "";
  return section("All rows", "<div class=\"pair\">\n" +
                                 chart(index, "compare held_out",
                                       "validation error (%) by epoch; test error without a "
                                       "validation split") +
                                 chart(index, "compare train", "training error (%) by epoch") +
                                 "</div>\n") +
         section("Curves",
                 "<p class=\"note\">Lines are means over the finished runs, bands reach from the "
                 "lowest to the highest of them; what is not finished is drawn alone, thin.</p>\n" +
                     html +
                     "<noscript><p class=\"note\">Charts need scripts, which are off here; all "
                     "tables stand without them.</p></noscript>\n");
}

struct Speed {
  std::optional<Statistic> seconds, images_per_second, macs;
};

Speed speed_of(const Table& table, const Cell& cell) {
  std::vector<double> seconds, images, macs;
  for (const std::size_t i : cell.runs) {
    if (!table.runs[i].record) continue;
    for (const EpochMetrics& epoch : table.runs[i].record->epochs) {
      if (epoch.seconds > 0) seconds.push_back(epoch.seconds);
      if (epoch.images_per_second > 0) images.push_back(epoch.images_per_second);
      if (epoch.macs > 0) macs.push_back(static_cast<double>(epoch.macs));
    }
  }
  return {summarize(seconds), summarize(images), summarize(macs)};
}

std::string bar(const std::string& heading, const std::optional<Statistic>& s, double largest,
                const std::string& text) {
  if (!s) return "<td></td>";
  return fmt::format(
      "<td class=\"bar\" data-label=\"{}\" data-sort=\"{}\"><i style=\"width:{:.1f}%\"></i>{}</td>",
      heading, s->median, 100 * s->median / largest, escaped(text));
}

// "1.23 T"
std::string large_number(double value) {
  for (const auto& [unit, size] : {std::pair("P", 1e15), {"T", 1e12}, {"G", 1e9}, {"M", 1e6}})
    if (value >= size) return fmt::format("{:.3g} {}", value / size, unit);
  return fmt::format("{:.3g}", value);
}

std::string speeds(const Table& table) {
  double seconds = 0, macs = 0;
  std::vector<Speed> all;
  for (const Cell& cell : table.cells) {
    const Speed& speed = all.emplace_back(speed_of(table, cell));
    if (speed.seconds) seconds = std::max(seconds, speed.seconds->median);
    if (speed.macs) macs = std::max(macs, speed.macs->median);
  }
  if (seconds == 0) return "";
  std::string html =
      "<div class=\"scroll\"><table class=\"speeds\"><thead><tr><th scope=\"col\">row</th>"
      "<th scope=\"col\">time per epoch</th><th scope=\"col\" class=\"right\">images/s</th>";
  if (macs > 0) html += "<th scope=\"col\">multiply-adds per epoch, rank 0</th>";
  html += "</tr></thead><tbody>\n";
  for (std::size_t c = 0; c < all.size(); ++c) {
    if (!all[c].seconds) continue;
    const auto& images = all[c].images_per_second;
    html +=
        fmt::format("<tr><th scope=\"row\">{}</th>", escaped(cell_label(table, table.cells[c])));
    html += bar("time per epoch", all[c].seconds, seconds, format_duration(all[c].seconds->median));
    html += fmt::format("<td class=\"right\" data-label=\"images/s\">{}</td>",
                        images ? fmt::format("{:.0f}", images->median) : "");
    if (macs > 0)
      html += bar("multiply-adds per epoch", all[c].macs, macs,
                  all[c].macs ? large_number(all[c].macs->median) : "");
    html += "</tr>\n";
  }
  return html +
         "</tbody></table></div>\n<p class=\"note\">Medians over all epochs of all runs. Closed "
         "gates (stochastic depth, drop-path) show as fewer multiply-adds.</p>\n";
}

std::string specs(const Table& table) {
  std::string html;
  for (const Cell& cell : table.cells)
    for (const std::size_t i : cell.runs) {
      const TableRun& run = table.runs[i];
      if (!run.record) continue;
      const std::string seed = run.seed ? fmt::format(" (seed {})", *run.seed) : "";
      html += folded(cell_label(table, cell) + seed,
                     "<pre>" + escaped_lines(run.record->spec_text) + "</pre>\n");
      break;  // the other runs of a cell differ in their seeds only
    }
  return html;
}

std::string values_text(const std::set<std::string>& values) {
  std::string text;
  std::size_t shown = 0;
  for (const std::string& value : values) {
    if (shown == kValuesShown) {
      text += fmt::format("\u2026 ({} in all)", values.size());
      break;
    }
    text += escaped(one_line(value)) + "<br>";
    ++shown;
  }
  return text;
}

std::string environments(const Table& table) {
  std::map<std::string, std::set<std::string>> values;
  for (const TableRun& run : table.runs)
    if (run.record)
      for (const auto& [key, value] : run.record->environment)
        if (key != "spec_hash") values[key].insert(value);
  if (values.empty()) return "";
  std::string html = "<div class=\"scroll\"><table class=\"environment\"><tbody>\n";
  for (const auto& [key, of_key] : values)
    html += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escaped(one_line(key)),
                        values_text(of_key));
  return html + "</tbody></table></div>\n";
}

std::string part(const Table& table, std::size_t index) {
  std::string html = fmt::format("<section>\n<h1>{}</h1>\n<p class=\"counts\">{}</p>\n",
                                 escaped(heading_of(table)), escaped(counts_of(table)));
  if (!table.note.empty()) html += fmt::format("<p>{}</p>\n", escaped(one_line(table.note)));
  html += sheets(table) + charts(table, index) + section("Time and work", speeds(table)) +
          section("Specs", specs(table)) + section("Environment", environments(table));
  return html + "</section>\n";
}

std::string script(std::string_view text) { return fmt::format("<script>{}</script>\n", text); }

}  // namespace

std::string page(const std::vector<Table>& tables, const std::string& made) {
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'; script-src '{}' '{}'; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n",
      script_hash(chart_js()), script_hash(page_js()),
      escaped(tables.empty() ? "no runs" : heading_of(tables.front())), page_css());
  for (std::size_t i = 0; i < tables.size(); ++i) html += part(tables[i], i);
  html += fmt::format("</main>\n<footer>\n<p>{}</p>\n", escaped(one_line(made)));
  html += folded("Licence of the charts", "<pre>" + escaped_lines(chart_license()) + "</pre>\n");
  html += "</footer>\n<script type=\"application/json\" id=\"curves\">" + curves_json(tables) +
          "</script>\n" + script(chart_js()) + script(page_js());
  return html + "</body>\n</html>\n";
}

}  // namespace hadal::launcher::report
