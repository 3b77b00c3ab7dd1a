// A table as text in columns: what the terminal, Markdown, LaTeX and the page print, each with its
// own lines and escapes. All texts are one line of valid UTF-8 without control characters, so that
// names from files cannot move a cursor or open a new row.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "launcher/table.h"

namespace hadal::launcher {

/// Which test error is shown; both unless the reader asks for one.
enum class MetricChoice { kBoth, kLast, kBestValidation };

enum class Tone { kPlain, kFaint, kBad };

struct SheetCell {
  std::string text = {};
  Tone tone = Tone::kPlain;
  /// What lines sort by, where that is not the text.
  std::optional<double> number = {};
  /// More, for a page that can show it on demand.
  std::string detail = {};
};

struct SheetColumn {
  std::string heading;
  bool right = false;  // aligned, as numbers are
};

struct Sheet {
  enum class Kind { kOverview, kResults, kPapers, kComparisons, kRuns, kProblems };
  Kind kind;
  std::string heading;
  std::vector<SheetColumn> columns;
  std::vector<std::vector<SheetCell>> lines;
  std::vector<std::string> notes;  // below the lines
};

/// Stands for a blank at which no line may break.
inline constexpr const char* kTie = "\u00a0";
std::string without_ties(std::string text);

/// Results; before them an overview where there are several columns; the papers' figures where
/// there are any; runs of every cell; runs that failed or are not finished where there are any.
std::vector<Sheet> sheets_of(const Table& table, MetricChoice choice = MetricChoice::kBoth);

/// The title, or the name where there is none, on one line.
std::string heading_of(const Table& table);

/// "ResNet-110, C10+" on one line.
std::string cell_label(const Table& table, const Cell& cell);

/// "3", "2 of 3, 1 failed"
std::string count_text(const Cell& cell);

/// "6.41 ± 0.16", "6.41" for one run; seconds as "1h 02m".
std::string mean_text(Metric metric, const Statistic& statistic);

/// Text on one line: what is no valid UTF-8 or a control character becomes U+FFFD, line ends and
/// tabs blanks.
std::string one_line(std::string_view text);

}  // namespace hadal::launcher
