// hadal diff on runs of the whole program.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/launcher/program_test.h"

namespace hadal::launcher {
namespace {

using testing::HasSubstr;

constexpr const char* kSpec = R"(
  model { name: "resnet" set: "depth=8" set: "width=4" }
  data { name: "generator" set: "train=128" set: "test=32" set: "side=16" }
  optimizer { name: "sgd" learning_rate: 0.05 momentum: 0.9 }
  epochs: 2 global_batch: 16 logical_shards: 2
)";

class DiffCommand : public ProgramTest {
 protected:
  Ended diff(const RunRecord& a, const RunRecord& b) {
    return run({"diff", a.folder.string(), b.folder.string()});
  }
};

TEST_F(DiffCommand, OneAndTwoRanksDifferInTheirEnvironmentAlone) {
  const auto spec = write("spec.textproto", kSpec);
  const Ended ended = diff(train(spec, "one", {}), train(spec, "two", {.ranks = 2}));
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.out, HasSubstr("spec: the same"));
  EXPECT_THAT(ended.out, HasSubstr("ranks: 1 | 2"));
  EXPECT_THAT(ended.out, HasSubstr("the same bits after each of 16 steps"));
}

TEST_F(DiffCommand, ARateThatDropsLaterPartsAtThatStep) {
  const auto spec = write("spec.textproto", kSpec);
  const std::vector<std::string> step = {"--set", "schedule.kind=steps", "--set",
                                         "schedule.factor=0.1"};
  auto early = step, late = step;
  early.insert(early.end(), {"--set", "schedule.at_step=5"});
  late.insert(late.end(), {"--set", "schedule.at_step=9"});
  const Ended ended = diff(train(spec, "early", {}, early), train(spec, "late", {}, late));
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.out, HasSubstr("schedule.at_step: [5] | [9]"));
  EXPECT_THAT(ended.out, HasSubstr("part at step 6"));
  EXPECT_THAT(ended.out, HasSubstr("the same bits until step 5"));
}

TEST_F(DiffCommand, AFolderThatIsNoRunIsNamed) {
  const Ended ended = run({"diff", path("nowhere").string(), path("neither").string()});
  EXPECT_EQ(ended.exit_code, 66);
  EXPECT_THAT(ended.complaint(), HasSubstr("nowhere is no folder of a run"));
}

}  // namespace
}  // namespace hadal::launcher
