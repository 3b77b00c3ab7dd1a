#include "experiments/studies/eigenfaces/splits.h"

#include <map>
#include <set>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "tests/experiments/studies/eigenfaces/made_faces.h"

namespace hadal::eigenfaces {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

const Pictures kFaces = made_faces(6, 7, 4, 4);

int person(std::int64_t i) { return kFaces.labels[static_cast<std::size_t>(i)]; }

TEST(Split, NoPictureIsTrainedOnAndAskedAbout) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Split s = split(kFaces, {.train_per_person = 3, .strangers = 2, .seed = seed});
    std::set<std::int64_t> all;
    for (const auto* part : {&s.train, &s.test, &s.strangers})
      all.insert(part->begin(), part->end());
    EXPECT_THAT(all, SizeIs(42));  // so none is in two parts
    EXPECT_EQ(s.train.size() + s.test.size() + s.strangers.size(), 42u);
  }
}

TEST(Split, TrainsOnAsManyPicturesOfEveryoneAndNoneOfStrangers) {
  const Split s = split(kFaces, {.train_per_person = 3, .strangers = 2, .seed = 5});
  std::map<int, int> trained;
  for (const std::int64_t i : s.train) ++trained[person(i)];
  EXPECT_THAT(trained, SizeIs(4));
  for (const auto& [who, pictures] : trained) EXPECT_EQ(pictures, 3) << who;
  for (const std::int64_t i : s.strangers) EXPECT_FALSE(trained.contains(person(i)));
  for (const std::int64_t i : s.test) EXPECT_TRUE(trained.contains(person(i)));
}

TEST(Split, IsAFunctionOfTheSeed) {
  const SplitOptions options{.train_per_person = 3, .seed = 9};
  EXPECT_EQ(split(kFaces, options).train, split(kFaces, options).train);
  EXPECT_NE(split(kFaces, options).train, split(kFaces, {.train_per_person = 3, .seed = 10}).train);
}

TEST(Split, LeavesNobodyWithoutAPictureToAskAbout) {
  EXPECT_THAT([] { split(kFaces, {.train_per_person = 7}); },
              ThrowsMessage<ConfigError>(HasSubstr("leave none to ask about")));
  EXPECT_THAT([] { split(kFaces, {.strangers = 5}); },
              ThrowsMessage<ConfigError>(HasSubstr("at least 2 known ones")));
}

TEST(Folds, DealOutThePicturesOfEveryPerson) {
  const std::vector<int> folds = folds_of(kFaces, 3, 4);
  std::map<std::pair<int, int>, int> counts;
  for (std::int64_t i = 0; i < kFaces.count(); ++i)
    ++counts[{person(i), folds[static_cast<std::size_t>(i)]}];
  EXPECT_THAT(counts, SizeIs(6 * 3));
  for (const auto& [where, count] : counts) EXPECT_TRUE(count == 2 || count == 3);
}

}  // namespace
}  // namespace hadal::eigenfaces
