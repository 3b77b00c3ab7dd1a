// Tables for \input into a paper that loads booktabs. Runs and failures stand beside them as
// comments: they belong to the file, not to the page.
#include <fmt/format.h>

#include "core/base/strings.h"
#include "launcher/formats/format.h"

namespace hadal::launcher {
namespace {

std::string escaped_byte(char c) {
  switch (c) {
    case '\\':
      return "\\textbackslash{}";
    case '~':
      return "\\textasciitilde{}";
    case '^':
      return "\\textasciicircum{}";
    case '<':
      return "\\textless{}";
    case '>':
      return "\\textgreater{}";
    case '"':
      return "\\textquotedbl{}";
    case '&':
    case '%':
    case '$':
    case '#':
    case '_':
    case '{':
    case '}':
      return std::string("\\") + c;
    default:
      return std::string(1, c);
  }
}

std::string escaped(std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> kSymbols[] = {
      {"\u00b1", "$\\pm$"}, {"\u2212", "$-$"}, {"\u2020", "\\dag{}"}, {kTie, "~"}};
  std::string result;
  while (!text.empty()) {
    std::size_t used = 0;
    for (const auto& [symbol, command] : kSymbols)
      if (text.starts_with(symbol)) {
        result += command;
        used = symbol.size();
      }
    if (used == 0) {
      result += escaped_byte(text.front());
      used = 1;
    }
    text.remove_prefix(used);
  }
  return result;
}

std::string line_of(const std::vector<SheetCell>& cells) {
  std::vector<std::string> texts;
  for (const SheetCell& cell : cells) texts.push_back(escaped(cell.text));
  // A '[' after the line before would be taken for the option of its \\.
  return "    {}" + join(texts, " & ") + " \\\\\n";
}

std::string tabular(const Table& table, const Sheet& sheet) {
  std::string alignment;
  std::vector<SheetCell> headings;
  for (const SheetColumn& column : sheet.columns) {
    alignment += column.right ? 'r' : 'l';
    headings.push_back({.text = column.heading});
  }
  std::string lines;
  for (const auto& line : sheet.lines) lines += line_of(line);
  std::string caption = heading_of(table) + (sheet.heading.empty() ? "" : ": " + sheet.heading);
  for (const std::string& note : sheet.notes) caption += ". " + note;
  return fmt::format(
      "\\begin{{table}}\n"
      "  \\centering\n"
      "  \\caption{{{}}}\n"
      "  \\begin{{tabular}}{{{}}}\n"
      "    \\toprule\n{}    \\midrule\n{}    \\bottomrule\n"
      "  \\end{{tabular}}\n"
      "\\end{{table}}\n",
      escaped(caption), alignment, line_of(headings), lines);
}

std::string comments(const Sheet& sheet) {
  std::string text = "% " + sheet.heading + "\n";
  for (const auto& line : sheet.lines) {
    std::vector<std::string> texts;
    for (const SheetCell& cell : line) texts.push_back(without_ties(cell.text));
    text += "%   " + join(texts, ": ") + "\n";
  }
  return text;
}

bool is_comment(const Sheet& sheet) {
  return sheet.kind == Sheet::Kind::kRuns || sheet.kind == Sheet::Kind::kProblems;
}

}  // namespace

std::string render_latex(std::span<const Table> tables, const FormatOptions& options) {
  std::string text = "% \\usepackage{booktabs}\n";
  for (const Table& table : tables)
    for (const Sheet& sheet : sheets_of(table, options.sheets))
      text += is_comment(sheet) ? comments(sheet) : tabular(table, sheet);
  return text;
}

}  // namespace hadal::launcher
