#include "experiments/studies/eigenfaces/splits.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/data/permutation.h"

namespace hadal::eigenfaces {
namespace {

// What a permutation is for: the streams of a seed never meet.
enum Draw : std::uint64_t { kStrangers = 1, kPictures = 2, kFolds = 3 };

std::vector<std::int64_t> order(std::int64_t count, std::uint64_t seed, Draw draw,
                                std::uint64_t which) {
  return data::permutation(count, {seed, random::Purpose::kSplit, draw, which});
}

std::vector<std::vector<std::int64_t>> by_person(const Pictures& pictures) {
  std::vector<std::vector<std::int64_t>> indices(pictures.people.size());
  for (std::int64_t i = 0; i < pictures.count(); ++i)
    indices[static_cast<std::size_t>(pictures.labels[static_cast<std::size_t>(i)])].push_back(i);
  return indices;
}

}  // namespace

Split split(const Pictures& pictures, const SplitOptions& options) {
  const auto people = static_cast<std::int64_t>(pictures.people.size());
  if (options.train_per_person < 1)
    throw ConfigError(fmt::format("split: {} training pictures a person, wanted at least 1",
                                  options.train_per_person));
  if (options.strangers < 0 || people - options.strangers < 2)
    throw ConfigError(fmt::format("split: {} of {} people held out, wanted at least 2 known ones",
                                  options.strangers, people));
  std::vector<bool> stranger(static_cast<std::size_t>(people));
  const std::vector<std::int64_t> order_of_people = order(people, options.seed, kStrangers, 0);
  for (int i = 0; i < options.strangers; ++i)
    stranger[static_cast<std::size_t>(order_of_people[static_cast<std::size_t>(i)])] = true;

  Split result;
  const auto all = by_person(pictures);
  for (std::size_t person = 0; person < all.size(); ++person) {
    const std::vector<std::int64_t>& mine = all[person];
    if (stranger[person]) {
      result.strangers.insert(result.strangers.end(), mine.begin(), mine.end());
      continue;
    }
    const auto trained = static_cast<std::size_t>(options.train_per_person);
    if (mine.size() <= trained)
      throw ConfigError(
          fmt::format("split: '{}' has {} pictures; {} to train on leave none to ask "
                      "about",
                      pictures.people[person], mine.size(), trained));
    const auto drawn =
        order(static_cast<std::int64_t>(mine.size()), options.seed, kPictures, person);
    for (std::size_t i = 0; i < mine.size(); ++i)
      (i < trained ? result.train : result.test)
          .push_back(mine[static_cast<std::size_t>(drawn[i])]);
  }
  for (auto* part : {&result.train, &result.test, &result.strangers}) std::ranges::sort(*part);
  return result;
}

std::vector<int> folds_of(const Pictures& pictures, int folds, std::uint64_t seed) {
  std::vector<int> fold(static_cast<std::size_t>(pictures.count()));
  const auto all = by_person(pictures);
  for (std::size_t person = 0; person < all.size(); ++person) {
    const auto drawn = order(static_cast<std::int64_t>(all[person].size()), seed, kFolds, person);
    for (std::size_t i = 0; i < drawn.size(); ++i)
      fold[static_cast<std::size_t>(all[person][static_cast<std::size_t>(drawn[i])])] =
          static_cast<int>((i + person) % static_cast<std::size_t>(folds));
  }
  return fold;
}

}  // namespace hadal::eigenfaces
