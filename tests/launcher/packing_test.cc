// How many runs share a place, with runs and time that only the test moves.
#include "launcher/schedulers/packing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/launcher/fake_scheduler.h"

namespace hadal::launcher {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Packing : public testing::Test {
 protected:
  // As many runs as are let in, each at a pace that depends on how many there are.
  void train(double seconds, const std::vector<double>& pace) {
    for (const double end = clock.now_s() + seconds; clock.now_s() < end; clock.sleep(0.1)) {
      std::vector<PackedRun> seen;
      for (auto& [id, steps] : at_work) {
        steps += 0.1 * pace.at(at_work.size() - 1);
        seen.push_back({id, static_cast<long long>(steps)});
      }
      if (const auto found = probe.observe(seen)) told.push_back(*found);
      while (static_cast<int>(at_work.size()) < probe.limit_where_tried())
        at_work.push_back({std::string(1, static_cast<char>('a' + begun++)), 0.0});
    }
  }

  FakeClock clock;
  PackingProbe probe{clock};
  std::vector<std::pair<std::string, double>> at_work;
  int begun = 0;
  std::vector<std::string> told;
};

TEST_F(Packing, StaysAtOneWhereTwoOnlyGoHalfAsFast) {
  train(60, {10, 5.1});
  EXPECT_TRUE(probe.decided());
  EXPECT_EQ(probe.limit(), 1);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_THAT(told[0], HasSubstr("2 runs at one place do 1.0"));
  EXPECT_THAT(told[0], HasSubstr("1 at a time"));
}

TEST_F(Packing, GoesOnWhileItPays) {
  train(120, {10, 8, 7, 5.2});
  EXPECT_TRUE(probe.decided());
  EXPECT_EQ(probe.limit(), 3) << "2 x 8 > 10, 3 x 7 > 2 x 8, but 4 x 5.2 is no more than 3 x 7";
  EXPECT_THAT(told, SizeIs(3));
}

TEST_F(Packing, ARunThatEndsBeforeItIsTimedIsNoEvidence) {
  for (int i = 0; i < 10; ++i) {
    train(8, {10, 8});
    at_work.clear();
  }
  EXPECT_FALSE(probe.decided());
  EXPECT_EQ(probe.limit(), 1);
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(Packing, WhenTheTimedRunEndsTheNextIsTimedFromTheBeginning) {
  train(15, {10, 8});
  EXPECT_EQ(probe.limit_where_tried(), 2);
  at_work.erase(at_work.begin());  // leaves one that goes three times as fast alone
  train(5, {30, 24});
  EXPECT_FALSE(probe.decided()) << "its pace says nothing about the other's";
  train(60, {30, 24, 15});
  EXPECT_EQ(probe.limit(), 2);
}

TEST_F(Packing, StepsThatTakeLongAreWaitedFor) {
  train(80, {0.1, 0.08});
  EXPECT_EQ(probe.limit_where_tried(), 1) << "fewer than ten steps";
  train(300, {0.1, 0.08, 0.05});
  EXPECT_EQ(probe.limit(), 2);
}

}  // namespace
}  // namespace hadal::launcher
