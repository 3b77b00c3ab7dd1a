#include "core/data/split.h"

#include <numeric>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/data/permutation.h"

namespace hadal::data {
namespace {

using Held = std::vector<bool>;

void hold_out_per_class(const Dataset& dataset, const std::vector<std::int64_t>& order,
                        std::int64_t begin, std::int64_t end, std::int64_t per_class, Held& held) {
  std::vector<std::int64_t> left(static_cast<std::size_t>(dataset.classes), per_class);
  std::int64_t missing = per_class * dataset.classes;
  for (const std::int64_t i : order) {
    if (i < begin || i >= end) continue;
    auto& wanted =
        left[static_cast<std::size_t>(dataset.train.labels[static_cast<std::size_t>(i)])];
    if (wanted == 0) continue;
    held[static_cast<std::size_t>(i)] = true;
    --wanted;
    --missing;
  }
  if (missing > 0)
    throw ConfigError(fmt::format(
        "data set {}: {} validation images per class wanted of images {} to {}, {} are missing",
        dataset.name, per_class, begin, end, missing));
}

}  // namespace

std::vector<std::int64_t> all_indices(std::int64_t count) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), std::int64_t{0});
  return indices;
}

Split split_training_set(const Dataset& dataset, const SplitOptions& options) {
  const std::int64_t count = dataset.train.count;
  if (options.validation < 0 || options.per_class < 0 || options.per_class_extra < 0)
    throw ConfigError("validation: a negative number of images, wanted 0 or more");
  if (options.validation > 0 && options.per_class + options.per_class_extra > 0)
    throw ConfigError("validation: both a number of images and one per class given, wanted one");
  const auto order = permutation(count, {.seed = options.seed, .purpose = random::Purpose::kSplit});
  Held held(static_cast<std::size_t>(count));
  if (options.validation >= count)
    throw ConfigError(
        fmt::format("data set {}: {} validation images wanted of {}, none left to train on",
                    dataset.name, options.validation, count));
  for (std::int64_t k = 0; k < options.validation; ++k)
    held[static_cast<std::size_t>(order[static_cast<std::size_t>(k)])] = true;
  if (options.per_class > 0)
    hold_out_per_class(dataset, order, 0, dataset.official_train_count, options.per_class, held);
  if (options.per_class_extra > 0)
    hold_out_per_class(dataset, order, dataset.official_train_count, count, options.per_class_extra,
                       held);
  Split split;
  for (std::int64_t i = 0; i < count; ++i)
    (held[static_cast<std::size_t>(i)] ? split.validation : split.train).push_back(i);
  if (split.train.empty())
    throw ConfigError(
        fmt::format("data set {}: every image is held out for validation, none left to train on",
                    dataset.name));
  return split;
}

}  // namespace hadal::data
