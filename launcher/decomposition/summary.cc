#include "launcher/decomposition/summary.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/hash.h"
#include "core/base/strings.h"
#include "launcher/matrix_arguments.h"

namespace hadal::launcher {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kBarWidth = 28;

// Six digits, thousands apart while the number is an ordinary one.
std::string number(double value) {
  if (std::abs(value) >= 1e5 && std::abs(value) < 1e9) return format_count(std::llround(value));
  if (std::abs(value) >= 1000 && std::abs(value) < 1e5) {
    const long long tenths = std::llround(10 * value);
    return fmt::format("{}.{}", format_count(tenths / 10), std::abs(tenths % 10));
  }
  return fmt::format("{:.5g}", value);
}

std::string plural(int count, const std::string& what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// Short ones too: "0.027s", at least "0.001s".
std::string seconds_text(double seconds) {
  return seconds < 1 ? fmt::format("{:.2g}s", std::max(seconds, 0.001)) : format_duration(seconds);
}

std::string bar(double share) {
  static constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = static_cast<int>(std::lround(8 * kBarWidth * share));
  std::string text;
  for (int i = 0; i < eighths / 8; ++i) text += "█";
  return text + kEighths[eighths % 8];
}

Json target_json(const dist::RankTarget& target) {
  if (target.components) return {{"components", *target.components}};
  if (target.explained) return {{"explained", *target.explained}};
  return {{"tolerance", target.tolerance.value_or(0)}};
}

std::string name_of(dist::Precision precision) {
  return precision == dist::Precision::kFloat32   ? "float32"
         : precision == dist::Precision::kFloat64 ? "float64"
                                                  : "mixed";
}

std::string name_of(dist::SvdPath path) {
  return path == dist::SvdPath::kGram     ? "gram"
         : path == dist::SvdPath::kKrylov ? "krylov"
                                          : "one_pass";
}

std::uint64_t hash_of(const std::vector<double>& values, std::uint64_t seed) {
  return hash64(values.data(), values.size() * sizeof(double), seed);
}

Json options_json(const Decomposition& d) {
  const dist::SvdOptions& o = d.options;
  Json json = target_json(o.target);
  json.update({{"centre", o.centre},
               {"scale", o.scale},
               {"passes", o.passes},
               {"oversample", o.oversample},
               {"exact", o.exact},
               {"precision", name_of(o.precision)},
               {"seed", o.seed},
               {"threads", o.threads},
               {"memory_bytes", o.memory_bytes},
               {"probes", o.probes},
               {"failure_probability", o.failure_probability},
               {"orthonormal_u", o.orthonormal_u}});
  return json;
}

Json input_json(const matrix::RowSource& a) {
  Json json = {{"name", a.name()},
               {"rows", a.rows()},
               {"cols", a.cols()},
               {"element", launcher::name_of(a.element())}};
  if (const auto& p = a.picture())
    json["picture"] = {{"height", p->height}, {"width", p->width}, {"channels", p->channels}};
  if (!a.labels().empty()) json["labels"] = a.label_names();
  return json;
}

Json certificate_json(const dist::SvdCertificate& c) {
  if (!c.valid) return nullptr;
  return {{"error_bound", c.error_bound},
          {"failure_probability", c.failure_probability},
          {"best_possible_at_least", c.best_possible_least},
          {"at_most_times_the_best", c.optimum_ratio}};
}

Json counters_json(const Decomposition& d) {
  const dist::SvdCounters& c = d.result.counters;
  return {{"ranks", d.ranks},
          {"passes", c.passes},
          {"bytes_read_by_all_ranks", d.bytes_read},
          {"all_reduce_bytes", c.all_reduce_bytes},
          {"all_reduce_bytes_per_pass", c.all_reduce_bytes_per_pass},
          {"flops", c.flops},
          {"seconds", d.seconds},
          {"read_seconds", c.read_seconds},
          {"kernel_seconds", c.kernel_seconds},
          {"small_seconds", c.small_seconds},
          {"certificate_seconds", c.certificate_seconds},
          {"peak_memory_bytes", c.peak_memory_bytes}};
}

}  // namespace

double Decomposition::share(int i) const {
  const double sigma = result.singular_values[static_cast<std::size_t>(i)];
  return result.frobenius_squared > 0 ? sigma * sigma / result.frobenius_squared : 0;
}

double Decomposition::kept() const {
  double sum = 0;
  for (int i = 0; i < result.k; ++i) sum += share(i);
  return std::min(sum, 1.0);
}

double Decomposition::variance(int i) const {
  const double sigma = result.singular_values[static_cast<std::size_t>(i)];
  const auto freedom = static_cast<double>(std::max<std::int64_t>(result.rows - 1, 1));
  return sigma * sigma / (options.centre ? freedom : 1);
}

double Decomposition::noise_variance() const {
  const std::int64_t left = std::min(result.rows, result.cols) - result.k;
  const auto freedom = static_cast<double>(std::max<std::int64_t>(result.rows - 1, 1));
  return left > 0 ? (1 - kept()) * result.frobenius_squared / (options.centre ? freedom : 1) /
                        static_cast<double>(left)
                  : 0;
}

std::string Decomposition::hash() const {
  std::uint64_t hash = hash_of(result.components.values, 0);
  for (const auto* values : {&result.singular_values, &result.mean, &result.scale})
    hash = hash_of(*values, hash);
  return hex64(hash);
}

std::string plan_line(const dist::SvdPlan& plan, const matrix::RowSource& a, int ranks,
                      int threads) {
  return fmt::format("{}  {}; {} x {}  predicted {}", describe_matrix(a), plan.reason,
                     plural(ranks, "rank"), plural(threads, "thread"),
                     seconds_text(plan.predicted_seconds));
}

Sheet components_sheet(const Decomposition& d, int lines, bool bars) {
  const bool pca = d.options.centre;
  Sheet sheet{Sheet::Kind::kResults,
              "",
              {{"#", true},
               {"singular value", true},
               {pca ? "variance" : "squared", true},
               {"%", true},
               {"cumulative %", true}},
              {},
              {}};
  if (bars) sheet.columns.push_back({""});
  const double largest = d.result.k > 0 ? d.share(0) : 0;
  double cumulative = 0;
  for (int i = 0; i < std::min(lines, d.result.k); ++i) {
    cumulative += 100 * d.share(i);
    const double sigma = d.result.singular_values[static_cast<std::size_t>(i)];
    std::vector<SheetCell>& line = sheet.lines.emplace_back(
        std::vector<SheetCell>{{.text = fmt::to_string(i + 1)},
                               {.text = number(sigma), .number = sigma},
                               {.text = number(d.variance(i)), .number = d.variance(i)},
                               {.text = fmt::format("{:.2f}", 100 * d.share(i))},
                               {.text = fmt::format("{:.2f}", cumulative)}});
    if (bars) line.push_back({.text = largest > 0 ? bar(d.share(i) / largest) : ""});
  }
  if (lines < d.result.k)
    sheet.notes.push_back(fmt::format("and {} more, down to {}", d.result.k - lines,
                                      number(d.result.singular_values.back())));
  return sheet;
}

std::string certificate_sentence(const Decomposition& d) {
  const dist::SvdCertificate& c = d.result.certificate;
  const std::string difference = fmt::format("|A - A{}|", d.result.k);
  const std::string frobenius = fmt::format("{}_F is {}", difference, number(c.frobenius_error));
  if (!c.valid)
    return fmt::format("{}; no bound of {}_2 was asked for (--probes 0)", frobenius, difference);
  std::string sentence = fmt::format("{}_2 is at most {} (with probability 1 - {:g})", difference,
                                     number(c.error_bound), c.failure_probability);
  if (c.best_possible_least > 0)
    sentence += fmt::format(
        "; no matrix of rank {} is nearer than {}, so this is at most {:.4g} times the best "
        "possible",
        d.result.k, number(c.best_possible_least), c.optimum_ratio);
  return sentence + "; " + frobenius;
}

Sheet timings_sheet(const Decomposition& d) {
  const dist::SvdCounters& c = d.result.counters;
  Sheet sheet{Sheet::Kind::kResults, "Plan and what happened", {{"what"}, {"value", true}}, {}, {}};
  const auto add = [&](const std::string& what, const std::string& value) {
    sheet.lines.push_back({{.text = what}, {.text = value}});
  };
  add("way", d.result.plan.reason);
  add("ranks x threads", fmt::format("{} x {}", d.ranks, d.options.threads));
  add("passes planned", fmt::to_string(d.result.plan.passes));
  add("passes", fmt::to_string(c.passes));
  add("predicted", seconds_text(d.result.plan.predicted_seconds));
  add("took", seconds_text(d.seconds));
  add("read by all ranks", format_bytes(static_cast<double>(d.bytes_read)));
  add("rate of reading",
      format_bytes(static_cast<double>(d.bytes_read) / std::max(d.seconds, 1e-9)) + "/s");
  add("waiting for rows (rank 0)", seconds_text(c.read_seconds));
  add("products (rank 0)", seconds_text(c.kernel_seconds));
  add("small algebra (rank 0)", seconds_text(c.small_seconds));
  add("certificate (rank 0)", seconds_text(c.certificate_seconds));
  add("sent to all-reduce, rank 0", format_bytes(static_cast<double>(c.all_reduce_bytes)));
  add("memory beside the matrix, rank 0", format_bytes(static_cast<double>(c.peak_memory_bytes)));
  return sheet;
}

Json summary_json(const Decomposition& d) {
  const dist::SvdPlan& plan = d.result.plan;
  return {{"command", "hadal " + d.command},
          {"command_line", d.command_line},
          {"input", input_json(d.a)},
          {"options", options_json(d)},
          {"plan",
           {{"path", name_of(plan.path)},
            {"short_side", plan.short_side_rows ? "rows" : "columns"},
            {"passes", plan.passes},
            {"block", plan.block},
            {"memory_bytes", plan.memory_bytes},
            {"predicted_seconds", plan.predicted_seconds},
            {"reason", plan.reason}}},
          {"components", d.result.k},
          {"rank", d.result.rank},
          {"kept", d.kept()},
          {"frobenius_norm", std::sqrt(d.result.frobenius_squared)},
          {"frobenius_error", d.result.certificate.frobenius_error},
          {"noise_variance", d.noise_variance()},
          {"certificate", certificate_json(d.result.certificate)},
          {"counters", counters_json(d)},
          {"hash", d.hash()}};
}

std::string variance_csv(const Decomposition& d) {
  std::string text =
      "component,singular_value,explained_variance,explained_variance_ratio,cumulative_ratio\n";
  double cumulative = 0;
  for (int i = 0; i < d.result.k; ++i) {
    cumulative += d.share(i);
    text += fmt::format("{},{},{},{},{}\n", i + 1,
                        d.result.singular_values[static_cast<std::size_t>(i)], d.variance(i),
                        d.share(i), cumulative);
  }
  return text;
}

}  // namespace hadal::launcher
