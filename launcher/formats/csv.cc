// RFC 4180. One record per cell, metric and figure of a paper, so that every number stands alone in
// its column; a metric that several papers print has several records with the same figures of ours.
// Numbers have twelve digits; what is not there is empty, what is not finite "nan". A text that a
// spreadsheet would take for a formula (it begins with '=', '+', '-', '@') has an apostrophe before
// it, which spreadsheets do not show.
#include <fmt/format.h>

#include "core/base/strings.h"
#include "launcher/formats/format.h"

namespace hadal::launcher {
namespace {

// "ci95" is the half width of the 95 % confidence interval of the mean; another level is named so.
std::string header(double level) {
  return fmt::format(
      "table,row,column,finished,failed,unfinished,metric,headline,n,mean,std,median,min,max,"
      "ci{:g},paper,paper_std,difference,source,status,note,runs\r\n",
      100 * level);
}

std::string in_quotes(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + "\"";
}

std::string as_text(const std::string& text) {
  return !text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos
             ? "'" + text
             : text;
}

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{:.12g}", *value) : "";
}

class Records {
 public:
  Records(const Table& table, double level) : table_(table), level_(level) {}

  std::string print(const MetricChoice choice) {
    for (const Cell& cell : table_.cells) {
      for (const Metric metric : all_metrics())
        if (is_shown(metric, choice)) add_metric(cell, metric);
      for (const Expected& e : cell.expected)
        if (!e.metric) add(cell, e.metric_name, false, nullptr, &e);
    }
    return text_;
  }

 private:
  static bool is_shown(Metric metric, MetricChoice choice) {
    return !(choice == MetricChoice::kLast && metric == Metric::kTestErrorAtBestValidation) &&
           !(choice == MetricChoice::kBestValidation && metric == Metric::kTestError);
  }

  // A headline without runs still has its record, so that the cell is seen.
  void add_metric(const Cell& cell, Metric metric) {
    bool any = false;
    for (const Expected& e : cell.expected)
      if (e.metric == metric) {
        add(cell, name_of(metric), metric == cell.headline, cell.find(metric), &e);
        any = true;
      }
    if (!any && (cell.find(metric) != nullptr || metric == cell.headline))
      add(cell, name_of(metric), metric == cell.headline, cell.find(metric), nullptr);
  }

  void add(const Cell& cell, const std::string& metric, bool headline, const Statistic* s,
           const Expected* e) {
    std::vector<std::string> ids;
    for (const std::size_t run : cell.runs) ids.push_back(table_.runs[run].id);
    std::vector<std::string> fields = {
        as_text(table_.name),
        as_text(cell.row),
        as_text(cell.column),
        std::to_string(cell.finished),
        std::to_string(cell.failed),
        std::to_string(cell.stopped_early + cell.cancelled + cell.unfinished),
        as_text(metric),
        headline ? "yes" : ""};
    if (s != nullptr)
      fields.insert(fields.end(),
                    {std::to_string(s->n), number(s->mean), number(s->deviation), number(s->median),
                     number(s->minimum), number(s->maximum), number(s->confidence(level_))});
    else
      fields.insert(fields.end(), {"0", "", "", "", "", "", ""});
    if (e != nullptr)
      fields.insert(fields.end(),
                    {number(e->value), e->deviation > 0 ? number(e->deviation) : "",
                     number(e->difference), as_text(e->source), e->status, as_text(e->note)});
    else
      fields.resize(fields.size() + 6);
    fields.push_back(join(ids, " "));
    for (std::string& field : fields) field = in_quotes(field);
    text_ += join(fields, ",") + "\r\n";
  }

  const Table& table_;
  double level_;
  std::string text_;
};

}  // namespace

std::string render_csv(std::span<const Table> tables, const FormatOptions& options) {
  const double level = options.sheets.interval.value_or(kUsualLevel);
  std::string text = header(level);
  for (const Table& table : tables) text += Records(table, level).print(options.sheets.choice);
  return text;
}

}  // namespace hadal::launcher
