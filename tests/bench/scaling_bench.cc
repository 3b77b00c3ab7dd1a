// Weak scaling of training steps between two MPI ranks, and what of it is the machine's doing.
//
//   mpirun -np 2 --bind-to core scaling_bench MODEL [rounds [batch]] [option=value ...]
//
// Every round runs a few steps of each way in turn, `batch` images per rank and step:
//
//   one         one rank alone, a group of one; the other sleeps
//   apart       every rank alone, at the same time: they share memory and caches, not gradients
//   together    all ranks in one group
//   fenced      the same, with a barrier between backward and finish(): what is exposed then is
//               the price of messages alone, without the wait for a slower rank
//
//   efficiency = (images/s of all together) / (ranks x images/s of one)
//              = time of a step of one / time of a step together
//
// in wall time and in processor time, medians over rounds. Waiting yields the core and then sleeps,
// so on a busy machine processor time leaves out what others took, and the wait for a rank that
// others delay; exposed is the wall time of a step in finish(), after backward is done.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/train/replica_group_around.h"
#include "dist/data_parallel_group.h"
#include "dist/self_communicator.h"
#include "dist/world.h"
#include "models/registry.h"
#include "tests/bench/training.h"

namespace hadal {
namespace {

using bench::Time;
using bench::Trainee;

/// Passes everything on, and times what a step waits for and pays for its group.
class TimedGroup final : public ReplicaGroupAround {
 public:
  using ReplicaGroupAround::ReplicaGroupAround;

  bool fenced = false;
  Time exposed;  // in finish()
  Time hidden;   // in ready(), poll() and shard_done(), beside the work

  void ready(int entry) override {
    timed(hidden, [&] { inner_.ready(entry); });
  }
  void poll() override {
    timed(hidden, [&] { inner_.poll(); });
  }
  void shard_done() override {
    timed(hidden, [&] { inner_.shard_done(); });
  }
  void finish() override {
    if (fenced) inner_.barrier();
    timed(exposed, [&] { inner_.finish(); });
  }
  void sum_over_shards(std::span<const double> rows, std::span<double> totals) override {
    timed(exposed, [&] { inner_.sum_over_shards(rows, totals); });
  }

 private:
  template <typename F>
  static void timed(Time& total, F run) {
    const Time start = Time::now();
    run();
    total += Time::now() - start;
  }
};

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

/// Medians over rounds of one way to run.
struct Way {
  std::vector<double> wall, cpu, exposed, hidden;
  std::int64_t bytes_sent = 0;  // by rank 0, in the last step

  void add(Time step, Time exposed_time, Time hidden_time) {
    wall.push_back(step.wall);
    cpu.push_back(step.cpu);
    exposed.push_back(exposed_time.wall);
    hidden.push_back(hidden_time.cpu);
  }
};

struct Settings {
  std::string model = "resnet";
  std::vector<std::string> options = {"depth=20"};
  int rounds = 15, batch = 64;
};

void run(const Settings& settings, dist::Communicator& comm) {
  constexpr int kStepsInRound = 4;
  const Model model = models::build(settings.model, settings.options);
  const auto self = dist::make_self_communicator();
  dist::DataParallelGroup group_alone(*self), group_of_all(comm);
  TimedGroup alone(group_alone), all(group_of_all);
  Trainee trainee_alone(model, alone, settings.batch), trainee_of_all(model, all, settings.batch);

  std::int64_t number = 0;
  // Mean of a few steps; of the slowest rank, by wall time and by processor time.
  const auto steps = [&](Trainee& trainee, TimedGroup& group, Way& way, bool mine) {
    comm.barrier();
    group.exposed = group.hidden = {};
    const Time start = Time::now();
    if (mine)
      for (int i = 0; i < kStepsInRound; ++i) way.bytes_sent = trainee.step(number + i).bytes_sent;
    const Time step = Time::now() - start;
    double slowest[] = {mine ? step.wall : 0, mine ? step.cpu : 0, group.exposed.wall,
                        group.hidden.cpu};
    comm.all_reduce(slowest, dist::ReduceOp::kMax);
    for (double& value : slowest) value /= kStepsInRound;
    way.add({slowest[0], slowest[1]}, {slowest[2], 0}, {0, slowest[3]});
  };

  Way warm, one, apart, together, fenced;
  steps(trainee_alone, alone, warm, true);
  steps(trainee_of_all, all, warm, true);
  for (int round = 0; round < settings.rounds; ++round, number += kStepsInRound) {
    steps(trainee_alone, alone, one, comm.rank() == round % comm.size());
    steps(trainee_of_all, all, together, true);
    steps(trainee_alone, alone, apart, true);
    all.fenced = true;
    steps(trainee_of_all, all, fenced, true);
    all.fenced = false;
  }
  if (comm.rank() != 0) return;

  fmt::print("\n{} {}, batch {} per rank, {} ranks, {} rounds of {} steps\n", settings.model,
             fmt::join(settings.options, " "), settings.batch, comm.size(), settings.rounds,
             kStepsInRound);
  const double one_wall = median(one.wall), one_cpu = median(one.cpu);
  const auto print = [&](const char* name, const Way& way, int ranks) {
    const double wall = median(way.wall), cpu = median(way.cpu);
    fmt::print(
        "  {:9} {:8.1f} ms wall {:8.1f} ms processor {:8.1f} images/s | efficiency {:.3f} wall, "
        "{:.3f} processor | exposed {:.2f} ms, {:.1f} % of a step; hidden {:.2f} ms\n",
        name, 1e3 * wall, 1e3 * cpu, ranks * settings.batch / wall, one_wall / wall, one_cpu / cpu,
        1e3 * median(way.exposed), 100 * median(way.exposed) / wall, 1e3 * median(way.hidden));
  };
  print("one", one, 1);
  print("apart", apart, comm.size());
  print("together", together, comm.size());
  print("fenced", fenced, comm.size());
  std::vector<double> ratio_wall, ratio_cpu;
  for (std::size_t i = 0; i < one.wall.size(); ++i) {
    ratio_wall.push_back(apart.wall[i] / together.wall[i]);
    ratio_cpu.push_back(apart.cpu[i] / together.cpu[i]);
  }
  fmt::print(
      "  apart / together, median of rounds: {:.3f} wall, {:.3f} processor; rank 0 sent {} "
      "bytes a step\n",
      median(ratio_wall), median(ratio_cpu), together.bytes_sent);
}

Settings parse(int argc, char** argv) {
  Settings settings;
  int place = 0;
  bool has_options = false;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.find('=') != std::string::npos) {
      if (!has_options) settings.options.clear();
      has_options = true;
      settings.options.push_back(argument);
    } else if (place++ == 0) {
      settings.model = argument;
    } else {
      (place == 2 ? settings.rounds : settings.batch) = std::stoi(argument);
    }
  }
  return settings;
}

}  // namespace
}  // namespace hadal

int main(int argc, char** argv) {
  try {
    hadal::dist::World world;
    hadal::run(hadal::parse(argc, argv), world.communicator());
    world.finish();
  } catch (const std::exception& error) {
    fmt::print(stderr, "scaling_bench: {}\n", error.what());
    return 1;
  }
}
