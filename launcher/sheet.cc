#include "launcher/sheet.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal::launcher {
namespace {

bool has_rows(const Table& table) { return table.rows.size() > 1 || !table.rows.front().empty(); }
bool has_columns(const Table& table) {
  return table.columns.size() > 1 || !table.columns.front().empty();
}

SheetCell label(const std::string& text) { return {.text = one_line(text)}; }

void begin_line(std::vector<SheetCell>& line, const Table& table, const Cell& cell) {
  line.push_back(label(cell.row.empty() && !has_rows(table) ? table.name : cell.row));
  if (has_columns(table)) line.push_back(label(cell.column));
}

std::vector<SheetColumn> first_columns(const Table& table) {
  std::vector<SheetColumn> columns = {{"row"}};
  if (has_columns(table)) columns.push_back({"column"});
  return columns;
}

std::string detail_text(Metric metric, const Statistic& s, double level) {
  std::string text =
      fmt::format("n {}, mean {}, median {}, from {} to {}", s.n, number_text(s.mean, 3),
                  number_text(s.median, 3), number_text(s.minimum, 3), number_text(s.maximum, 3));
  if (s.deviation) text += fmt::format(", standard deviation {}", number_text(*s.deviation, 3));
  if (const auto confidence = s.confidence(level))
    text += fmt::format(", {} confidence of the mean {}{}", percent_text(level), kPlusMinus,
                        number_text(*confidence, 3));
  return text + (metric == Metric::kTrainingTime ? " s" : " %");
}

SheetCell measured(const Cell& cell, Metric metric, const SheetOptions& options) {
  const Statistic* s = cell.find(metric);
  if (s == nullptr) return {};
  const bool is_time = metric == Metric::kTrainingTime;
  std::string text =
      is_time ? tied(format_duration(s->median)) : mean_text(metric, *s, options.interval);
  if (!is_time && s->n > 1 && std::isfinite(s->mean))
    text += fmt::format(" ({})", number_text(s->median));
  if (s->n != cell.finished) text += fmt::format(" n={}", s->n);
  return {.text = text,
          .tone = std::isnan(s->mean) ? Tone::kBad : Tone::kPlain,
          .number = is_time ? s->median : s->mean,
          .detail = detail_text(metric, *s, options.interval.value_or(kUsualLevel))};
}

SheetCell counts(const Cell& cell) {
  return {.text = count_text(cell),
          .tone = cell.failed > 0 ? Tone::kBad : Tone::kPlain,
          .number = cell.finished};
}

// Of every finished run; a cell whose runs differ shows from where to where.
SheetCell parameters(const Table& table, const Cell& cell) {
  long long least = 0, most = 0;
  for (const std::size_t i : cell.runs) {
    if (table.runs[i].state != RunState::kFinished) continue;
    const long long n = table.runs[i].record->result->parameters;
    least = least == 0 ? n : std::min(least, n);
    most = std::max(most, n);
  }
  if (most == 0) return {};
  return {.text = least == most ? format_count(most)
                                : format_count(least) + " to " + format_count(most),
          .number = static_cast<double>(most)};
}

SheetCell paper(const Cell& cell) {
  const Expected* e = cell.headline_expected();
  if (e == nullptr) return {};
  return {.text = fmt::format("{} ({})", value_text(*e), short_name(cell.headline)),
          .number = e->value,
          .detail = one_line(e->source)};
}

SheetCell difference(const Cell& cell) {
  const Expected* e = cell.headline_expected();
  if (e == nullptr) return {};
  return {.text = difference_text(*e), .number = e->difference};
}

bool any_measured(const Table& table, Metric metric) {
  return std::any_of(table.cells.begin(), table.cells.end(),
                     [&](const Cell& cell) { return cell.find(metric) != nullptr; });
}

bool any_expected(const Table& table) {
  return std::any_of(table.cells.begin(), table.cells.end(),
                     [](const Cell& cell) { return cell.headline_expected() != nullptr; });
}

// The two test errors as asked for, measured or not; the others where there is anything to show.
std::vector<std::string> shown_unless_chosen(const Table& table, MetricChoice choice) {
  std::vector<std::string> shown = {"runs"};
  if (choice != MetricChoice::kBestValidation) shown.push_back(name_of(Metric::kTestError));
  if (choice != MetricChoice::kLast) shown.push_back(name_of(Metric::kTestErrorAtBestValidation));
  for (const Metric metric :
       {Metric::kDeepestColumnTestError, Metric::kTrainingError, Metric::kTrainingTime})
    if (any_measured(table, metric)) shown.push_back(name_of(metric));
  if (any_expected(table)) shown.insert(shown.end(), {"paper", "difference"});
  return shown;
}

/// A column of the results.
struct Quantity {
  SheetColumn column;
  std::function<SheetCell(const Cell&)> of;
};

Quantity quantity(const std::string& name, const Table& table, const SheetOptions& options) {
  if (name == "runs") return {{"runs"}, counts};
  if (name == "parameters")
    return {{"parameters", true}, [&](const Cell& cell) { return parameters(table, cell); }};
  if (name == "paper") return {{"paper", true}, paper};
  if (name == "difference")
    return {{std::string("ours ") + kMinus + kTie + "paper", true}, difference};
  const std::optional<Metric> metric = metric_named(name);
  if (!metric) throw UsageError(unknown_name("quantity", name, quantity_names()));
  return {{heading_for(*metric), true},
          [metric, &options](const Cell& cell) { return measured(cell, *metric, options); }};
}

std::string spread_note(const SheetOptions& options) {
  if (!options.interval)
    return fmt::format(
        "mean {} standard deviation over the finished runs (median); failed and "
        "unfinished runs enter no mean",
        kPlusMinus);
  return fmt::format(
      "mean {} half width of its {} confidence interval (Student over the finished runs; none for "
      "one run) (median); failed and unfinished runs enter no mean",
      kPlusMinus, percent_text(*options.interval));
}

Sheet results(const Table& table, const SheetOptions& options) {
  Sheet sheet{Sheet::Kind::kResults,
              table.columns.size() > 1 ? "Every cell" : "",
              first_columns(table),
              {},
              {}};
  std::vector<Quantity> quantities;
  for (const std::string& name :
       options.show.empty() ? shown_unless_chosen(table, options.choice) : options.show)
    quantities.push_back(quantity(name, table, options));
  for (const Quantity& each : quantities) sheet.columns.push_back(each.column);
  for (const Cell& cell : table.cells) {
    if (table.is_layout && cell.runs.empty()) continue;
    std::vector<SheetCell>& line = sheet.lines.emplace_back();
    begin_line(line, table, cell);
    for (const Quantity& each : quantities) line.push_back(each.of(cell));
  }
  sheet.notes.push_back(spread_note(options));
  return sheet;
}

std::string spread_name(const SheetOptions& options) {
  return options.interval ? fmt::format("half width of its {} confidence interval",
                                        percent_text(*options.interval))
                          : "standard deviation";
}

const Cell* find_cell(const Table& table, const std::string& row, const std::string& column) {
  const auto at = std::find_if(table.cells.begin(), table.cells.end(), [&](const Cell& cell) {
    return cell.row == row && cell.column == column;
  });
  return at == table.cells.end() ? nullptr : &*at;
}

Metric overview_metric(const Cell& cell, const SheetOptions& options) {
  if (options.choice == MetricChoice::kLast) return Metric::kTestError;
  if (options.choice == MetricChoice::kBestValidation) return Metric::kTestErrorAtBestValidation;
  return cell.headline;
}

// Marks what the number is when it is not of the last epoch.
std::string mark_of(Metric metric) {
  if (metric == Metric::kTestErrorAtBestValidation) return "*";
  return metric == Metric::kDeepestColumnTestError ? "\u2020" : "";
}

SheetCell overview_cell(const Cell& cell, const SheetOptions& options) {
  const Metric metric = overview_metric(cell, options);
  const Statistic* s = cell.find(metric);
  std::string text = s == nullptr ? "" : mean_text(metric, *s, options.interval) + mark_of(metric);
  const std::string runs = count_text(cell);
  text += (text.empty() ? "" : " ") + std::string("(") + tied(runs) + ")";
  for (const Expected& e : cell.expected)
    if (e.metric == metric) {
      text += fmt::format(" paper{}{}", kTie, value_text(e));
      break;
    }
  return {.text = text,
          .tone = cell.failed > 0 ? Tone::kBad : Tone::kPlain,
          .number = s == nullptr ? std::nullopt : std::optional(s->mean)};
}

Sheet overview(const Table& table, const SheetOptions& options) {
  Sheet sheet{Sheet::Kind::kOverview, "", {{"test error %"}}, {}, {}};
  for (const std::string& column : table.columns) sheet.columns.push_back({one_line(column), true});
  for (const std::string& row : table.rows) {
    std::vector<SheetCell>& line = sheet.lines.emplace_back();
    line.push_back(label(row));
    for (const std::string& column : table.columns) {
      const Cell* cell = find_cell(table, row, column);
      line.push_back(cell == nullptr ? SheetCell{} : overview_cell(*cell, options));
    }
  }
  std::set<Metric> used;
  for (const Cell& cell : table.cells) used.insert(overview_metric(cell, options));
  sheet.notes.push_back(fmt::format("mean {} {} (runs)", kPlusMinus, spread_name(options)));
  if (used.contains(Metric::kTestError)) sheet.notes.push_back("without a mark: at the last epoch");
  if (used.contains(Metric::kTestErrorAtBestValidation))
    sheet.notes.push_back("*: at the best validation epoch");
  if (used.contains(Metric::kDeepestColumnTestError))
    sheet.notes.push_back("\u2020: of the deepest column alone, at the last epoch");
  return sheet;
}

/// Three lines for a method that is built here: the paper's figures, ours, the differences; one for
/// any other.
class PrintedTable {
 public:
  PrintedTable(const Table& table, const SheetOptions& options)
      : table_(table), options_(options) {}

  Sheet sheet() {
    Sheet sheet{Sheet::Kind::kLayout, "", {{"method"}, {""}}, {}, {}};
    for (const std::string& column : table_.columns)
      sheet.columns.push_back({one_line(column), true});
    for (const std::string& row : table_.rows) {
      sheet.lines.push_back(line(row, "paper", [](const Cell& cell) { return theirs(cell); }));
      if (!is_built(row)) continue;
      sheet.lines.push_back(line(
          "", "ours", [&](const Cell& cell) { return ours(cell); }, row));
      sheet.lines.push_back(line(
          "", std::string("ours ") + kMinus + kTie + "paper",
          [](const Cell& cell) { return difference_of(cell); }, row));
    }
    sheet.notes.push_back(sources());
    sheet.notes.push_back(
        fmt::format("ours: mean {} {} (runs); times are medians; blank where "
                    "nothing was run",
                    kPlusMinus, spread_name(options_)));
    return sheet;
  }

 private:
  template <typename CellOf>
  std::vector<SheetCell> line(const std::string& name, const std::string& what, CellOf cell_of,
                              const std::string& row) const {
    std::vector<SheetCell> line = {label(name), {.text = what, .tone = Tone::kFaint}};
    for (const std::string& column : table_.columns) {
      const Cell* cell = find_cell(table_, row, column);
      line.push_back(cell == nullptr ? SheetCell{} : cell_of(*cell));
    }
    return line;
  }

  template <typename CellOf>
  std::vector<SheetCell> line(const std::string& row, const std::string& what,
                              CellOf cell_of) const {
    return line(row, what, cell_of, row);
  }

  bool is_built(const std::string& row) const {
    return std::any_of(table_.cells.begin(), table_.cells.end(),
                       [&](const Cell& cell) { return cell.row == row && cell.is_built; });
  }

  static SheetCell theirs(const Cell& cell) {
    if (cell.expected.empty()) return {};
    const Expected& e = cell.expected.front();
    return {.text = value_text(e), .number = e.value, .detail = one_line(e.source)};
  }

  SheetCell ours(const Cell& cell) const {
    if (cell.runs.empty()) return {};
    const Statistic* s = cell.find(cell.headline);
    std::string text;
    if (s != nullptr)
      text = (cell.headline == Metric::kTrainingTime
                  ? tied(format_duration(s->median))
                  : mean_text(cell.headline, *s, options_.interval)) +
             " ";
    return {.text = text + "(" + tied(count_text(cell)) + ")",
            .tone = cell.failed > 0 ? Tone::kBad : Tone::kPlain,
            .number = s == nullptr ? std::nullopt : std::optional(s->mean)};
  }

  static SheetCell difference_of(const Cell& cell) {
    if (cell.expected.empty()) return {};
    const Expected& e = cell.expected.front();
    return {.text = difference_text(e), .number = e.difference};
  }

  std::string sources() const {
    std::vector<std::string> sources;
    for (const Cell& cell : table_.cells)
      for (const Expected& e : cell.expected) {
        const std::string source = e.source + " (" + e.status + ")";
        if (std::find(sources.begin(), sources.end(), source) == sources.end())
          sources.push_back(source);
      }
    return one_line("paper: " + join(sources, ", "));
  }

  const Table& table_;
  const SheetOptions& options_;
};

std::string ours_text(const Cell& cell, const Expected& e, const SheetOptions& options) {
  const Statistic* s = e.metric ? cell.find(*e.metric) : nullptr;
  if (s == nullptr) return "";
  return e.metric == Metric::kTrainingTime ? tied(format_duration(s->median))
                                           : mean_text(*e.metric, *s, options.interval);
}

Sheet papers(const Table& table, const SheetOptions& options) {
  Sheet sheet{Sheet::Kind::kPapers, "Beside the papers", first_columns(table), {}, {}};
  for (const char* heading : {"what", "ours", "paper"})
    sheet.columns.push_back({heading, std::string(heading) != "what"});
  sheet.columns.push_back({std::string("ours ") + kMinus + kTie + "paper", true});
  sheet.columns.push_back({"source"});
  for (const Cell& cell : table.cells)
    for (const Expected& e : cell.expected) {
      std::vector<SheetCell>& line = sheet.lines.emplace_back();
      begin_line(line, table, cell);
      line.push_back(
          {.text = e.metric ? short_name(*e.metric) : one_line(e.metric_name) + " (not measured)"});
      line.push_back({.text = ours_text(cell, e, options)});
      line.push_back({.text = value_text(e), .number = e.value});
      line.push_back({.text = difference_text(e), .number = e.difference});
      std::string source = e.source.empty() ? e.status : e.source + " (" + e.status + ")";
      if (!e.note.empty()) source += "; " + e.note;
      line.push_back({.text = one_line(source), .tone = Tone::kFaint});
    }
  return sheet;
}

std::string paired_difference_text(const PairedTest& test, double level) {
  std::string text = number_text(test.mean);
  if (!text.starts_with(kMinus)) text = "+" + text;
  if (test.deviation)
    text += fmt::format(" {} {}", kPlusMinus,
                        number_text(student_half_width(*test.deviation, test.pairs, level)));
  return tied(text);
}

Sheet comparisons(const Table& table, const SheetOptions& options) {
  Sheet sheet{Sheet::Kind::kComparisons, "", first_columns(table), {}, {}};
  if (table.comparisons.empty()) return sheet;
  sheet.heading = fmt::format("Against {}, seed by seed", one_line(table.comparisons[0].against));
  const double level = options.interval.value_or(kUsualLevel);
  for (const char* heading : {"seeds", "difference", "p (t)", "p (Wilcoxon)"})
    sheet.columns.push_back({heading, true});
  for (const Comparison& each : table.comparisons) {
    std::vector<SheetCell>& line = sheet.lines.emplace_back();
    line.push_back(label(each.row));
    if (has_columns(table)) line.push_back(label(each.column));
    line.push_back({.text = std::to_string(each.test.pairs)});
    line.push_back({.text = paired_difference_text(each.test, level),
                    .number = each.test.mean,
                    .detail = heading_for(each.metric)});
    line.push_back({.text = p_text(each.test.t_p), .number = each.test.t_p});
    line.push_back({.text = p_text(each.test.wilcoxon_p), .number = each.test.wilcoxon_p});
  }
  sheet.notes.push_back(fmt::format(
      "difference of the headline error over the seeds finished in both rows, {} half width of its "
      "{} confidence interval (Student); two-sided p of the paired t-test and of the signed-rank "
      "test, which with n seeds is never below 2^(1-n); p are not corrected for the number of "
      "comparisons",
      kPlusMinus, percent_text(level)));
  return sheet;
}

std::string run_text(const TableRun& run) {
  const std::string state = run.state == RunState::kFinished ? "" : " " + name_of(run.state);
  const std::string seed = run.seed ? fmt::format("seed {} ", *run.seed) : "";
  return tied(one_line(seed + run.id + state));
}

Sheet runs_of_cells(const Table& table) {
  Sheet sheet{Sheet::Kind::kRuns, "Runs behind every cell", first_columns(table), {}, {}};
  sheet.columns.push_back({"runs"});
  for (const Cell& cell : table.cells) {
    if (table.is_layout && cell.runs.empty()) continue;
    std::vector<SheetCell>& line = sheet.lines.emplace_back();
    begin_line(line, table, cell);
    std::vector<std::string> texts;
    for (const std::size_t i : cell.runs) texts.push_back(run_text(table.runs[i]));
    line.push_back({.text = join(texts, ", "), .tone = Tone::kFaint});
  }
  return sheet;
}

Sheet problems(const Table& table) {
  const bool went_back = std::any_of(table.runs.begin(), table.runs.end(), [](const TableRun& run) {
    return run.state == RunState::kFinished && !run.detail.empty();
  });
  Sheet sheet{Sheet::Kind::kProblems,
              went_back ? "Failed and unfinished runs, and runs that went back"
                        : "Failed and unfinished runs",
              {{"run"}, {"state"}, {"why, or how far"}},
              {},
              {}};
  for (const TableRun& run : table.runs)
    if (run.state != RunState::kFinished || !run.detail.empty())
      sheet.lines.push_back({{.text = one_line(run.name)},
                             {.text = name_of(run.state),
                              .tone = run.state == RunState::kFailed ? Tone::kBad : Tone::kPlain},
                             {.text = one_line(run.detail)}});
  return sheet;
}

}  // namespace

std::string heading_of(const Table& table) {
  return one_line(table.title.empty() ? table.name : table.title);
}

std::string cell_label(const Table& table, const Cell& cell) {
  const std::string row = cell.row.empty() && !has_rows(table) ? table.name : cell.row;
  return one_line(cell.column.empty() ? row : row + ", " + cell.column);
}

std::string count_text(const Cell& cell) {
  const int all =
      cell.finished + cell.failed + cell.stopped_early + cell.cancelled + cell.unfinished;
  if (all == 0) return "none";
  std::string text =
      cell.finished == all ? std::to_string(all) : fmt::format("{} of {}", cell.finished, all);
  if (cell.failed > 0) text += fmt::format(", {} failed", cell.failed);
  if (cell.stopped_early > 0) text += fmt::format(", {} stopped early", cell.stopped_early);
  if (cell.cancelled > 0) text += fmt::format(", {} cancelled", cell.cancelled);
  if (cell.unfinished > 0) text += fmt::format(", {} unfinished", cell.unfinished);
  return text;
}

const std::vector<std::string>& quantity_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = {"runs"};
    for (const Metric metric : all_metrics()) all.push_back(name_of(metric));
    all.insert(all.end(), {"parameters", "paper", "difference"});
    return all;
  }();
  return names;
}

std::vector<Sheet> sheets_of(const Table& table, const SheetOptions& options) {
  std::vector<Sheet> sheets;
  if (table.cells.empty()) return sheets;
  if (table.is_layout)
    sheets.push_back(PrintedTable(table, options).sheet());
  else if (table.columns.size() > 1)
    sheets.push_back(overview(table, options));
  if (Sheet sheet = results(table, options); !sheet.lines.empty())
    sheets.push_back(std::move(sheet));
  if (Sheet sheet = papers(table, options); !table.is_layout && !sheet.lines.empty())
    sheets.push_back(std::move(sheet));
  for (Sheet sheet : {comparisons(table, options), runs_of_cells(table), problems(table)})
    if (!sheet.lines.empty()) sheets.push_back(std::move(sheet));
  return sheets;
}

}  // namespace hadal::launcher
