#include "launcher/report/html.h"

#include <array>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal::launcher::report {
namespace {

std::string class_of(const Sheet& sheet) {
  switch (sheet.kind) {
    case Sheet::Kind::kLayout:
      return "layout";
    case Sheet::Kind::kOverview:
      return "overview";
    case Sheet::Kind::kResults:
      return "results";
    case Sheet::Kind::kComparisons:
      return "comparisons";
    case Sheet::Kind::kPapers:
      return "papers";
    case Sheet::Kind::kRuns:
      return "runs";
    case Sheet::Kind::kProblems:
      return "problems";
  }
  HADAL_CHECK(false);
  return {};
}

std::string class_of(const SheetCell& cell, bool right) {
  std::string names = right ? "right" : "";
  if (cell.tone == Tone::kBad) names += " bad";
  if (cell.tone == Tone::kFaint) names += " faint";
  return names;
}

std::string attribute(const std::string& name, const std::string& value) {
  return value.empty() ? "" : fmt::format(" {}=\"{}\"", name, escaped(value));
}

// What a narrow screen shows before a cell. Of a long table page.js writes it, which keeps files of
// thousands of runs small.
constexpr std::size_t kLinesWithLabels = 200;

std::string line_of(const Sheet& sheet, const std::vector<SheetCell>& line) {
  const bool labels = sheet.lines.size() <= kLinesWithLabels;
  std::string html = "<tr>";
  for (std::size_t c = 0; c < line.size(); ++c) {
    const SheetColumn& column = sheet.columns[c];
    const char* tag = c == 0 ? "th scope=\"row\"" : "td";
    html += fmt::format(
        "<{}{}{}{}{}>{}</{}>", tag, attribute("class", class_of(line[c], column.right)),
        attribute("data-label", labels ? column.heading : ""),
        attribute("data-sort", line[c].number ? fmt::format("{}", *line[c].number) : ""),
        attribute("title", line[c].detail), escaped(line[c].text), c == 0 ? "th" : "td");
  }
  return html + "</tr>\n";
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string html;
  for (const char c : text) switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += c;
    }
  return html;
}

std::string escaped_lines(std::string_view text) {
  std::string html;
  for (const std::string& line : split(text, '\n')) html += escaped(one_line(line)) + "\n";
  return html;
}

std::string table_of(const Sheet& sheet) {
  std::string html =
      fmt::format("<div class=\"scroll\"><table class=\"{}\">\n<thead><tr>", class_of(sheet));
  for (const SheetColumn& column : sheet.columns)
    html += fmt::format("<th scope=\"col\"{}>{}</th>",
                        attribute("class", column.right ? "right" : ""), escaped(column.heading));
  html += "</tr></thead>\n<tbody>\n";
  for (const auto& line : sheet.lines) html += line_of(sheet, line);
  html += "</tbody></table></div>\n";
  for (const std::string& note : sheet.notes)
    html += fmt::format("<p class=\"note\">{}</p>\n", escaped(note));
  return html;
}

std::string script_hash(std::string_view script) {
  std::array<unsigned char, 32> digest{};
  unsigned int length = 0;
  HADAL_CHECK(EVP_Digest(script.data(), script.size(), digest.data(), &length, EVP_sha256(),
                         nullptr) == 1 &&
              length == digest.size());
  std::array<unsigned char, 45> base64{};
  EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(digest.size()));
  return std::string("sha256-") + reinterpret_cast<const char*>(base64.data());
}

}  // namespace hadal::launcher::report
