// The whole program over ssh while the network between the hosts is bad: what it delays, loses or
// damages costs time alone, what it does not pass on is noticed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/strings.h"
#include "tests/launcher/cut_training.h"

namespace hadal::launcher {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr double kPatience_s = 90;

// Trainings of four ranks, two of them on n2, whose cable is bad.
class BadNetwork : public CutTraining {
 protected:
  void SetUp() override {
    if (const std::string missing = RealHosts::missing(); !missing.empty()) GTEST_SKIP() << missing;
    if (!std::filesystem::exists("/dev/net/tun")) GTEST_SKIP() << "there is no /dev/net/tun";
    make_hosts(BAD_CABLE);
  }

  long long steps_done() const {
    const Trace trace = read_trace(run_folder(path("hosts")));
    return trace.steps.empty() ? 0 : trace.steps.back().step;
  }
  bool is_finished() const {
    return std::filesystem::exists(run_folder(path("hosts")) / "result.json");
  }
  // At least so many more.
  void wait_for_steps(long long more) {
    const double end = clock.now_s() + kPatience_s;
    for (const long long from = steps_done(); steps_done() < from + more; clock.sleep(0.02)) {
      ASSERT_FALSE(is_finished()) << "before it had met everything";
      ASSERT_LT(clock.now_s(), end) << "no " << more << " steps";
    }
  }
};

TEST_F(BadNetwork, WhatIsDelayedLostOrDamagedCostsTimeAlone) {
  const Started launcher = start_sweep("hosts");
  wait_for_the_middle_of_a_step(path("hosts"));
  for (const CableFaults& faults :
       {CableFaults{.delay_s = 0.05}, CableFaults{.lost = 0.1}, CableFaults{.damaged = 0.02},
        CableFaults{.bits_per_s = 10'000'000}}) {
    hosts->degrade(2, faults);
    wait_for_steps(25);
  }
  hosts->degrade(2, {});
  hosts->cut(2);  // for a moment
  clock.sleep(2);
  EXPECT_FALSE(is_finished());
  hosts->mend(2);
  const Ended ended = wait(launcher);
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, AllOf(Not(HasSubstr("again")), Not(HasSubstr("does not answer"))));
  expect_the_same_here();
}

TEST_F(BadNetwork, ACableThatPassesOneWayOnlyIsNoticedAndTheRunGoesOnElsewhere) {
  const Started launcher = start_sweep("hosts", impatient_trainer());
  wait_for_the_middle_of_a_step(path("hosts"));
  hosts->degrade(2, {.deaf = true});
  const Ended ended = wait(launcher);
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("host n2 does not answer; rank "), HasSubstr("look at rank"),
                    HasSubstr("taken out for 10m 00s, 2 of 3 left")));
  EXPECT_THAT(read_file(run_folder(path("hosts")) / "hosts.txt"), "n1 slots=2\nn3 slots=2\n");
  expect_the_same_here();
}

}  // namespace
}  // namespace hadal::launcher
