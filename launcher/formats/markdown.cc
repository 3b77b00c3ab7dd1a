// Pipe tables as GitHub and most others read them.
#include <fmt/format.h>

#include "core/base/strings.h"
#include "launcher/formats/format.h"

namespace hadal::launcher {
namespace {

// Everything that Markdown or HTML inside it would take for a mark.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : without_ties(text)) {
    if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '&')
      result += "&amp;";
    else if (std::string_view("\\`*_{}[]|#~").find(c) != std::string_view::npos)
      result += std::string("\\") + c;
    else
      result += c;
  }
  return result;
}

std::string line_of(const std::vector<std::string>& cells) {
  return "| " + join(cells, " | ") + " |\n";
}

std::string print(const Sheet& sheet) {
  std::vector<std::string> headings, rule;
  for (const SheetColumn& column : sheet.columns) {
    headings.push_back(escaped(column.heading));
    rule.push_back(column.right ? "---:" : "---");
  }
  std::string text = line_of(headings) + line_of(rule);
  for (const auto& line : sheet.lines) {
    std::vector<std::string> cells;
    for (const SheetCell& cell : line) cells.push_back(escaped(cell.text));
    text += line_of(cells);
  }
  for (const std::string& note : sheet.notes) text += "\n" + escaped(note) + "\n";
  return text;
}

}  // namespace

std::string render_markdown(std::span<const Table> tables, const FormatOptions& options) {
  std::string text;
  for (const Table& table : tables) {
    text += (text.empty() ? "" : "\n") + fmt::format("## {}\n", escaped(heading_of(table)));
    if (!table.note.empty()) text += "\n" + escaped(one_line(table.note)) + "\n";
    for (const Sheet& sheet : sheets_of(table, options.sheets))
      text += (sheet.heading.empty() ? "\n" : "\n### " + sheet.heading + "\n\n") + print(sheet);
  }
  return text;
}

}  // namespace hadal::launcher
