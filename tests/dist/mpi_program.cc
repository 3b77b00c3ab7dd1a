// What mpi_test starts under mpirun: a little data-parallel training in which one rank misbehaves.
//
//   mpi_program MODE [--victim RANK] [--patience P] [--run-folder DIR] [--shards S]
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/strings.h"
#include "dist/data_parallel_group.h"
#include "dist/drain.h"
#include "dist/world.h"
#include "tests/dist/leaves.h"

namespace hadal::dist {
namespace {

struct Arguments {
  std::string mode;
  int victim = 1;
  int shards = 0;
  double patience = 1.0;
  std::string run_folder;
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  arguments.mode = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--victim") arguments.victim = static_cast<int>(parse_int(argv[i + 1], name));
    if (name == "--shards") arguments.shards = static_cast<int>(parse_int(argv[i + 1], name));
    if (name == "--patience") arguments.patience = parse_double(argv[i + 1], name);
    if (name == "--run-folder") arguments.run_folder = argv[i + 1];
  }
  return arguments;
}

constexpr std::int64_t kElements = 600'000;

// Three large parameters and one step after the other.
class Training {
 public:
  Training(World& world, int shards, std::int64_t elements = kElements)
      : group_(world.communicator(), {.logical_shards = shards}) {
    gradients_.resize(static_cast<std::size_t>(elements));
    const std::int64_t third = elements / 3;
    group_.attach({{{0, third}, {third, third}, {2 * third, third}}, gradients_, {}, {}});
  }

  ReplicaGroup& group() { return group_; }
  const std::vector<float>& gradients() const { return gradients_; }

  template <typename F>
  void step(int number, F misbehave) {
    group_.begin_step(number, {}, {});
    for (int shard = group_.shards().first; shard < group_.shards().last; ++shard) {
      group_.enter(Phase::kCompute, "backward");
      const auto values = leaf(shard, static_cast<std::int64_t>(gradients_.size()), 5);
      std::copy(values.begin(), values.end(), gradients_.begin());
      for (int entry = 0; entry < 3; ++entry) {
        group_.ready(entry);
        group_.poll();
      }
      misbehave(number);
      group_.shard_done();
    }
    group_.finish();
  }

 private:
  DataParallelGroup group_;
  std::vector<float> gradients_;
};

// Prints one hash that must not depend on the number of ranks, and the bytes of a step.
void sum(World& world, const Arguments& arguments) {
  Training training(world, arguments.shards);
  for (int step = 0; step < 3; ++step) training.step(step, [](int) {});
  const std::uint64_t hash =
      hash64(training.gradients().data(), training.gradients().size() * sizeof(float));
  training.group().require_same(hash, "gradients");
  const auto expected = tree_sum_of_leaves(0, training.group().logical_shards(), kElements, 5);
  if (expected != training.gradients()) throw CommError("not the bits of the serial tree");
  if (world.communicator().rank() == 0)
    fmt::print("hash {} bytes {}\n", hex64(hash), training.group().step_bytes_sent());
}

void misbehave(const std::string& mode, Training& training, World& world) {
  if (mode == "hang")
    for (;;) ::pause();
  if (mode == "spin")
    for (volatile bool forever = true; forever;) {
    }
  if (mode == "stop") ::raise(SIGSTOP);
  if (mode == "kill") ::raise(SIGKILL);
  if (mode == "throw") throw DataError("train.bin: truncated");
  if (mode == "barrier") world.communicator().barrier();
  if (mode == "slow")
    for (int i = 0; i < 300; ++i) {
      ::usleep(10'000);
      training.group().poll();
    }
}

void train(World& world, const Arguments& arguments) {
  const bool victim = world.communicator().rank() == arguments.victim;
  const std::int64_t elements = victim && arguments.mode == "length" ? 300 : 30'000;
  Training training(world, 0, elements);
  for (int step = 0; step < 40; ++step)
    training.step(step, [&](int number) {
      ::usleep(1000);
      if (victim && number == 20) misbehave(arguments.mode, training, world);
    });
}

// Steps until a signal came to any rank.
int drain(World& world, const Drain& drain) {
  Training training(world, 0, 30'000);
  if (world.communicator().rank() == 0) {
    fmt::print("ready\n");
    std::fflush(stdout);
  }
  for (int step = 0;; ++step) {
    training.step(step, [](int) { ::usleep(1000); });
    if (!training.group().any(drain.requested())) continue;
    const double last = training.group().max(step);
    if (last != step) throw CommError("ranks drained after different steps");
    return static_cast<int>(ExitCode::kDrained);
  }
}

int run_mode(World& world, const Arguments& arguments, const Drain& signals) {
  if (arguments.mode == "drain") return drain(world, signals);
  if (arguments.mode == "sum")
    sum(world, arguments);
  else
    train(world, arguments);
  return 0;
}

int run(const Arguments& arguments) {
  const Drain signals;
  WorldOptions options;
  options.watchdog.patience = arguments.patience;
  options.watchdog.run_folder = arguments.run_folder;
  World world(options);
  int exit_code = 0;
  try {
    exit_code = run_mode(world, arguments, signals);
  } catch (const Error& error) {
    if (world.claim_report()) fmt::print(stderr, "hadal: {}\n", error.what());
    return static_cast<int>(error.exit_code());
  }
  world.finish();
  return exit_code;
}
}  // namespace
}  // namespace hadal::dist

int main(int argc, char** argv) {
  if (argc < 2) return 64;
  try {
    return hadal::dist::run(hadal::dist::parse(argc, argv));
  } catch (const hadal::Error& error) {
    fmt::print(stderr, "hadal: {}\n", error.what());
    return static_cast<int>(error.exit_code());
  }
}
