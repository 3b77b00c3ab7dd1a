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

template <typename T>
double median(std::vector<T> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return static_cast<double>(values[values.size() / 2]);
}

/// Processor time of every kernel of a step, in the order of the plan; 0 where it did not run.
class KernelTimes final : public StepObserver {
 public:
  explicit KernelTimes(std::size_t steps) : seconds(steps), passes_on(steps), ran(steps) {}

  void clear() {
    std::ranges::fill(seconds, 0.0);
    std::ranges::fill(passes_on, 0);
    std::ranges::fill(ran, 0);
  }
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

void measure(const std::string& title, const Model& gated, std::int64_t batch, int draws,
             double wanted) {
  const Model open = all_open(gated);
  const auto self = dist::make_self_communicator();
  dist::DataParallelGroup group_gated(*self), group_open(*self);
  Trainee with_gates(gated, group_gated, batch), without(open, group_open, batch);
  const std::size_t steps = without.plan().steps().size();
  KernelTimes kernels_gated(steps), kernels_open(steps);
  with_gates.observe(&kernels_gated);
  without.observe(&kernels_open);
  timed_step(without, 0);
  timed_step(with_gates, 0);

  std::vector<Timed> in_gated, in_open;
  std::vector<KernelTimes> saw_gated;
  std::vector<std::vector<double>> times(steps);
  const auto run_open = [&](int draw) {
    in_open.push_back(timed_step(without, draw));
    for (std::size_t i = 0; i < steps; ++i) times[i].push_back(kernels_open.seconds[i]);
  };
  const auto run_gated = [&](int draw) {
    kernels_gated.clear();
    in_gated.push_back(timed_step(with_gates, draw));
    saw_gated.push_back(kernels_gated);
  };
  for (int draw = 0; draw < draws; ++draw) {  // A B, B A, ...: drift falls on both alike
    if (draw % 2 == 0)
      run_open(draw), run_gated(draw);
    else
      run_gated(draw), run_open(draw);
  }

  std::vector<double> cost(steps), open_cpu, open_wall;
  for (std::size_t i = 0; i < steps; ++i) cost[i] = median(times[i]);
  for (const Timed& timed : in_open) {
    open_cpu.push_back(timed.time.cpu);
    open_wall.push_back(timed.time.wall);
  }
  const double step_cpu = median(open_cpu), step_wall = median(open_wall);
  const auto bytes_gated = bytes_sent(gated, draws), bytes_open = bytes_sent(open, 1);

  struct Sum {
    double ratio_cpu = 0, ratio_wall = 0, ideal = 0, ideal_macs = 0, bytes = 0, passing = 0,
           kernels = 0;
  } sum;
  std::vector<double> shares_cpu, shares_wall;
  for (int draw = 0; draw < draws; ++draw) {
    const KernelTimes& saw = saw_gated[draw];
    double dropped = 0, passing = 0;
    for (std::size_t i = 0; i < steps; ++i) {
      if (!saw.ran[i] || saw.passes_on[i]) dropped += cost[i];
      if (saw.passes_on[i]) passing += saw.seconds[i];
    }
    const double ideal = dropped / step_cpu;
    const double ratio_cpu = in_gated[draw].time.cpu / step_cpu;
    const double ratio_wall = in_gated[draw].time.wall / step_wall;
    sum.ratio_cpu += ratio_cpu / draws;
    sum.ratio_wall += ratio_wall / draws;
    sum.ideal += ideal / draws;
    sum.ideal_macs += (1 - static_cast<double>(in_gated[draw].result.macs) /
                               static_cast<double>(in_open[draw].result.macs)) /
                      draws;
    sum.bytes +=
        static_cast<double>(bytes_gated[draw]) / static_cast<double>(bytes_open[0]) / draws;
    sum.passing += passing / step_cpu / draws;
    sum.kernels += std::accumulate(saw.seconds.begin(), saw.seconds.end(), 0.0) / step_cpu / draws;
    if (ideal == 0) continue;
    shares_cpu.push_back((1 - ratio_cpu) / ideal);
    shares_wall.push_back((1 - ratio_wall) / ideal);
  }
  const double saved = (1 - sum.ratio_cpu) / sum.ideal;
  fmt::print("\n{}, batch {}, {} draws\n", title, batch, draws);
  fmt::print(
      "  every gate open           {:8.1f} ms a step (processor), {:.1f} ms wall; {:.1f} % in "
      "kernels\n",
      1e3 * step_cpu, 1e3 * step_wall,
      100 * std::accumulate(cost.begin(), cost.end(), 0.0) / step_cpu);
  fmt::print("  gated step / open step    {:8.4f} processor, {:.4f} wall\n", sum.ratio_cpu,
             sum.ratio_wall);
  fmt::print("  ideal saving              {:8.4f} by time, {:.4f} by multiply-adds\n", sum.ideal,
             sum.ideal_macs);
  fmt::print(
      "  saved / ideal             {:8.3f} all draws; median of draws {:.3f} processor, "
      "{:.3f} wall\n",
      saved, median(shares_cpu), median(shares_wall));
  fmt::print("  wanted                    {:8.3f}  {}\n", wanted,
             saved >= wanted ? "met" : "MISSED");
  fmt::print(
      "  not saved                 {:8.4f} of an open step in joins and additions that only "
      "pass on, {:.4f} outside kernels\n",
      sum.passing, sum.ratio_cpu - sum.kernels);
  fmt::print("  bytes sent / open         {:8.4f} (open: {} a step and rank of 2)\n", sum.bytes,
             format_bytes(static_cast<double>(bytes_open[0])));
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
