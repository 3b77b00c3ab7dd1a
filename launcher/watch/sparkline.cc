#include "launcher/watch/sparkline.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hadal::launcher::watch {
namespace {

constexpr const char* kHeights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr const char* kEighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};

}  // namespace

std::string sparkline(std::span<const double> values, std::size_t width) {
  if (values.size() > width) values = values.last(width);
  double least = std::numeric_limits<double>::infinity(), most = -least;
  for (const double value : values)
    if (std::isfinite(value)) {
      least = std::min(least, value);
      most = std::max(most, value);
    }
  std::string line;
  for (const double value : values) {
    if (!std::isfinite(value)) {
      line += ' ';
      continue;
    }
    const double share = most > least ? (value - least) / (most - least) : 0;
    line += kHeights[std::min(7, static_cast<int>(share * 8))];
  }
  return line;
}

std::string bar(double share, std::size_t width) {
  share = std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0;
  const auto eighths = static_cast<std::size_t>(std::floor(share * 8 * static_cast<double>(width)));
  std::string text;
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t filled = eighths > 8 * i ? std::min<std::size_t>(8, eighths - 8 * i) : 0;
    text += filled == 8 ? "█" : kEighths[filled];
  }
  return text;
}

}  // namespace hadal::launcher::watch
