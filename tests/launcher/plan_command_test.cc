// hadal plan, alone, under mpirun and of a sweep.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launcher/plan/estimate.h"
#include "tests/launcher/program_test.h"
#include "tests/places.h"

namespace hadal::launcher {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kSpec = R"(
  model { name: "resnet" set: "depth=8" set: "width=4" }
  data { name: "generator" set: "train=128" set: "test=32" set: "side=16" }
  optimizer { learning_rate: 0.05 momentum: 0.9 }
  epochs: 2 global_batch: 16 logical_shards: 4
)";

class PlanCommand : public ProgramTest {
 protected:
  RunEstimate estimate(const std::vector<std::string>& more, const How& how) {
    std::vector<std::string> words = {"plan", write("spec.textproto", kSpec), "--json", "--measure",
                                      "0.1"};
    words.insert(words.end(), more.begin(), more.end());
    const Ended ended = run(words, how);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return run_estimate_from_json(ended.out);
  }
};

TEST_F(PlanCommand, TellsShapesAndTimesForPeople) {
  const Ended ended = run({"plan", write("spec.textproto", kSpec), "--measure", "0.1"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  for (const char* text : {"multiply-adds", "global batch   16 in 4 shards of 4", "16 steps of",
                           "on 1 rank", "on made-up images", "fits"})
    EXPECT_THAT(ended.out, HasSubstr(text));
}

TEST_F(PlanCommand, UnderMpirunTheExchangeIsMeasuredAsARunSendsIt) {
  const RunEstimate two = estimate({}, {.ranks = 2});
  EXPECT_EQ(two.ranks, 2);
  EXPECT_TRUE(two.exchange_measured);
  EXPECT_GE(two.probe->steps, 3);
  const RunRecord record = train(write("spec.textproto", kSpec), "run", {.ranks = 2});
  EXPECT_EQ(two.cost.steps, record.result->steps);
  EXPECT_EQ(two.probe->bytes_sent * static_cast<double>(record.result->steps),
            static_cast<double>(record.result->bytes_sent));
  EXPECT_EQ(two.cost.step_macs * static_cast<double>(two.cost.steps),
            2.0 * static_cast<double>(record.result->macs));
}

TEST_F(PlanCommand, RanksThatAreNotThereAreOnlyReckonedWith) {
  const RunEstimate four = estimate({"--ranks", "4"}, {});
  EXPECT_EQ(four.ranks, 4);
  EXPECT_FALSE(four.exchange_measured);
  EXPECT_GT(four.exchange.bytes, 0);
  EXPECT_GT(four.exchange.messages, 0);
  const Ended uneven = run({"plan", write("spec.textproto", kSpec), "--ranks", "3"});
  EXPECT_EQ(uneven.exit_code, 78);
  EXPECT_THAT(uneven.complaint(), HasSubstr("cannot be spread over 3 ranks"));
}

TEST_F(PlanCommand, OfASweepEveryRunIsToldAndTheSum) {
  const auto sweep = write("sweep.textproto",
                           fmt::format("name: \"s\" experiment {{ {} }} resources {{ ranks: 2 }} "
                                       "axis {{ key: \"model.width\" value: \"2\" value: \"4\" }} "
                                       "seed: [1, 2]",
                                       kSpec));
  const Ended measured =
      run({"plan", sweep, "--measure", "0.1", "--mpirun", test::mpirun(), "--time-limit", "0.001"});
  EXPECT_EQ(measured.exit_code, 0) << measured.err;
  EXPECT_THAT(measured.out, AllOf(HasSubstr("width-2_seed-1"), HasSubstr("width-4_seed-2"),
                                  HasSubstr("4 runs, "), HasSubstr("one after the other"),
                                  HasSubstr("over the time limit of an attempt")));
  const Ended counted = run({"plan", sweep, "--measure", "0"});
  EXPECT_THAT(counted.out, AllOf(HasSubstr("4 runs, "), Not(HasSubstr("one after the other"))));
}

}  // namespace
}  // namespace hadal::launcher
