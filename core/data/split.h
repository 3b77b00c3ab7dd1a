// Images of the training set that are held out to choose by: lists of indices, functions of the
// seed and the sizes alone. The test set is a set of its own and takes no part.
#pragma once

#include <cstdint>
#include <vector>

#include "core/data/dataset.h"

namespace hadal::data {

struct SplitOptions {
  std::int64_t validation = 0;       // this many at random (45,000 + 5,000: 5000), or
  std::int64_t per_class = 0;        // this many of each class of the official training images and
  std::int64_t per_class_extra = 0;  // this many of each class of the images after them
  std::uint64_t seed = 1;
};

/// The rule for SVHN: 400 of each class of train and 200 of each class of extra, 6,000 in all.
/// Source: Sermanet et al. 2012; stochastic depth (Huang et al. 2016) follows it.
inline constexpr SplitOptions kSvhnSplit{.per_class = 400, .per_class_extra = 200};

struct Split {
  std::vector<std::int64_t> train, validation;  // indices into Dataset::train, ascending
};

/// Throws ConfigError when both ways of counting are given, a class has too few images, or no image
/// would be left to train on.
Split split_training_set(const Dataset& dataset, const SplitOptions& options);

/// 0 .. count-1.
std::vector<std::int64_t> all_indices(std::int64_t count);

}  // namespace hadal::data
