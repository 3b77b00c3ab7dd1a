#include "experiments/figures/axes.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "core/base/strings.h"

namespace hadal::figures {
namespace {

constexpr double kTextSize = 11.5, kGap = 6, kTick = 4;
constexpr double kLabelRoom = 18;  // of a y-axis's label

std::string superscript(int exponent) {
  static constexpr const char* kDigits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = exponent < 0 ? "⁻" : "";
  for (const char digit : fmt::to_string(std::abs(exponent))) text += kDigits[digit - '0'];
  return text;
}

std::string power_text(double value) {
  const int exponent = static_cast<int>(std::floor(std::log10(std::abs(value)) + 1e-9));
  const double mantissa = value / std::pow(10, exponent);
  const std::string power = "10" + superscript(exponent);
  return std::abs(mantissa - 1) < 1e-6 ? power : fmt::format("{:.3g}×{}", mantissa, power);
}

// 1, 2 or 5 times a power of ten, so that `range` holds about `wanted` of them.
double nice_step(double range, int wanted) {
  const double rough = range / wanted;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double times = rough / power;
  return power * (times < 1.5 ? 1 : times < 3.5 ? 2 : times < 7.5 ? 5 : 10);
}

std::vector<Tick> linear_ticks(double low, double high, int wanted) {
  const double step = nice_step(high - low, wanted);
  std::vector<Tick> ticks;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i)
    ticks.push_back({i * step, number_text(i * step, step)});
  return ticks;
}

std::vector<Tick> log_ticks(double low, double high, int wanted) {
  const double decades = std::log10(high) - std::log10(low);
  if (decades < 0.5) return linear_ticks(low, high, wanted);
  const int first = static_cast<int>(std::floor(std::log10(low) - 1e-9));
  const int last = static_cast<int>(std::ceil(std::log10(high) + 1e-9));
  const int every = std::max(1, static_cast<int>(std::ceil(decades / wanted)));
  std::vector<Tick> ticks;
  for (int e = first; e <= last; ++e)
    for (int times = 1; times < 10; ++times) {
      const double value = times * std::pow(10, e);
      if (value < low * (1 - 1e-9) || value > high * (1 + 1e-9)) continue;
      const bool between = decades < 2.5 && (times == 2 || times == 5);
      if (times == 1 ? e % every == 0 : between)
        ticks.push_back({value, number_text(value, value)});
      else if (times == 1 || decades < 6)
        ticks.push_back({value, ""});
    }
  return ticks;
}

int ticks_wanted(double length, double per_tick) {
  return std::clamp(static_cast<int>(length / per_tick), 2, 10);
}

std::vector<Tick> y_ticks(const Scale& scale, double height) {
  return ticks_between(scale.low(), scale.high(), scale.log(), ticks_wanted(height, 45));
}

}  // namespace

std::string number_text(double value, double step) {
  if (std::abs(value) < 1e-9 * step) return "0";
  const double size = std::max(std::abs(value), step);
  if (size >= 1e6 || size < 1e-4) return power_text(value);
  if (step >= 1 && std::abs(value - std::round(value)) < 1e-6 * step)
    return format_count(std::llround(value));
  const int digits = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  return fmt::format("{:.{}f}", value, digits);
}

std::vector<Tick> ticks_between(double low, double high, bool log, int wanted) {
  return log ? log_ticks(low, high, wanted) : linear_ticks(low, high, wanted);
}

Scale::Scale(const Axis& axis, const std::vector<double>& values) : log_(axis.log) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double value : values)
    if (can_show(value)) low = std::min(low, value), high = std::max(high, value);
  if (low > high) low = log_ ? 0.1 : 0, high = 1;  // nothing to see
  if (log_) {
    const double decades = std::log10(high) - std::log10(low);
    const double widen = low == high ? 2 : std::pow(10, 0.03 * decades);
    low /= widen, high *= widen;
  } else if (low == high) {
    const double widen = low == 0 ? 1 : 0.1 * std::abs(low);
    low -= widen, high += widen;
  } else {
    const double step = nice_step(high - low, 8);
    low = step * std::floor(low / step + 1e-9), high = step * std::ceil(high / step - 1e-9);
  }
  low_ = axis.minimum.value_or(low), high_ = axis.maximum.value_or(high);
  if (!(low_ < high_)) high_ = log_ ? 10 * low_ : low_ + 1;
}

bool Scale::can_show(double value) const { return std::isfinite(value) && (!log_ || value > 0); }

double Scale::position(double value) const { return log_ ? std::log10(value) : value; }

double Scale::operator()(double value) const {
  const double share = (position(value) - position(low_)) / (position(high_) - position(low_));
  return from_ + share * (to_ - from_);
}

double y_axis_room(Pen& pen, const Axis& axis, const Scale& scale, double height) {
  double room = 0;
  for (const Tick& tick : y_ticks(scale, height))
    room = std::max(room, pen.text_width(tick.label, {.size = kTextSize}));
  return room + kTick + 2 * kGap + (axis.label.empty() ? 0 : kLabelRoom);
}

void draw_x_axis(Pen& pen, const Area& area, const Axis& axis, Scale& scale) {
  scale.place(area.left, area.left + area.width);
  const double bottom = area.top + area.height;
  for (const Tick& tick :
       ticks_between(scale.low(), scale.high(), scale.log(), ticks_wanted(area.width, 80))) {
    const double x = scale(tick.value);
    pen.line({x, area.top}, {x, bottom},
             {.colour = kGrid, .width = tick.label.empty() ? 0.4 : 0.8});
    pen.text(x, bottom + kTick + kTextSize, tick.label,
             {.size = kTextSize, .colour = kFaint, .align = Align::kCentre});
  }
  pen.line({area.left, bottom}, {area.left + area.width, bottom}, {.colour = kFaint});
  pen.text(area.left + area.width / 2, bottom + kXAxisRoom - kGap, axis.label,
           {.align = Align::kCentre});
}

void draw_y_axis(Pen& pen, const Area& area, const Axis& axis, Scale& scale, bool right) {
  scale.place(area.top + area.height, area.top);
  const double edge = right ? area.left + area.width : area.left;
  for (const Tick& tick : y_ticks(scale, area.height)) {
    const double y = scale(tick.value);
    if (!right)
      pen.line({area.left, y}, {area.left + area.width, y},
               {.colour = kGrid, .width = tick.label.empty() ? 0.4 : 0.8});
    pen.text(right ? edge + kGap : edge - kGap, y + kTextSize * 0.35, tick.label,
             {.size = kTextSize, .colour = kFaint, .align = right ? Align::kLeft : Align::kRight});
  }
  pen.line({edge, area.top}, {edge, area.top + area.height}, {.colour = kFaint});
  const double room = y_axis_room(pen, axis, scale, area.height);
  pen.text(right ? edge + room - kGap : edge - room + kGap + kTextSize, area.top + area.height / 2,
           axis.label, {.align = Align::kCentre, .upwards = true});
}

double draw_title(Pen& pen, double width, const std::string& title) {
  if (title.empty()) return 10;
  const TextStyle style{.size = 14, .align = Align::kCentre, .bold = true};
  pen.text(width / 2, 24, pen.fitted(title, width - 20, style), style);
  return 38;
}

}  // namespace hadal::figures
