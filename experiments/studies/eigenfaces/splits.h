// Which pictures are trained on and which are asked about.
#pragma once

#include <cstdint>
#include <vector>

#include "experiments/studies/eigenfaces/pictures.h"

namespace hadal::eigenfaces {

/// Indices of pictures, ascending; no picture is in two of them.
struct Split {
  std::vector<std::int64_t> train{};      // known people
  std::vector<std::int64_t> test{};       // other pictures of the same people
  std::vector<std::int64_t> strangers{};  // all pictures of people that nothing is trained on
};

struct SplitOptions {
  int train_per_person = 5;
  int strangers = 0;  // people held out
  std::uint64_t seed = 1;
};

/// Draws the strangers, then the training pictures of every other person: a function of the seed,
/// of how many people there are and of how many pictures each has. Throws ConfigError when a person
/// has no picture left to ask about, or fewer than two people are left to know.
Split split(const Pictures& pictures, const SplitOptions& options);

/// A fold of each picture, in 0 .. folds - 1: the pictures of every person are dealt out in
/// turn, so that folds differ by at most one picture of a person.
std::vector<int> folds_of(const Pictures& pictures, int folds, std::uint64_t seed);

}  // namespace hadal::eigenfaces
