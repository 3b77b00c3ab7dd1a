#include "launcher/report/settings.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "experiments/spec/fields.h"
#include "experiments/spec/load.h"
#include "launcher/report/html.h"
#include "launcher/sheet.h"

namespace hadal::launcher::report {
namespace {

constexpr std::size_t kValuesShown = 4;  // of an environment's key
constexpr std::size_t kSpecsShown = 40;  // whole

std::string folded(const std::string& summary, const std::string& html) {
  return fmt::format("<details><summary>{}</summary>\n{}</details>\n", escaped(summary), html);
}

using Fields = std::map<std::string, std::string>;

/// The first run of a cell that has a spec; the others differ in their seeds.
const TableRun* run_with_spec(const Table& table, const Cell& cell) {
  for (const std::size_t i : cell.runs)
    if (table.runs[i].record) return &table.runs[i];
  return nullptr;
}

/// None for a text that is no spec.
std::optional<Fields> fields_of(const TableRun& run) {
  try {
    Fields fields;
    for (auto& [path, value] :
         spec::flatten(spec::experiment_from_text(run.record->spec_text, run.name), false))
      if (path != "seed") fields[path] = std::move(value);
    return fields;
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string text_of(const std::string& path, const std::string& value) {
  return one_line(path + ": " + value);
}

/// Rows that have fields, as (label, fields).
using Rows = std::vector<std::pair<std::string, Fields>>;

Fields common_to(const Rows& rows) {
  Fields common = rows.front().second;
  for (const auto& [label, fields] : rows)
    std::erase_if(common, [&fields = fields](const auto& field) {
      const auto at = fields.find(field.first);
      return at == fields.end() || at->second != field.second;
    });
  return common;
}

Sheet differences(const Rows& rows, const Fields& common) {
  Sheet sheet{Sheet::Kind::kProblems, "", {{"row"}, {"its own settings"}}, {}, {}};
  for (const auto& [label, fields] : rows) {
    std::vector<std::string> own;
    for (const auto& [path, value] : fields)
      if (!common.contains(path)) own.push_back(text_of(path, value));
    sheet.lines.push_back({{.text = label}, {.text = join(own, ", ")}});
  }
  return sheet;
}

std::string compared(const Rows& rows) {
  if (rows.size() < 2) return "";
  const Fields common = common_to(rows);
  std::string lines;
  for (const auto& [path, value] : common) lines += escaped(text_of(path, value)) + "\n";
  return folded("What all rows have in common", "<pre>" + lines + "</pre>\n") +
         folded("In what rows differ", table_of(differences(rows, common)));
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

}  // namespace

std::string specs(const Table& table) {
  Rows rows;
  std::string whole;
  std::size_t shown = 0;
  for (const Cell& cell : table.cells) {
    const TableRun* run = run_with_spec(table, cell);
    if (run == nullptr) continue;
    if (auto fields = fields_of(*run))
      rows.emplace_back(cell_label(table, cell), *std::move(fields));
    if (++shown > kSpecsShown) continue;
    const std::string seed = run->seed ? fmt::format(" (seed {})", *run->seed) : "";
    whole += folded(cell_label(table, cell) + seed,
                    "<pre>" + escaped_lines(run->record->spec_text) + "</pre>\n");
  }
  if (shown > kSpecsShown)
    whole += fmt::format("<p class=\"note\">The whole specs of the first {} rows of {}.</p>\n",
                         kSpecsShown, shown);
  return compared(rows) + whole;
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

}  // namespace hadal::launcher::report
