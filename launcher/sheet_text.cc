#include "launcher/sheet_text.h"

#include <cmath>

#include <fmt/format.h>

#include "core/base/strings.h"

namespace hadal::launcher {
namespace {

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

std::string tied(const std::string& text) {
  std::string result;
  for (const char c : text) c == ' ' ? result += kTie : result += c;
  return result;
}

std::string number_text(double value, int digits) {
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

std::string mean_text(Metric metric, const Statistic& s, std::optional<double> interval) {
  const auto text = [&](double value) {
    return metric == Metric::kTrainingTime ? format_duration(value) : number_text(value);
  };
  if (!std::isfinite(s.mean)) return tied("not finite");
  const std::optional<double> spread = interval ? s.confidence(*interval) : s.deviation;
  return tied(spread ? fmt::format("{} {} {}", text(s.mean), kPlusMinus, text(*spread))
                     : text(s.mean));
}

std::string p_text(const std::optional<double>& p) {
  if (!p) return "";
  return *p < 0.001 ? "< 0.001" : number_text(*p, 3);
}

std::string percent_text(double level) { return fmt::format("{:g} %", 100 * level); }

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

}  // namespace hadal::launcher
