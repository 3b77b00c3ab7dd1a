#include "core/train/stragglers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hadal {
namespace {

using testing::HasSubstr;

/// Hands that only the test moves.
class FakeClock final : public Clock {
 public:
  double now_s() const override { return now; }
  void sleep(double seconds) override { now += seconds; }
  double now = 100;
};

double at(const PhaseSeconds& seconds, StepPhase phase) {
  return seconds[static_cast<std::size_t>(phase)];
}

/// Over 50 steps of 100 ms, `data_s` of them spent on data.
PhaseSeconds replica(double data_s) { return {data_s, 1, 2, 0.5, 0.5, 0}; }

TEST(StepTimes, TimeBelongsToThePhaseEnteredLast) {
  FakeClock clock;
  StepTimes times(clock);
  clock.now += 5;  // before the first phase: nobody's
  times.enter(StepPhase::kData);
  clock.now += 1;
  times.enter(StepPhase::kForward);
  clock.now += 2;
  times.enter(StepPhase::kData);
  clock.now += 4;
  times.leave();
  clock.now += 8;
  const PhaseSeconds seconds = times.take();
  EXPECT_EQ(at(seconds, StepPhase::kData), 5);
  EXPECT_EQ(at(seconds, StepPhase::kForward), 2);
  EXPECT_EQ(at(seconds, StepPhase::kExchange), 0);
  EXPECT_EQ(times.take(), PhaseSeconds{});
}

TEST(StepTimes, APhaseUnderWayIsCutInTwoByTaking) {
  FakeClock clock;
  StepTimes times(clock);
  times.enter(StepPhase::kBackward);
  clock.now += 3;
  EXPECT_EQ(at(times.take(), StepPhase::kBackward), 3);
  clock.now += 2;
  EXPECT_EQ(at(times.take(), StepPhase::kBackward), 2);
}

TEST(Stragglers, EachHostHasItsLeastMedianAndMostPerStep) {
  const std::vector<PhaseSeconds> seconds = {replica(1), replica(2), replica(10), replica(4)};
  const std::vector<std::string> hosts = {"n1", "n1", "n2", "n1"};
  const auto times = times_by_host(seconds, hosts, 10);
  ASSERT_EQ(times.size(), 2u);
  EXPECT_EQ(times[0].host, "n1");
  const Spread& data = times[0].phases[static_cast<std::size_t>(StepPhase::kData)];
  EXPECT_EQ(data.min, 0.1);
  EXPECT_EQ(data.median, 0.2);
  EXPECT_EQ(data.max, 0.4);
  EXPECT_EQ(times[1].phases[static_cast<std::size_t>(StepPhase::kData)].median, 1);
}

TEST(Stragglers, TheSlowOneIsNamedWithThePhase) {
  const std::vector<PhaseSeconds> seconds = {replica(1), replica(1.2), replica(6), replica(1)};
  const auto straggler = find_straggler(seconds, 50);
  ASSERT_TRUE(straggler.has_value());
  EXPECT_EQ(straggler->replica, 2);
  EXPECT_EQ(straggler->phase, StepPhase::kData);
  const std::vector<std::string> hosts = {"n1", "n1", "n2", "n2"};
  EXPECT_EQ(describe(*straggler, hosts, 50),
            "n2 (rank 2) is 2.1 times slower than the median rank over 50 steps: data takes 120.0 "
            "ms a step, 20.0 ms there");
}

TEST(Stragglers, OfTwoTheFasterIsTheMeasure) {
  const std::vector<PhaseSeconds> seconds = {replica(6), replica(1)};
  EXPECT_EQ(find_straggler(seconds, 50)->replica, 0);
}

TEST(Stragglers, WaitingForAnotherIsNoFault) {
  std::vector<PhaseSeconds> seconds = {replica(1), replica(1), replica(1)};
  seconds[1][static_cast<std::size_t>(StepPhase::kExchange)] = 100;
  seconds[2][static_cast<std::size_t>(StepPhase::kCheckpoint)] = 100;
  EXPECT_FALSE(find_straggler(seconds, 50).has_value());
}

TEST(Stragglers, ALittleSlowerOrMillisecondsAreNotWorthALine) {
  EXPECT_FALSE(find_straggler(std::vector{replica(1), replica(2.5)}, 50).has_value());
  std::vector<PhaseSeconds> seconds = {replica(1), replica(10)};
  for (PhaseSeconds& of_replica : seconds)
    for (double& phase : of_replica) phase /= 100;
  EXPECT_FALSE(find_straggler(seconds, 50).has_value());
  EXPECT_FALSE(find_straggler(std::vector{replica(10)}, 50).has_value());
}

}  // namespace
}  // namespace hadal
