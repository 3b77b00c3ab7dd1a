// hadal diff: what two runs have and have not in common: specs, environments, the first step at
// which their bits part, and their curves side by side.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <limits>
#include <memory>
#include <set>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "experiments/spec/load.h"
#include "experiments/spec/resolve.h"
#include "launcher/command.h"
#include "launcher/run_store.h"
#include "launcher/step_trace.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

constexpr int kSame = 0, kDifferent = 1;
constexpr std::size_t kTensorsShown = 8;
constexpr std::size_t kEpochsShown = 20, kShardsShown = 8;
constexpr std::size_t kFewestForACurve = 3, kColumns = 60;

struct Options {
  std::string a, b;
};

RunRecord read_or_throw(const fs::path& folder) {
  std::optional<RunRecord> record = read_run(folder);
  if (!record)
    throw IoError(ExitCode::kMissingInput,
                  fmt::format("{} is no folder of a run: it has no spec.textproto; `hadal table` "
                              "lists the runs of a sweep",
                              folder.string()));
  return *std::move(record);
}

/// "key: a | b" for what differs.
std::vector<std::string> environment_lines(const RunRecord& a, const RunRecord& b) {
  std::set<std::string> keys;
  for (const auto* environment : {&a.environment, &b.environment})
    for (const auto& [key, value] : *environment) keys.insert(key);
  const auto text = [](const RunRecord& run, const std::string& key) {
    const auto at = run.environment.find(key);
    return at == run.environment.end() ? std::string("-") : at->second;
  };
  std::vector<std::string> lines;
  for (const std::string& key : keys)
    if (text(a, key) != text(b, key))
      lines.push_back(fmt::format("{}: {} | {}", key, text(a, key), text(b, key)));
  return lines;
}

void print(const std::string& heading, const std::vector<std::string>& lines) {
  std::cout << heading << (lines.empty() ? ": the same\n" : "\n");
  for (const std::string& line : lines) std::cout << "  " << line << "\n";
}

std::vector<std::string> spec_lines(const RunRecord& a, const RunRecord& b) {
  const auto spec = [](const RunRecord& run) {
    return spec::experiment_from_text(run.spec_text, run.folder / "spec.textproto");
  };
  std::vector<std::string> lines;
  for (const spec::Difference& each : spec::diff(spec(a), spec(b)))
    lines.push_back(fmt::format("{}: {} | {}", each.path, each.a.empty() ? "-" : each.a,
                                each.b.empty() ? "-" : each.b));
  return lines;
}

std::string tensors_text(const Parting& parting) {
  std::vector<std::string> shown = parting.tensors;
  const std::size_t all = shown.size();
  if (all > kTensorsShown) shown.resize(kTensorsShown);
  return fmt::format("told one by one after step {}: {} tensor{} differ{}: {}{}",
                     *parting.tensors_at, all, all == 1 ? "" : "s", all == 1 ? "s" : "",
                     join(shown, ", "), all > kTensorsShown ? ", …" : "");
}

int ranks_of(const RunRecord& run) {
  const auto at = run.environment.find("ranks");
  try {
    return at == run.environment.end() ? 0 : static_cast<int>(parse_int(at->second, "ranks"));
  } catch (const ConfigError&) {
    return 0;  // somebody's own text
  }
}

/// "rank 1" of the run, or "" where it is not known.
std::string rank_text(int shard, int logical_shards, const RunRecord& run) {
  const int ranks = ranks_of(run);
  if (ranks <= 0 || logical_shards % ranks != 0) return "rank unknown";
  return fmt::format("rank {} of {}", shard / (logical_shards / ranks), ranks);
}

/// Whose work of the step came out otherwise.
std::string shards_text(const Parting& parting, const RunRecord& a, const RunRecord& b) {
  const std::vector<int>& shards = *parting.shards;
  if (shards.empty())
    return "every shard's loss is the same there: they part after the forward pass, in backward, "
           "exchange or optimizer";
  const int all = parting.logical_shards;
  if (static_cast<int>(shards.size()) == all && all > 1)
    return fmt::format("the loss of each of the {} shards differs: on all ranks", all);
  std::vector<std::string> shown;
  for (const int shard : shards) {
    if (shown.size() == kShardsShown) {
      shown.emplace_back("…");
      break;
    }
    shown.push_back(fmt::format("shard {} ({} | {})", shard, rank_text(shard, all, a),
                                rank_text(shard, all, b)));
  }
  return fmt::format("the loss differs in {} of {} shards: {}", shards.size(), all,
                     join(shown, ", "));
}

/// True when every step that both have came out the same.
bool print_steps(const RunRecord& a, const RunRecord& b) {
  const Trace trace_a = read_trace(a.folder), trace_b = read_trace(b.folder);
  const Parting parting = compare(trace_a, trace_b);
  for (const auto& [record, trace] : {std::pair(&a, &trace_a), std::pair(&b, &trace_b)})
    if (trace->repeated_otherwise)
      std::cout << fmt::format("  {}: step {} was repeated after a resume and came out otherwise\n",
                               record->folder.string(), *trace->repeated_otherwise);
  if (parting.steps_compared == 0) {
    std::cout << "steps: none that both have\n";
    return false;
  }
  if (!parting.step) {
    std::cout << fmt::format("steps: the same bits after each of {} steps that both have\n",
                             format_count(parting.steps_compared));
    return true;
  }
  std::cout << fmt::format("steps: part at step {} (loss {:.9g} | {:.9g}); {}\n", *parting.step,
                           parting.loss_a, parting.loss_b,
                           parting.same_until > 0
                               ? fmt::format("the same bits until step {}", parting.same_until)
                               : "no step came out the same");
  if (parting.shards) std::cout << "  " << shards_text(parting, a, b) << "\n";
  if (parting.tensors_at) std::cout << "  " << tensors_text(parting) << "\n";
  return false;
}

std::string percent(const std::optional<double>& value) {
  return value ? fmt::format("{:.2f}%", *value) : "-";
}

using EpochPair = std::pair<const EpochMetrics*, const EpochMetrics*>;

/// Epochs that both have, ascending.
std::vector<EpochPair> common_epochs(const RunRecord& a, const RunRecord& b) {
  std::vector<EpochPair> both;
  for (auto x = a.epochs.begin(), y = b.epochs.begin();
       x != a.epochs.end() && y != b.epochs.end();) {
    if (x->epoch == y->epoch)
      both.emplace_back(&*x++, &*y++);
    else
      ++(x->epoch < y->epoch ? x : y);
  }
  return both;
}

/// Evenly chosen ones of many, with the first and the last.
std::vector<EpochPair> chosen(const std::vector<EpochPair>& all, std::size_t most) {
  std::vector<EpochPair> some;
  const std::size_t shown = std::min(all.size(), most);
  for (std::size_t i = 0; i < shown; ++i)
    some.push_back(all[shown == 1 ? 0 : i * (all.size() - 1) / (shown - 1)]);
  return some;
}

/// A curve as one line of eight heights.
std::string curve_text(const std::vector<double>& values, double low, double high) {
  constexpr const char* kHeights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string text;
  for (const double value : values) {
    const double part = high > low ? (value - low) / (high - low) : 0;
    text += std::isfinite(part) ? kHeights[std::clamp(static_cast<int>(part * 8), 0, 7)] : "·";
  }
  return text;
}

/// Both curves of a metric, at one scale.
void print_pair_of_curves(const char* name, const std::vector<EpochPair>& epochs,
                          double (*value_of)(const EpochMetrics&)) {
  std::vector<double> a, b, finite;
  for (const auto& [x, y] : epochs) {
    a.push_back(value_of(*x));
    b.push_back(value_of(*y));
  }
  for (const auto* values : {&a, &b})
    for (const double value : *values)
      if (std::isfinite(value)) finite.push_back(value);
  if (finite.empty()) return;
  const auto [low, high] = std::minmax_element(finite.begin(), finite.end());
  for (const auto& [which, values] : {std::pair("A", &a), std::pair("B", &b)})
    std::cout << fmt::format("  {:<10} {}  {}  {:.4g} to {:.4g}\n", name, which,
                             curve_text(*values, *low, *high), values->front(), values->back());
}

void print_curves(const RunRecord& a, const RunRecord& b) {
  const std::vector<EpochPair> both = common_epochs(a, b);
  if (both.empty()) return;
  std::cout << fmt::format("{:>6}  {:>21}  {:>19}  {:>19}\n", "epoch", "loss", "error",
                           "validation");
  for (const auto& [x, y] : chosen(both, kEpochsShown))
    std::cout << fmt::format("{:>6}  {:>9.6f} | {:>9.6f}  {:>8} | {:>8}  {:>8} | {:>8}\n", x->epoch,
                             x->train_loss, y->train_loss, percent(x->train_error),
                             percent(y->train_error), percent(x->validation_error),
                             percent(y->validation_error));
  if (both.size() < kFewestForACurve) return;
  const std::vector<EpochPair> drawn = chosen(both, kColumns);
  print_pair_of_curves("loss", drawn, [](const EpochMetrics& m) { return m.train_loss; });
  print_pair_of_curves("error", drawn, [](const EpochMetrics& m) { return m.train_error; });
  print_pair_of_curves("validation", drawn, [](const EpochMetrics& m) {
    return m.validation_error.value_or(std::numeric_limits<double>::quiet_NaN());
  });
}

std::string outcome(const RunRecord& run) {
  if (!run.result) return "unfinished";
  std::string text = name_of(run.result->status);
  if (run.result->last && run.result->last->test_error)
    text += fmt::format(", test error {:.2f}%", *run.result->last->test_error);
  if (!run.result->weights_hash.empty()) text += ", weights " + run.result->weights_hash;
  return run.result->reason.empty() ? text : text + " (" + run.result->reason + ")";
}

int diff(const Options& options) {
  const RunRecord a = read_or_throw(options.a), b = read_or_throw(options.b);
  const std::vector<std::string> specs = spec_lines(a, b);
  print("spec", specs);
  print("environment", environment_lines(a, b));
  const bool same_steps = print_steps(a, b);
  print_curves(a, b);
  std::cout << fmt::format("result\n  {}: {}\n  {}: {}\n", a.folder.string(), outcome(a),
                           b.folder.string(), outcome(b));
  const bool same_weights =
      a.result && b.result && a.result->weights_hash == b.result->weights_hash;
  return specs.empty() && same_steps && same_weights ? kSame : kDifferent;
}

Action declare(Arguments& app) {
  auto options = std::make_shared<Options>();
  app.add_option("A", options->a, "folder of a run").required();
  app.add_option("B", options->b, "folder of another").required();
  return [options] { return diff(*options); };
}

}  // namespace

Command diff_command() {
  return {"diff",
          "where two runs part: specs, environments, steps, curves; exit code 0 for the same spec, "
          "steps and weights, else 1",
          "hadal diff runs/table1/resnet110-s1-9140fd5c02124744 "
          "/mnt/other/resnet110-s1-9140fd5c02124744",
          declare};
}

}  // namespace hadal::launcher
