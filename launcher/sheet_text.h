// How numbers and names of a table are written in the cells of a sheet: one clean line each.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "launcher/table.h"

namespace hadal::launcher {

inline constexpr const char* kMinus = "\u2212";
inline constexpr const char* kPlusMinus = "\u00b1";

/// Stands for a blank at which no line may break.
inline constexpr const char* kTie = "\u00a0";
std::string without_ties(std::string text);
/// Every blank a tie.
std::string tied(const std::string& text);

/// Text on one line: what is no valid UTF-8 or a control character becomes U+FFFD, line ends and
/// tabs blanks.
std::string one_line(std::string_view text);

/// "6.41", "−0.20", "not finite".
std::string number_text(double value, int digits = 2);

/// A paper's figure: "6.61 ± 0.16"; seconds as "20h 42m".
std::string value_text(const Expected& expected);

/// "+0.20", "−0.20", "−20m 00s"; "" where there is none.
std::string difference_text(const Expected& expected);

/// "6.41 ± 0.16", "6.41" for one run; seconds as "1h 02m". After the sign stands the standard
/// deviation, or where `interval` is given the half width of the confidence interval of that level.
std::string mean_text(Metric metric, const Statistic& statistic,
                      std::optional<double> interval = std::nullopt);

/// "0.031", "< 0.001"; "" where there is none.
std::string p_text(const std::optional<double>& p);

/// "95 %" of 0.95.
std::string percent_text(double level);

/// "last epoch", "training time".
std::string short_name(Metric metric);

/// Of a column: "test error %, last epoch", "time".
std::string heading_for(Metric metric);

}  // namespace hadal::launcher
