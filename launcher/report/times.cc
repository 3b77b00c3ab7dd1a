#include "launcher/report/times.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "core/base/strings.h"
#include "launcher/report/html.h"
#include "launcher/sheet.h"
#include "launcher/statistic.h"

namespace hadal::launcher::report {
namespace {

struct Speed {
  std::optional<Statistic> seconds, images_per_second, macs;
};

Speed speed_of(const Table& table, const Cell& cell) {
  std::vector<double> seconds, images, macs;
  for (const std::size_t i : cell.runs) {
    if (!table.runs[i].record) continue;
    for (const EpochMetrics& epoch : table.runs[i].record->epochs) {
      if (epoch.seconds > 0) seconds.push_back(epoch.seconds);
      if (epoch.images_per_second > 0) images.push_back(epoch.images_per_second);
      if (epoch.macs > 0) macs.push_back(static_cast<double>(epoch.macs));
    }
  }
  return {summarize(seconds), summarize(images), summarize(macs)};
}

std::string bar(const std::string& heading, const std::optional<Statistic>& s, double largest,
                const std::string& text) {
  if (!s) return "<td></td>";
  return fmt::format(
      "<td class=\"bar\" data-label=\"{}\" data-sort=\"{}\"><i style=\"width:{:.1f}%\"></i>{}</td>",
      heading, s->median, 100 * s->median / largest, escaped(text));
}

// "1.23 T"
std::string large_number(double value) {
  for (const auto& [unit, size] : {std::pair("P", 1e15), {"T", 1e12}, {"G", 1e9}, {"M", 1e6}})
    if (value >= size) return fmt::format("{:.3g} {}", value / size, unit);
  return fmt::format("{:.3g}", value);
}

/// Of one row on one host: by phase the least, the median over reports of the median, and the most
/// seconds a step.
using PhaseTimes = std::map<std::string, TimeSpread>;

std::map<std::string, PhaseTimes> phase_times(const Table& table, const Cell& cell) {
  std::map<std::string, std::map<std::string, std::vector<TimeSpread>>> found;
  for (const std::size_t i : cell.runs)
    if (table.runs[i].record)
      for (const StepTimesRecord& report : table.runs[i].record->times)
        for (const auto& [host, phases] : report.hosts)
          for (const auto& [phase, spread] : phases) found[host][phase].push_back(spread);
  std::map<std::string, PhaseTimes> times;
  for (const auto& [host, phases] : found)
    for (const auto& [phase, spreads] : phases) {
      TimeSpread& all = times[host][phase] = spreads.front();
      std::vector<double> medians;
      for (const TimeSpread& spread : spreads) {
        all.min = std::min(all.min, spread.min);
        all.max = std::max(all.max, spread.max);
        medians.push_back(spread.median);
      }
      all.median = summarize(std::move(medians))->median;
    }
  return times;
}

// In the order of a step; what is not among them comes after.
std::vector<std::string> in_order(const std::map<std::string, PhaseTimes>& hosts) {
  std::vector<std::string> order = {"data",     "forward",   "backward",
                                    "exchange", "optimizer", "checkpoint"};
  for (const auto& [host, phases] : hosts)
    for (const auto& [phase, spread] : phases)
      if (std::find(order.begin(), order.end(), phase) == order.end()) order.push_back(phase);
  return order;
}

std::string milliseconds(double seconds) { return fmt::format("{:.3g}", 1000 * seconds); }

std::string phase_line(const std::string& label, const PhaseTimes& times,
                       const std::vector<std::string>& order, double longest) {
  std::string bar, texts;
  double sum = 0;
  for (std::size_t p = 0; p < order.size(); ++p) {
    const auto at = times.find(order[p]);
    if (at == times.end()) continue;
    const TimeSpread& t = at->second;
    sum += t.median;
    bar += fmt::format("<i class=\"p{}\" style=\"width:{:.2f}%\"></i>", p % 7,
                       100 * t.median / longest);
    texts += fmt::format("<li><i class=\"p{}\"></i>{} <b>{}</b> <small>{} to {}</small></li>",
                         p % 7, escaped(one_line(order[p])), milliseconds(t.median),
                         milliseconds(t.min), milliseconds(t.max));
  }
  return fmt::format(
      "<li><p><b>{}</b> {} ms a step</p><div class=\"stack\" aria-hidden=\"true\">{}</div>"
      "<ul>{}</ul></li>\n",
      escaped(label), milliseconds(sum), bar, texts);
}

double sum_of(const PhaseTimes& times) {
  double sum = 0;
  for (const auto& [phase, spread] : times) sum += spread.median;
  return sum;
}

}  // namespace

std::string phases(const Table& table) {
  std::vector<std::map<std::string, PhaseTimes>> all;
  double longest = 0;
  for (const Cell& cell : table.cells) {
    all.push_back(phase_times(table, cell));
    for (const auto& [host, times] : all.back()) longest = std::max(longest, sum_of(times));
  }
  if (longest == 0) return "";
  std::string html = "<ul class=\"phases\">\n";
  for (std::size_t c = 0; c < all.size(); ++c)
    for (const auto& [host, times] : all[c]) {
      const std::string label = cell_label(table, table.cells[c]);
      html += phase_line(all[c].size() == 1 ? label : label + " on " + one_line(host), times,
                         in_order(all[c]), longest);
    }
  return html +
         "</ul>\n<p class=\"note\">Milliseconds a step: the median over ranks and reports, and "
         "from "
         "the fastest to the slowest rank. \u201cexchange\u201d is waiting for the sums of other "
         "ranks.</p>\n";
}

std::string speeds(const Table& table) {
  double seconds = 0, macs = 0;
  std::vector<Speed> all;
  for (const Cell& cell : table.cells) {
    const Speed& speed = all.emplace_back(speed_of(table, cell));
    if (speed.seconds) seconds = std::max(seconds, speed.seconds->median);
    if (speed.macs) macs = std::max(macs, speed.macs->median);
  }
  if (seconds == 0) return "";
  std::string html =
      "<div class=\"scroll\"><table class=\"speeds\"><thead><tr><th scope=\"col\">row</th>"
      "<th scope=\"col\">time per epoch</th><th scope=\"col\" class=\"right\">images/s</th>";
  if (macs > 0) html += "<th scope=\"col\">multiply-adds per epoch, rank 0</th>";
  html += "</tr></thead><tbody>\n";
  for (std::size_t c = 0; c < all.size(); ++c) {
    if (!all[c].seconds) continue;
    const auto& images = all[c].images_per_second;
    html +=
        fmt::format("<tr><th scope=\"row\">{}</th>", escaped(cell_label(table, table.cells[c])));
    html += bar("time per epoch", all[c].seconds, seconds, format_duration(all[c].seconds->median));
    html += fmt::format("<td class=\"right\" data-label=\"images/s\">{}</td>",
                        images ? fmt::format("{:.0f}", images->median) : "");
    if (macs > 0)
      html += bar("multiply-adds per epoch", all[c].macs, macs,
                  all[c].macs ? large_number(all[c].macs->median) : "");
    html += "</tr>\n";
  }
  return html +
         "</tbody></table></div>\n<p class=\"note\">Medians over all epochs of all runs. Closed "
         "gates (stochastic depth, drop-path) show as fewer multiply-adds.</p>\n";
}

}  // namespace hadal::launcher::report
