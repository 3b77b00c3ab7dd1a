// What closed gates save: training steps of stochastic depth and of global drop-path beside steps
// of the same net with every gate open, interleaved in one process.
//
//   gates_bench [draws [batch]]        e.g. OMP_NUM_THREADS=1 taskset -c 1 gates_bench 40 64
//
// Of one draw, with t(.) the processor time of a whole training step (forward, backward, group of
// one, statistics, optimizer):
//
//   saved = 1 - t(gated) / t(open)
//   ideal = sum over the kernels that serve only what the draw dropped, of their time in steps with
//           every gate open, over t(open)
//
// What is dropped costs nothing at the ideal: the addition and ReLU that end a dropped block count
// as dropped with it, and so does a join of a single column. (By multiply-adds instead of time the
// ideal is printed beside it.) Bytes are those that one of two ranks sends.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/base/strings.h"
#include "dist/data_parallel_group.h"
#include "dist/self_communicator.h"
#include "dist/thread_communicator.h"
#include "models/registry.h"
#include "tests/bench/training.h"

namespace hadal {
namespace {

using bench::Time;
using bench::Trainee;

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

/// Processor time of every kernel of a step, in the order of the plan; 0 where it did not run.
class KernelTimes final : public StepObserver {
 public:
  explicit KernelTimes(std::size_t steps) : seconds(steps), passes_on(steps), ran(steps) {}

  double total() const { return std::accumulate(seconds.begin(), seconds.end(), 0.0); }

  void before(const Plan&, const Plan::Step&, const KernelArgs&) override {
    start_ = bench::seconds(CLOCK_THREAD_CPUTIME_ID);
  }
  void after(const Plan& plan, const Plan::Step& step, const KernelArgs& args) override {
    const std::size_t index = &step - plan.steps().data();
    seconds[index] = bench::seconds(CLOCK_THREAD_CPUTIME_ID) - start_;
    ran[index] = 1;
    // One input is left of several, so nothing is computed.
    const auto present = std::ranges::count_if(args.in, [](const TensorView& x) { return !!x; });
    passes_on[index] = args.in.size() > 1 && present == 1;
  }

  std::vector<double> seconds;
  std::vector<std::uint8_t> passes_on, ran;

 private:
  double start_ = 0;
};

/// The same net with every gate open always.
Model all_open(Model model) {
  model.gates = nullptr;
  return model;
}

struct Timed {
  Time time;
  StepResult result;
};

Timed timed_step(Trainee& trainee, std::int64_t number) {
  const Time start = Time::now();
  StepResult result = trainee.step(number);
  return {Time::now() - start, result};
}

/// Bytes that rank 0 of two sends in each of these steps.
std::vector<std::int64_t> bytes_sent(const Model& model, int steps) {
  std::vector<std::int64_t> bytes(steps);
  dist::run_ranks(2, [&](dist::Communicator& comm) {
    dist::DataParallelGroup group(comm);
    Trainee trainee(model, group, 2);
    for (int step = 0; step < steps; ++step) {
      const StepResult result = trainee.step(step);
      if (comm.rank() == 0) bytes[step] = result.bytes_sent;
    }
  });
  return bytes;
}

/// One step, and the time of each of its kernels.
struct Seen {
  Timed step;
  KernelTimes kernels;
};

Seen watched_step(Trainee& trainee, std::int64_t number) {
  Seen seen{{}, KernelTimes(trainee.plan().steps().size())};
  trainee.observe(&seen.kernels);
  seen.step = timed_step(trainee, number);
  trainee.observe(nullptr);
  return seen;
}

/// gated[d] ran between open[d] and open[d + 1].
struct Interleaved {
  std::vector<Seen> gated, open;
};

Interleaved run_interleaved(const Model& gated, std::int64_t batch, int draws) {
  const Model open = all_open(gated);
  const auto self = dist::make_self_communicator();
  dist::DataParallelGroup group_gated(*self), group_open(*self);
  Trainee with_gates(gated, group_gated, batch), without(open, group_open, batch);
  timed_step(with_gates, 0);
  timed_step(without, 0);
  Interleaved seen;
  for (int draw = 0; draw < draws; ++draw) {
    seen.open.push_back(watched_step(without, draw));
    seen.gated.push_back(watched_step(with_gates, draw));
  }
  seen.open.push_back(watched_step(without, draws));
  return seen;
}

double median_over(const std::vector<Seen>& seen, const std::function<double(const Seen&)>& of) {
  std::vector<double> values;
  for (const Seen& one : seen) values.push_back(of(one));
  return median(values);
}

/// Time of each kernel in a step with every gate open: medians, scaled so that they add up to the
/// median of all kernels of a step.
std::vector<double> kernel_costs(const std::vector<Seen>& open) {
  std::vector<double> cost(open.front().kernels.seconds.size());
  for (std::size_t i = 0; i < cost.size(); ++i)
    cost[i] = median_over(open, [i](const Seen& seen) { return seen.kernels.seconds[i]; });
  const double whole = median_over(open, [](const Seen& seen) { return seen.kernels.total(); });
  const double scale = whole / std::accumulate(cost.begin(), cost.end(), 0.0);
  for (double& c : cost) c *= scale;
  return cost;
}

/// Of one draw, as fractions of a step with every gate open.
struct Saving {
  double cpu = 0, wall = 0;            // the gated step, over the mean of the open steps beside it
  double ideal = 0, ideal_macs = 0;    // what was dropped
  double passing_on = 0, outside = 0;  // kernels that only pass on; everything but kernels
  double share() const { return (1 - cpu) / ideal; }
};

std::vector<Saving> savings(const Interleaved& seen) {
  const std::vector<double> cost = kernel_costs(seen.open);
  const double whole = median_over(seen.open, [](const Seen& one) { return one.step.time.cpu; });
  std::vector<Saving> savings;
  for (std::size_t draw = 0; draw < seen.gated.size(); ++draw) {
    const Seen& gated = seen.gated[draw];
    const Timed &before = seen.open[draw].step, &after = seen.open[draw + 1].step;
    Saving saving;
    saving.cpu = 2 * gated.step.time.cpu / (before.time.cpu + after.time.cpu);
    saving.wall = 2 * gated.step.time.wall / (before.time.wall + after.time.wall);
    for (std::size_t i = 0; i < cost.size(); ++i) {
      if (!gated.kernels.ran[i] || gated.kernels.passes_on[i]) saving.ideal += cost[i] / whole;
      if (gated.kernels.passes_on[i]) saving.passing_on += gated.kernels.seconds[i] / whole;
    }
    saving.ideal_macs =
        1 - static_cast<double>(gated.step.result.macs) / static_cast<double>(before.result.macs);
    saving.outside = (gated.step.time.cpu - gated.kernels.total()) / whole;
    if (saving.ideal > 0) savings.push_back(saving);
  }
  return savings;
}

void measure(const std::string& title, const Model& gated, std::int64_t batch, int draws,
             double wanted) {
  const Interleaved seen = run_interleaved(gated, batch, draws);
  const std::vector<Saving> savings = hadal::savings(seen);
  const auto mean = [&](double Saving::*field) {
    double sum = 0;
    for (const Saving& saving : savings) sum += saving.*field;
    return sum / static_cast<double>(savings.size());
  };
  std::vector<double> shares;
  for (const Saving& saving : savings) shares.push_back(saving.share());
  const double share = median(shares);
  const auto bytes = bytes_sent(gated, draws);
  const double open_bytes = static_cast<double>(bytes_sent(all_open(gated), 1).front());
  const double mean_bytes =
      static_cast<double>(std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0})) / draws;

  fmt::print("\n{}, batch {}, {} draws\n", title, batch, draws);
  fmt::print("  every gate open          {:.1f} ms a step (processor), {:.1f} ms wall, medians\n",
             1e3 * median_over(seen.open, [](const Seen& one) { return one.step.time.cpu; }),
             1e3 * median_over(seen.open, [](const Seen& one) { return one.step.time.wall; }));
  fmt::print("  gated step / open step   {:.4f} processor, {:.4f} wall, means over draws\n",
             mean(&Saving::cpu), mean(&Saving::wall));
  fmt::print("  ideal saving             {:.4f} by time, {:.4f} by multiply-adds, means\n",
             mean(&Saving::ideal), mean(&Saving::ideal_macs));
  fmt::print("  saved / ideal            {:.3f}, median of draws; wanted {:.2f}: {}\n", share,
             wanted, share >= wanted ? "met" : "MISSED");
  fmt::print(
      "  not saved                {:.4f} of an open step in kernels that only pass on; "
      "{:.4f} is outside kernels\n",
      mean(&Saving::passing_on), mean(&Saving::outside));
  fmt::print("  bytes sent / open        {:.4f} of {} a step by one of two ranks\n",
             mean_bytes / open_bytes, format_bytes(open_bytes));
}

}  // namespace
}  // namespace hadal

int main(int argc, char** argv) {
  try {
    const int draws = argc > 1 ? std::stoi(argv[1]) : 40;
    const int batch = argc > 2 ? std::stoi(argv[2]) : 64;
    using hadal::models::build;
    const std::string resnet[] = {"depth=110", "shortcut=A-average", "survival=0.5"};
    hadal::measure("ResNet-110, stochastic depth, p_L = 0.5, linear", build("resnet", resnet),
                   batch, draws, 0.9);
    const std::string fractal[] = {"columns=3", "widths=16,32,64", "dropout=0", "global=1"};
    hadal::measure("FractalNet, 3 columns, widths 16,32,64, global drop-path",
                   build("fractalnet", fractal), batch, draws, 0.8);
  } catch (const std::exception& error) {
    fmt::print(stderr, "gates_bench: {}\n", error.what());
    return 1;
  }
}
