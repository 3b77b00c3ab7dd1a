#include "launcher/sheet.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "core/base/strings.h"

namespace hadal::launcher {
namespace {

constexpr const char* kMinus = "\u2212";
constexpr const char* kPlusMinus = "\u00b1";

std::string tied(std::string text) {
  std::string result;
  for (const char c : text) c == ' ' ? result += kTie : result += c;
  return result;
}

std::string number_text(double value, int digits = 2) {
  if (std::isnan(value)) return "not finite";
  const std::string text = fmt::format("{:.{}f}", std::abs(value), digits);
  const bool is_zero = text.find_first_not_of("0.") == std::string::npos;
  return (value < 0 && !is_zero ? kMinus : "") + text;
}

// As many digits as the paper prints would be better still, but files do not keep them.
std::string value_text(const Expected& e) {
  const bool seconds = e.metric == Metric::kTrainingTime;
  std::string text = seconds ? format_duration(e.value) : number_text(e.value);
  if (e.deviation > 0)
    text += fmt::format(" {} {}", kPlusMinus,
                        seconds ? format_duration(e.deviation) : number_text(e.deviation));
  return tied(text);
}

std::string difference_text(const Expected& e) {
  if (!e.difference) return "";
  const double d = *e.difference;
  if (e.metric == Metric::kTrainingTime)
    return tied((d < 0 ? kMinus : "+") + format_duration(std::abs(d)));
  const std::string text = number_text(d);
  return text.starts_with(kMinus) || std::isnan(d) ? text : "+" + text;
}

std::string short_name(Metric metric) {
  switch (metric) {
    case Metric::kTestError:
      return "last epoch";
    case Metric::kTestErrorAtBestValidation:
      return "best validation";
    case Metric::kDeepestColumnTestError:
      return "deepest column";
    case Metric::kTrainingError:
      return "training error";
    case Metric::kTrainingTime:
      return "training time";
  }
  return {};
}

std::string heading_for(Metric metric) {
  switch (metric) {
    case Metric::kTestError:
      return "test error %, last epoch";
    case Metric::kTestErrorAtBestValidation:
      return "test error %, best validation";
    case Metric::kDeepestColumnTestError:
      return "test error %, deepest column";
    case Metric::kTrainingError:
      return std::string("training error") + kTie + "%";
    case Metric::kTrainingTime:
      return "time";
  }
  return {};
}

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

std::string detail_text(Metric metric, const Statistic& s) {
  std::string text =
      fmt::format("n {}, mean {}, median {}, from {} to {}", s.n, number_text(s.mean, 3),
                  number_text(s.median, 3), number_text(s.minimum, 3), number_text(s.maximum, 3));
  if (s.deviation) text += fmt::format(", standard deviation {}", number_text(*s.deviation, 3));
  if (s.confidence)
    text += fmt::format(", 95 % confidence of the mean {}{}", kPlusMinus,
                        number_text(*s.confidence, 3));
  return text + (metric == Metric::kTrainingTime ? " s" : " %");
}

SheetCell measured(const Cell& cell, Metric metric) {
  const Statistic* s = cell.find(metric);
  if (s == nullptr) return {};
  const bool is_time = metric == Metric::kTrainingTime;
  std::string text = is_time ? tied(format_duration(s->median)) : mean_text(metric, *s);
  if (!is_time && s->n > 1 && std::isfinite(s->mean))
    text += fmt::format(" ({})", number_text(s->median));
  if (s->n != cell.finished) text += fmt::format(" n={}", s->n);
  return {.text = text,
          .tone = std::isnan(s->mean) ? Tone::kBad : Tone::kPlain,
          .number = is_time ? s->median : s->mean,
          .detail = detail_text(metric, *s)};
}

SheetCell counts(const Cell& cell) {
  return {.text = count_text(cell),
          .tone = cell.failed > 0 ? Tone::kBad : Tone::kPlain,
          .number = cell.finished};
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
std::vector<Metric> shown_metrics(const Table& table, MetricChoice choice) {
  std::vector<Metric> shown;
  if (choice != MetricChoice::kBestValidation) shown.push_back(Metric::kTestError);
  if (choice != MetricChoice::kLast) shown.push_back(Metric::kTestErrorAtBestValidation);
  for (const Metric metric :
       {Metric::kDeepestColumnTestError, Metric::kTrainingError, Metric::kTrainingTime})
    if (any_measured(table, metric)) shown.push_back(metric);
  return shown;
}

Sheet results(const Table& table, MetricChoice choice) {
  Sheet sheet{Sheet::Kind::kResults,
              table.columns.size() > 1 ? "Every cell" : "",
              first_columns(table),
              {},
              {}};
  const std::vector<Metric> metrics = shown_metrics(table, choice);
  const bool papers = any_expected(table);
  sheet.columns.push_back({"runs"});
  for (const Metric metric : metrics) sheet.columns.push_back({heading_for(metric), true});
  if (papers) {
    sheet.columns.push_back({"paper", true});
    sheet.columns.push_back({std::string("ours ") + kMinus + kTie + "paper", true});
  }
  for (const Cell& cell : table.cells) {
    std::vector<SheetCell>& line = sheet.lines.emplace_back();
    begin_line(line, table, cell);
    line.push_back(counts(cell));
    for (const Metric metric : metrics) line.push_back(measured(cell, metric));
    if (!papers) continue;
    const Expected* e = cell.headline_expected();
    if (e == nullptr) {
      line.resize(line.size() + 2);
      continue;
    }
    line.push_back({.text = fmt::format("{} ({})", value_text(*e), short_name(cell.headline)),
                    .number = e->value,
                    .detail = one_line(e->source)});
    line.push_back({.text = difference_text(*e), .number = e->difference});
  }
  sheet.notes.push_back(
      fmt::format("mean {} standard deviation over the finished runs (median); failed and "
                  "unfinished runs enter no mean",
                  kPlusMinus));
  return sheet;
}

Metric overview_metric(const Cell& cell, MetricChoice choice) {
  if (choice == MetricChoice::kLast) return Metric::kTestError;
  if (choice == MetricChoice::kBestValidation) return Metric::kTestErrorAtBestValidation;
  return cell.headline;
}

// Marks what the number is when it is not of the last epoch.
std::string mark_of(Metric metric) {
  if (metric == Metric::kTestErrorAtBestValidation) return "*";
  return metric == Metric::kDeepestColumnTestError ? "\u2020" : "";
}

SheetCell overview_cell(const Cell& cell, MetricChoice choice) {
  const Metric metric = overview_metric(cell, choice);
  const Statistic* s = cell.find(metric);
  std::string text = s == nullptr ? "" : mean_text(metric, *s) + mark_of(metric);
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

Sheet overview(const Table& table, MetricChoice choice) {
  Sheet sheet{Sheet::Kind::kOverview, "", {{"test error %"}}, {}, {}};
  for (const std::string& column : table.columns) sheet.columns.push_back({one_line(column), true});
  for (const std::string& row : table.rows) {
    std::vector<SheetCell>& line = sheet.lines.emplace_back();
    line.push_back(label(row));
    for (const std::string& column : table.columns) {
      const auto cell =
          std::find_if(table.cells.begin(), table.cells.end(), [&](const Cell& candidate) {
            return candidate.row == row && candidate.column == column;
          });
      line.push_back(cell == table.cells.end() ? SheetCell{} : overview_cell(*cell, choice));
    }
  }
  std::set<Metric> used;
  for (const Cell& cell : table.cells) used.insert(overview_metric(cell, choice));
  sheet.notes.push_back(fmt::format("mean {} standard deviation (runs)", kPlusMinus));
  if (used.contains(Metric::kTestError)) sheet.notes.push_back("without a mark: at the last epoch");
  if (used.contains(Metric::kTestErrorAtBestValidation))
    sheet.notes.push_back("*: at the best validation epoch");
  if (used.contains(Metric::kDeepestColumnTestError))
    sheet.notes.push_back("\u2020: of the deepest column alone, at the last epoch");
  return sheet;
}

std::string ours_text(const Cell& cell, const Expected& e) {
  const Statistic* s = e.metric ? cell.find(*e.metric) : nullptr;
  if (s == nullptr) return "";
  return e.metric == Metric::kTrainingTime ? tied(format_duration(s->median))
                                           : mean_text(*e.metric, *s);
}

Sheet papers(const Table& table) {
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
      line.push_back({.text = ours_text(cell, e)});
      line.push_back({.text = value_text(e), .number = e.value});
      line.push_back({.text = difference_text(e), .number = e.difference});
      std::string source = e.source.empty() ? e.status : e.source + " (" + e.status + ")";
      if (!e.note.empty()) source += "; " + e.note;
      line.push_back({.text = one_line(source), .tone = Tone::kFaint});
    }
  return sheet;
}

std::string p_text(const std::optional<double>& p) {
  if (!p) return "";
  return *p < 0.001 ? "< 0.001" : number_text(*p, 3);
}

Sheet comparisons(const Table& table) {
  Sheet sheet{Sheet::Kind::kComparisons, "", first_columns(table), {}, {}};
  if (table.comparisons.empty()) return sheet;
  sheet.heading = fmt::format("Against {}, seed by seed", one_line(table.comparisons[0].against));
  for (const char* heading : {"seeds", "difference", "p (t)", "p (Wilcoxon)"})
    sheet.columns.push_back({heading, true});
  for (const Comparison& each : table.comparisons) {
    std::vector<SheetCell>& line = sheet.lines.emplace_back();
    line.push_back(label(each.row));
    if (has_columns(table)) line.push_back(label(each.column));
    const std::string difference = number_text(each.test.mean);
    line.push_back({.text = std::to_string(each.test.pairs)});
    line.push_back({.text = difference.starts_with(kMinus) ? difference : "+" + difference,
                    .number = each.test.mean,
                    .detail = heading_for(each.metric)});
    line.push_back({.text = p_text(each.test.t_p), .number = each.test.t_p});
    line.push_back({.text = p_text(each.test.wilcoxon_p), .number = each.test.wilcoxon_p});
  }
  sheet.notes.push_back(
      "difference of the headline error over the seeds finished in both rows; two-sided p of the "
      "paired t-test and of the signed-rank test, which with n seeds is never below 2^(1-n); p are "
      "not corrected for the number of comparisons");
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
    std::vector<SheetCell>& line = sheet.lines.emplace_back();
    begin_line(line, table, cell);
    std::vector<std::string> texts;
    for (const std::size_t i : cell.runs) texts.push_back(run_text(table.runs[i]));
    line.push_back({.text = join(texts, ", "), .tone = Tone::kFaint});
  }
  return sheet;
}

Sheet problems(const Table& table) {
  Sheet sheet{Sheet::Kind::kProblems,
              "Failed and unfinished runs",
              {{"run"}, {"state"}, {"why, or how far"}},
              {},
              {}};
  for (const TableRun& run : table.runs)
    if (run.state != RunState::kFinished)
      sheet.lines.push_back({{.text = one_line(run.name)},
                             {.text = name_of(run.state),
                              .tone = run.state == RunState::kFailed ? Tone::kBad : Tone::kPlain},
                             {.text = one_line(run.detail)}});
  return sheet;
}

// Bytes of the UTF-8 sequence at the start of `text`, 0 where there is no valid one.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool beyond = (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
  return overlong || beyond ? 0 : length;
}

// C0 without the blanks, DEL, C1, and the marks that turn the direction of text around.
bool is_control(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return first < 0x20 || first == 0x7f;
  if (sequence.size() == 2) return first == 0xc2 && static_cast<unsigned char>(sequence[1]) < 0xa0;
  return sequence == "\u2028" || sequence == "\u2029" ||
         (sequence >= "\u202a" && sequence <= "\u202e") ||
         (sequence >= "\u2066" && sequence <= "\u2069");
}

}  // namespace

std::string one_line(std::string_view text) {
  constexpr const char* kReplacement = "\ufffd";
  std::string clean;
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const std::string_view sequence = text.substr(0, std::max<std::size_t>(length, 1));
    if (sequence == "\n" || sequence == "\t" || sequence == "\r")
      clean += ' ';
    else if (length == 0 || is_control(sequence))
      clean += kReplacement;
    else
      clean += sequence;
    text.remove_prefix(sequence.size());
  }
  return clean;
}

std::string without_ties(std::string text) {
  for (std::size_t at = 0; (at = text.find(kTie, at)) != std::string::npos;)
    text.replace(at, std::string_view(kTie).size(), " ");
  return text;
}

std::string heading_of(const Table& table) {
  return one_line(table.title.empty() ? table.name : table.title);
}

std::string cell_label(const Table& table, const Cell& cell) {
  const std::string row = cell.row.empty() && !has_rows(table) ? table.name : cell.row;
  return one_line(cell.column.empty() ? row : row + ", " + cell.column);
}

std::string count_text(const Cell& cell) {
  const int all = cell.finished + cell.failed + cell.unfinished;
  if (all == 0) return "none";
  std::string text =
      cell.finished == all ? std::to_string(all) : fmt::format("{} of {}", cell.finished, all);
  if (cell.failed > 0) text += fmt::format(", {} failed", cell.failed);
  if (cell.unfinished > 0) text += fmt::format(", {} unfinished", cell.unfinished);
  return text;
}

std::string mean_text(Metric metric, const Statistic& s) {
  const auto text = [&](double value) {
    return metric == Metric::kTrainingTime ? format_duration(value) : number_text(value);
  };
  if (!std::isfinite(s.mean)) return tied("not finite");
  return tied(s.deviation ? fmt::format("{} {} {}", text(s.mean), kPlusMinus, text(*s.deviation))
                          : text(s.mean));
}

std::vector<Sheet> sheets_of(const Table& table, MetricChoice choice) {
  std::vector<Sheet> sheets;
  if (table.cells.empty()) return sheets;
  if (table.columns.size() > 1) sheets.push_back(overview(table, choice));
  sheets.push_back(results(table, choice));
  for (Sheet sheet : {papers(table), comparisons(table), runs_of_cells(table), problems(table)})
    if (!sheet.lines.empty()) sheets.push_back(std::move(sheet));
  return sheets;
}

}  // namespace hadal::launcher
