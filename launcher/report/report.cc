#include "launcher/report/report.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/base/strings.h"
#include "launcher/report/assets.h"
#include "launcher/report/curves.h"
#include "launcher/report/gates.h"
#include "launcher/report/html.h"
#include "launcher/report/settings.h"
#include "launcher/report/times.h"
#include "launcher/sheet.h"

namespace hadal::launcher::report {
namespace {

// Up to so many rows each has its charts; more share a pair of them and a list to choose from.
constexpr std::size_t kRowsWithCharts = 12;
constexpr std::size_t kEventsShown = 200;

std::string folded(const std::string& summary, const std::string& html) {
  return fmt::format("<details><summary>{}</summary>\n{}</details>\n", escaped(summary), html);
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

/// What happened to the runs besides epochs and checkpoints, the newest first.
Sheet events(const Table& table) {
  Sheet sheet{Sheet::Kind::kProblems,
              "What happened",
              {{"run"}, {"what"}, {"step", true}, {"detail"}},
              {},
              {}};
  std::vector<std::pair<double, std::vector<SheetCell>>> lines;
  for (const TableRun& run : table.runs) {
    if (!run.record) continue;
    for (const RunEvent& event : run.record->events)
      if (event.what != "checkpoint" && event.what != "best")
        lines.push_back(
            {event.time,
             {{.text = one_line(run.name)},
              {.text = one_line(event.what)},
              {.text = std::to_string(event.step), .number = static_cast<double>(event.step)},
              {.text = one_line(event.detail)}}});
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  if (lines.size() > kEventsShown) {
    sheet.notes.push_back(fmt::format("the newest {} of {}", kEventsShown, lines.size()));
    lines.resize(kEventsShown);
  }
  for (auto& [time, line] : lines) sheet.lines.push_back(std::move(line));
  return sheet;
}

// A chart is drawn by page.js into each <figure> that names it.
std::string chart(std::size_t table, const std::string& what, const std::string& caption) {
  return fmt::format(
      "<figure data-table=\"{}\" data-chart=\"{}\"><figcaption>{}</figcaption>"
      "<div class=\"canvas\"><canvas role=\"img\" aria-label=\"{}\"></canvas></div></figure>\n",
      table, what, escaped(caption), escaped(caption));
}

std::string pair(const std::string& charts) {
  return "<div class=\"pair\">\n" + charts + "</div>\n";
}

bool has_curves(const Table& table, const Cell& cell) {
  return std::any_of(cell.runs.begin(), cell.runs.end(), [&](std::size_t run) {
    return table.runs[run].record && !table.runs[run].record->epochs.empty();
  });
}

std::vector<std::size_t> cells_with_curves(const Table& table) {
  std::vector<std::size_t> cells;
  for (std::size_t c = 0; c < table.cells.size(); ++c)
    if (has_curves(table, table.cells[c])) cells.push_back(c);
  return cells;
}

std::string curve_pair(std::size_t index, std::size_t cell) {
  return pair(chart(index, fmt::format("loss {}", cell), "loss (nats per image) by epoch") +
              chart(index, fmt::format("error {}", cell), "error (%) by epoch"));
}

std::string curves(const Table& table, std::size_t index) {
  const std::vector<std::size_t> cells = cells_with_curves(table);
  if (cells.empty()) return "";
  std::string html =
      pair(chart(index, "compare held_out",
                 "validation error (%) by epoch; test error without a validation split") +
           chart(index, "compare train", "training error (%) by epoch"));
  if (cells.size() > kRowsWithCharts) {
    html += "<p><label>One row <select class=\"choice\">\n";
    for (const std::size_t c : cells)
      html += fmt::format("<option value=\"{}\">{}</option>\n", c,
                          escaped(cell_label(table, table.cells[c])));
    html += "</select></label></p>\n" + curve_pair(index, cells.front());
  } else {
    for (const std::size_t c : cells)
      html += fmt::format("<h3>{}</h3>\n", escaped(cell_label(table, table.cells[c]))) +
              curve_pair(index, c);
  }
  return html +
         "<p class=\"note\">Lines are means over the finished runs, bands reach from the lowest to "
         "the highest of them; what is not finished is drawn alone, thin.</p>\n"
         "<noscript><p class=\"note\">Charts need scripts, which are off here; all tables stand "
         "without them.</p></noscript>\n";
}

// Where nets of one series come in several depths: the lecture's question.
std::string depths(const Table& table, std::size_t index) {
  std::set<int> depths;
  for (const TableRun& run : table.runs)
    if (run.state == RunState::kFinished)
      if (const auto depth = depth_of(run)) depths.insert(*depth);
  if (depths.size() < 2) return "";
  return pair(chart(index, "depth train", "training error (%) by depth") +
              chart(index, "depth test", "test error (%) by depth")) +
         "<p class=\"note\">Points are means over the finished runs, bars reach from the lowest to "
         "the highest of them.</p>\n";
}

std::string time_against_error(const Table& table, std::size_t index) {
  const auto finished = std::count_if(table.runs.begin(), table.runs.end(), [](const auto& run) {
    return run.state == RunState::kFinished;
  });
  if (finished < 2) return "";
  return chart(index, "time test", "test error (%) by training time, one point a run");
}

std::string gates(const Table& table, std::size_t index) {
  std::string charts;
  for (std::size_t c = 0; c < table.cells.size(); ++c)
    if (const auto shares = gate_shares(table, table.cells[c]))
      charts += chart(index, fmt::format("gates {}", c),
                      fmt::format("{}: share of {} training steps with the gate open",
                                  cell_label(table, table.cells[c]), format_count(shares->steps)));
  if (charts.empty()) return "";
  return pair(charts) +
         "<p class=\"note\">Bars are counted, the line is the probability the gates were drawn "
         "with; gates without one of their own (drop-path) have no line.</p>\n";
}

/// Seconds of all runs together.
double trained_s(const Table& table) {
  double seconds = 0;
  for (const TableRun& run : table.runs)
    if (run.record && run.record->result) seconds += run.record->result->seconds;
  return seconds;
}

/// None of a search: the lowest of many test errors flatters.
const Cell* best_cell(const Table& table) {
  const Cell* best = nullptr;
  if (table.is_search) return best;
  for (const Cell& cell : table.cells) {
    const Statistic* s = cell.find(cell.headline);
    if (s == nullptr || !std::isfinite(s->mean) || cell.headline == Metric::kTrainingTime) continue;
    if (best == nullptr || s->mean < best->find(best->headline)->mean) best = &cell;
  }
  return best;
}

std::string figure_of(const std::string& label, const std::string& value,
                      const std::string& more = "") {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd>{}</div>\n", escaped(label), escaped(value),
                     more.empty() ? "" : fmt::format("<dd class=\"more\">{}</dd>", escaped(more)));
}

std::string key_figures(const Table& table) {
  std::map<RunState, int> counts;
  for (const TableRun& run : table.runs) ++counts[run.state];
  std::string others;
  for (const RunState state :
       {RunState::kFailed, RunState::kStoppedEarly, RunState::kCancelled, RunState::kUnfinished})
    if (counts[state] > 0)
      others += fmt::format("{}{} {}", others.empty() ? "" : ", ", counts[state],
                            launcher::name_of(state));
  std::string html =
      figure_of("finished runs",
                fmt::format("{} of {}", counts[RunState::kFinished], table.runs.size()), others);
  if (const Cell* best = best_cell(table)) {
    const std::string row = cell_label(table, *best);
    html += figure_of("lowest test error",
                      mean_text(best->headline, *best->find(best->headline)) + kTie + "%",
                      fmt::format("{}, {}", row, short_name(best->headline)));
  }
  if (table.chosen) {
    const TableRun& run = table.runs[*table.chosen];
    const auto& last = *run.record->result->last;
    html += figure_of(
        "lowest validation error", fmt::format("{:.2f}{}%", *last.validation_error, kTie),
        last.test_error ? fmt::format("{}, test error {:.2f}{}%", run.name, *last.test_error, kTie)
                        : run.name);
  }
  if (const double seconds = trained_s(table); seconds > 0)
    html += figure_of("training", format_duration(seconds), "over all runs");
  return "<dl class=\"key\">\n" + html + "</dl>\n";
}

/// Headings with their places, so that a long page can be walked by its list of contents.
class Sections {
 public:
  explicit Sections(std::size_t table) : table_(table) {}

  void add(const std::string& heading, const std::string& html) {
    if (html.empty()) return;
    const std::string id = fmt::format("t{}s{}", table_, count_++);
    contents_ += fmt::format("<a href=\"#{}\">{}</a>\n", id, escaped(heading));
    body_ += fmt::format("<h2 id=\"{}\">{}</h2>\n{}", id, escaped(heading), html);
  }

  std::string html() const {
    return count_ < 3 ? body_ : "<nav aria-label=\"contents\">\n" + contents_ + "</nav>\n" + body_;
  }

 private:
  std::size_t table_, count_ = 0;
  std::string contents_, body_;
};

std::string part(const Table& table, std::size_t index) {
  std::string html = fmt::format("<section>\n<h1>{}</h1>\n", escaped(heading_of(table)));
  if (!table.note.empty()) html += fmt::format("<p>{}</p>\n", escaped(one_line(table.note)));
  html += key_figures(table);
  Sections sections(index);
  std::string runs;
  for (const Sheet& sheet : sheets_of(table)) {
    if (sheet.kind == Sheet::Kind::kRuns)
      runs = folded(sheet.heading, table_of(sheet));
    else
      sections.add(sheet.heading.empty() ? "Results" : sheet.heading, table_of(sheet));
  }
  sections.add("Error by depth", depths(table, index));
  sections.add("Error by time", time_against_error(table, index));
  sections.add("Curves", curves(table, index));
  sections.add("Gates", gates(table, index));
  sections.add("Time and work", speeds(table));
  sections.add("Where a step's time goes", phases(table));
  if (const Sheet sheet = events(table); !sheet.lines.empty())
    runs += folded(sheet.heading, table_of(sheet));
  if (!table.runs.empty()) runs += folded("Every run", table_of(every_run(table)));
  sections.add("Runs", runs);
  sections.add("Specs", specs(table));
  sections.add("Environment", environments(table));
  return html + sections.html() + "</section>\n";
}

std::string script(std::string_view text) { return fmt::format("<script>{}</script>\n", text); }

std::string policy(bool live) {
  return fmt::format(
      "default-src 'none'; style-src 'unsafe-inline'; script-src '{}' '{}'; {}base-uri 'none'; "
      "form-action 'none'",
      script_hash(chart_js()), script_hash(page_js()), live ? "connect-src 'self'; " : "");
}

std::string whole_page(const std::vector<Table>& tables, const std::string& made, bool live) {
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\"{}>\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n{}<main>\n",
      live ? " data-live" : "", policy(live),
      escaped(tables.empty() ? "no runs" : heading_of(tables.front())), page_css(),
      live ? "<p class=\"live\" role=\"status\"></p>\n" : "");
  for (std::size_t i = 0; i < tables.size(); ++i) html += part(tables[i], i);
  html += fmt::format("</main>\n<footer>\n<p class=\"made\">{}</p>\n", escaped(one_line(made)));
  html += folded("Licence of the charts", "<pre>" + escaped_lines(chart_license()) + "</pre>\n");
  html += "</footer>\n<script type=\"application/json\" id=\"curves\">" + curves_json(tables) +
          "</script>\n" + script(chart_js()) + script(page_js());
  return html + "</body>\n</html>\n";
}

}  // namespace

std::string page(const std::vector<Table>& tables, const std::string& made) {
  return whole_page(tables, made, false);
}

LivePage live_page(const std::vector<Table>& tables, const std::string& made) {
  return {.html = whole_page(tables, made, true), .content_policy = policy(true)};
}

}  // namespace hadal::launcher::report
