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

TEST_F(DiffCommand, AnotherSeedPartsAtTheFirstStepOnAllRanksAndBothCurvesAreDrawn) {
  const auto spec = write("spec.textproto", kSpec);
  const std::vector<std::string> long_enough = {"--set", "epochs=3"};
  auto other = long_enough;
  other.insert(other.end(), {"--set", "seed=2"});
  const Ended ended =
      diff(train(spec, "one", {.ranks = 2}, long_enough), train(spec, "other", {}, other));
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.out, HasSubstr("seed: 1 | 2"));
  EXPECT_THAT(ended.out, HasSubstr("part at step 1"));
  EXPECT_THAT(ended.out, HasSubstr("the loss of each of the 2 shards differs: on all ranks"));
  EXPECT_THAT(ended.out, HasSubstr("  loss       A  █"));
  EXPECT_THAT(ended.out, HasSubstr("  error      B  "));
}

TEST_F(DiffCommand, ARunThatWasChangedInOneShardNamesTheRanksThatHadIt) {
  // As though one rank had met other data: its own loss differs first.
  const auto spec = write("spec.textproto", kSpec);
  const RunRecord whole = train(spec, "whole", {}), damaged = train(spec, "damaged", {.ranks = 2});
  const auto trace = damaged.folder / "trace.jsonl";
  std::string text = read_file(trace);
  const std::size_t step = text.find("\"step\":7}"), line = text.rfind('\n', step) + 1,
                    end = text.find('\n', step);
  std::string changed = text.substr(line, end - line);
  const auto set = [&](const std::string& after, std::size_t digits) {
    const std::size_t at = changed.find(after) + after.size();
    changed.replace(at, digits, std::string(digits, '0'));
  };
  set("\"hash\":\"", 16);
  const std::size_t second = changed.find("\",\"", changed.find("\"shards\":["));
  changed.replace(second + 3, 8, "00000000");
  text.replace(line, end - line, changed);
  std::ofstream(trace, std::ios::trunc) << text;
  const Ended ended = diff(whole, damaged);
  EXPECT_THAT(ended.out, HasSubstr("part at step 7"));
  EXPECT_THAT(ended.out,
              HasSubstr("the loss differs in 1 of 2 shards: shard 1 (rank 0 of 1 | rank 1 of 2)"));
}

TEST_F(DiffCommand, AFolderThatIsNoRunIsNamed) {
  const Ended ended = run({"diff", path("nowhere").string(), path("neither").string()});
  EXPECT_EQ(ended.exit_code, 66);
  EXPECT_THAT(ended.complaint(), HasSubstr("nowhere is no folder of a run"));
}

}  // namespace
}  // namespace hadal::launcher
