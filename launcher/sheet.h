// A table as text in columns: what the terminal, Markdown, LaTeX and the page print, each with its
// own lines and escapes. All texts are one line of valid UTF-8 without control characters, so that
// names from files cannot move a cursor or open a new row.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "launcher/sheet_text.h"
#include "launcher/table.h"

namespace hadal::launcher {

/// Which test error is shown; both unless the reader asks for one.
enum class MetricChoice { kBoth, kLast, kBestValidation };

/// Of confidence, where nobody asks for another.
inline constexpr double kUsualLevel = 0.95;

struct SheetOptions {
  MetricChoice choice = MetricChoice::kBoth;
  /// What the results show, in this order: quantity_names(). Empty: what there is to show.
  std::vector<std::string> show = {};
  /// After every mean the half width of its confidence interval of this level (Student over the
  /// finished runs) rather than their standard deviation.
  std::optional<double> interval = {};
};

/// "runs", the metrics, "parameters", "paper", "difference".
const std::vector<std::string>& quantity_names();

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
  enum class Kind { kLayout, kOverview, kResults, kPapers, kComparisons, kRuns, kProblems };
  Kind kind;
  std::string heading;
  std::vector<SheetColumn> columns;
  std::vector<std::vector<SheetCell>> lines;
  std::vector<std::string> notes;  // below the lines
};

/// Results; before them an overview where there are several columns; the papers' figures where
/// there are any; runs of every cell; runs that failed or are not finished where there are any. Of
/// a layout first the table as it was printed, with ours and the difference below the paper's, and
/// results of what was run. Throws UsageError for a quantity nobody knows.
std::vector<Sheet> sheets_of(const Table& table, const SheetOptions& options = {});

/// The title, or the name where there is none, on one line.
std::string heading_of(const Table& table);

/// "ResNet-110, C10+" on one line.
std::string cell_label(const Table& table, const Cell& cell);

/// "3", "2 of 3, 1 failed"
std::string count_text(const Cell& cell);

}  // namespace hadal::launcher
