// Columns under headings, in at most `width` columns: where the lines are too long, the widest
// columns are folded at blanks until they fit or cannot be folded further.
#include <algorithm>

#include <fmt/format.h>

#include "core/base/strings.h"
#include "launcher/formats/format.h"

namespace hadal::launcher {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kHeadingWidth = 16;  // where there is room
constexpr std::size_t kLongestWord = 24;   // what is longer may be cut anywhere

// Code points; East Asian wide characters take two columns and may stick out.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (std::string& word : split(text, ' ')) {
    while (width_of(word) > kLongestWord) {
      std::size_t bytes = 0;
      for (std::size_t width = 0; width <= kLongestWord; ++bytes)
        width += (word[bytes] & 0xc0) != 0x80;
      words.push_back(word.substr(0, --bytes));
      word.erase(0, bytes);
    }
    words.push_back(word);
  }
  return words;
}

std::size_t longest_word(const std::string& text) {
  std::size_t longest = 0;
  for (const std::string& word : words_of(text)) longest = std::max(longest, width_of(word));
  return longest;
}

std::vector<std::string> folded(const std::string& text, std::size_t width) {
  if (width_of(text) <= width) return {text};
  std::vector<std::string> lines = {""};
  for (const std::string& word : words_of(text)) {
    std::string& line = lines.back();
    if (line.empty())
      line = word;
    else if (width_of(line) + 1 + width_of(word) <= width)
      line += " " + word;
    else
      lines.push_back(word);
  }
  return lines;
}

class Printer {
 public:
  Printer(Sheet sheet, const FormatOptions& options) : sheet_(std::move(sheet)), options_(options) {
    if (!fits()) untie();
  }

  std::string print() {
    std::vector<SheetCell> headings;
    for (const SheetColumn& column : sheet_.columns) headings.push_back({.text = column.heading});
    const std::size_t total = this->total();
    std::string text = print_line(headings, "1");
    std::string rule;
    for (std::size_t i = 0; i < total; ++i) rule += "\u2500";
    text += rule + "\n";
    for (const auto& line : sheet_.lines) text += print_line(line, "");
    for (const std::string& note : sheet_.notes)
      for (const std::string& line : folded(note, static_cast<std::size_t>(options_.width)))
        text += painted(without_ties(line), "2") + "\n";
    return text;
  }

 private:
  std::size_t total() const {
    std::size_t sum = kGap * (widths_.size() - 1);
    for (const std::size_t width : widths_) sum += width;
    return sum;
  }

  // A heading folds rather than widening its column.
  void measure() {
    widths_.assign(sheet_.columns.size(), 0);
    least_.assign(sheet_.columns.size(), 0);
    for (std::size_t c = 0; c < widths_.size(); ++c) {
      const std::string& heading = sheet_.columns[c].heading;
      least_[c] = longest_word(heading);
      widths_[c] = std::max(least_[c], std::min(width_of(heading), kHeadingWidth));
      for (const auto& line : sheet_.lines) {
        widths_[c] = std::max(widths_[c], width_of(line[c].text));
        least_[c] = std::max(least_[c], longest_word(line[c].text));
      }
    }
  }

  bool fits() {
    measure();
    while (total() > static_cast<std::size_t>(options_.width)) {
      std::size_t widest = widths_.size();
      for (std::size_t c = 0; c < widths_.size(); ++c)
        if (widths_[c] > least_[c] && (widest == widths_.size() || widths_[c] > widths_[widest]))
          widest = c;
      if (widest == widths_.size()) return false;
      --widths_[widest];
    }
    return true;
  }

  // Where there is no room, a number may be parted from its deviation.
  void untie() {
    for (SheetColumn& column : sheet_.columns) column.heading = without_ties(column.heading);
    for (auto& line : sheet_.lines)
      for (SheetCell& cell : line) cell.text = without_ties(cell.text);
    fits();
  }

  std::string painted(const std::string& text, const std::string& code) const {
    return options_.color && !code.empty() && !text.empty()
               ? fmt::format("\x1b[{}m{}\x1b[0m", code, text)
               : text;
  }

  static std::string code_of(Tone tone) {
    return tone == Tone::kBad ? "31" : tone == Tone::kFaint ? "2" : "";
  }

  std::string print_line(const std::vector<SheetCell>& line, const std::string& code) const {
    std::vector<std::vector<std::string>> parts;
    std::size_t height = 1;
    for (std::size_t c = 0; c < line.size(); ++c) {
      parts.push_back(folded(line[c].text, widths_[c]));
      height = std::max(height, parts.back().size());
    }
    std::string text;
    for (std::size_t h = 0; h < height; ++h) {
      std::string printed;
      std::size_t owed = 0;  // blanks, not yet written, so that no line ends in them
      for (std::size_t c = 0; c < line.size(); ++c) {
        const std::string part = h < parts[c].size() ? without_ties(parts[c][h]) : "";
        const std::size_t blank = widths_[c] - std::min(widths_[c], width_of(part));
        const bool right = sheet_.columns[c].right;
        if (right) owed += blank;
        if (!part.empty()) {
          printed +=
              std::string(owed, ' ') + painted(part, code.empty() ? code_of(line[c].tone) : code);
          owed = 0;
        }
        owed += (right ? 0 : blank) + kGap;
      }
      text += printed + "\n";
    }
    return text;
  }

  Sheet sheet_;
  const FormatOptions& options_;
  std::vector<std::size_t> widths_, least_;
};

}  // namespace

std::string text_of(const Sheet& sheet, const FormatOptions& options) {
  return (sheet.heading.empty() ? "" : sheet.heading + "\n") + Printer(sheet, options).print();
}

std::string render_terminal(std::span<const Table> tables, const FormatOptions& options) {
  std::string text;
  for (const Table& table : tables) {
    if (!text.empty()) text += "\n";
    const std::string heading = heading_of(table);
    text += options.color ? fmt::format("\x1b[1m{}\x1b[0m\n", heading) : heading + "\n";
    for (const std::string& line :
         folded(one_line(table.note), static_cast<std::size_t>(options.width)))
      if (!line.empty()) text += line + "\n";
    for (const Sheet& sheet : sheets_of(table, options.sheets))
      text += "\n" + text_of(sheet, options);
  }
  return text;
}

}  // namespace hadal::launcher
