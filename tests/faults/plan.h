// Which faults happen to which run: a pure function of the seed.
//
// A story is one run. Its faults come one after another, each in an attempt of its own on some
// number of ranks; the last attempt is left alone and finishes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/faults/fault.h"

namespace hadal::faults {

/// A small net, trained in less than a second.
struct Net {
  std::string name;
  std::string spec;  // protobuf text
};
const std::vector<Net>& nets();

inline constexpr std::int64_t kSteps = 60, kStepsPerEpoch = 20, kSaveEvery = 5;

enum class Stage {
  kMpirun,    // attempts started by hand
  kSweep,     // `hadal sweep run`, again until all is finished
  kPowerCut,  // attempts on a file system that loses what was not synced
};

struct Attempt {
  int ranks = 1;
  int compare_every = 1;  // checks.replicas_every_steps
  Fault fault;
};

struct Story {
  int number = 0;
  Stage stage = Stage::kMpirun;
  std::size_t net = 0;
  std::vector<Attempt> attempts;  // with a fault each
  int last_ranks = 1;             // of the attempt that finishes
};

/// The property it tests: "R1" for a rank that ends, "R2" for one that hangs, … as in the README.
std::string row_of(Kind kind);
bool is_hang(Kind kind);
bool is_damage(Kind kind);  // done to a checkpoint between two attempts
bool is_flip(Kind kind);    // of one rank's numbers

/// Stories with about `faults` faults together; every kind comes once before any comes twice.
/// `with_power_cuts`: this process may mount file systems.
std::vector<Story> plan_stories(int faults, std::uint64_t seed, bool with_power_cuts);

}  // namespace hadal::faults
