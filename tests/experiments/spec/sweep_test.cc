#include "experiments/spec/sweep.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "experiments/spec/load.h"

namespace hadal::spec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kExperiment = R"(experiment {
  model { name: "resnet" set: "depth=20" } data { name: "generator" }
  optimizer { learning_rate: 0.1 } epochs: 2 })";

SweepPlan plan_of(const std::string& rest) {
  return expand(sweep_from_text("name: \"s\" " + kExperiment + rest, "s.textproto"), "",
                "s.textproto");
}

std::string error_of(const std::string& rest) {
  try {
    plan_of(rest);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

std::vector<std::string> names_of(const SweepPlan& plan) {
  std::vector<std::string> names;
  for (const SweepRun& run : plan.runs) names.push_back(run.name);
  return names;
}

TEST(Sweep, TheLastAxisIsFastestAndSeedsFasterStill) {
  const SweepPlan plan = plan_of(R"(
    axis { key: "model.depth" value: "20" value: "32" }
    axis { key: "epochs" value: "1" value: "2" }
    seed: 1 seed: 2)");
  EXPECT_THAT(names_of(plan), ElementsAre("depth-20_epochs-1_seed-1", "depth-20_epochs-1_seed-2",
                                          "depth-20_epochs-2_seed-1", "depth-20_epochs-2_seed-2",
                                          "depth-32_epochs-1_seed-1", "depth-32_epochs-1_seed-2",
                                          "depth-32_epochs-2_seed-1", "depth-32_epochs-2_seed-2"));
  EXPECT_EQ(plan.cells.size(), 4u);
  EXPECT_THAT(plan.cells[1].runs, ElementsAre(2, 3));
  EXPECT_EQ(plan.cells[1].row, "depth=20 epochs=2");
  EXPECT_EQ(plan.runs[3].spec.epochs(), 2);
  EXPECT_EQ(plan.runs[3].spec.seed(), 2u);
  EXPECT_EQ(plan.runs[7].spec.model().set(0), "depth=32");
}

TEST(Sweep, ExpandingTwiceGivesTheSameHashesInTheSameOrder) {
  const std::string rest = "axis { key: 'model.depth' value: '20' value: '32' } seed: [3, 1, 2]";
  const SweepPlan a = plan_of(rest), b = plan_of(rest);
  std::set<std::string> distinct;
  for (std::size_t i = 0; i < a.runs.size(); ++i) {
    EXPECT_EQ(a.runs[i].hash, b.runs[i].hash);
    distinct.insert(a.runs[i].hash);
  }
  EXPECT_EQ(distinct.size(), 6u);
}

TEST(Sweep, RunsThatAreTheSameAreRunOnceAndShownTwice) {
  const SweepPlan plan = plan_of(R"(
    row { name: "twenty" set: "model.depth=20" }
    row { name: "also twenty" set: "epochs=2" }
    row { name: "thirty-two" set: "model.depth=32" })");
  EXPECT_THAT(names_of(plan), ElementsAre("twenty_seed-1", "thirty-two_seed-1"));
  ASSERT_EQ(plan.cells.size(), 3u);
  EXPECT_THAT(plan.cells[0].runs, ElementsAre(0));
  EXPECT_THAT(plan.cells[1].runs, ElementsAre(0));
  EXPECT_THAT(plan.cells[2].runs, ElementsAre(1));
}

TEST(Sweep, RowsHaveColumnsAndBasesOfTheirOwn) {
  TemporaryFolder folder;
  write_file_atomically(folder.path() / "vgg.textproto", R"(
    model { name: "vgg" } data { name: "cifar10" } optimizer { learning_rate: 0.01 } epochs: 9)");
  write_file_atomically(folder.path() / "sweep.textproto", "name: 's' " + kExperiment + R"(
    row { name: "ResNet" column: "C10" }
    row { name: "ResNet" column: "C100" set: "data.name=cifar100" }
    row { name: "VGG" column: "C10" base: "vgg.textproto"
          expect { value: 9.5 paper: "none" } })");
  const SweepPlan plan = load_plan(folder.path() / "sweep.textproto");
  EXPECT_THAT(names_of(plan),
              ElementsAre("ResNet_C10_seed-1", "ResNet_C100_seed-1", "VGG_C10_seed-1"));
  EXPECT_EQ(plan.runs[2].spec.epochs(), 9);
  EXPECT_EQ(plan.cells[1].column, "C100");
  ASSERT_EQ(plan.expect.size(), 1u);
  EXPECT_EQ(plan.expect[0].row(), "VGG");
  EXPECT_EQ(plan.expect[0].column(), "C10");
}

TEST(Sweep, AColumnAxisMakesColumnsAndPointsSetSeveralFields) {
  const SweepPlan plan = plan_of(R"(
    axis { key: "model.depth" value: "20" }
    axis { key: "augmentation" column: true
           point { name: "C10" }
           point { name: "C10+" set: "augmentation.pad=4" set: "augmentation.mirror=true" } }
    expect { row: "depth=20" column: "C10+" value: 8.75 })");
  ASSERT_EQ(plan.cells.size(), 2u);
  EXPECT_EQ(plan.cells[1].row, "depth=20");
  EXPECT_EQ(plan.cells[1].column, "C10+");
  EXPECT_EQ(plan.runs[1].spec.augmentation().pad(), 4);
  EXPECT_EQ(plan.runs[1].name, "depth-20_C10+_seed-1");
}

TEST(Sweep, CombinationsAreSkippedWhereAllConditionsHold) {
  const SweepPlan plan = plan_of(R"(
    axis { key: "model.depth" value: "20" value: "110" value: "1202" }
    axis { key: "epochs" value: "1" value: "2" }
    skip { when: "model.depth >= 110" when: "epochs=2" }
    skip { when: "model.depth=1202" })");
  EXPECT_THAT(names_of(plan), ElementsAre("depth-20_epochs-1_seed-1", "depth-20_epochs-2_seed-1",
                                          "depth-110_epochs-1_seed-1"));
}

TEST(Sweep, ConditionsCompareNumbersAsNumbersAndTextAsText) {
  ExperimentSpec spec;
  spec.mutable_model()->set_name("resnet");
  spec.mutable_model()->add_set("depth=110");
  spec.mutable_optimizer()->set_learning_rate(0.1);
  EXPECT_TRUE(holds(spec, "model.depth>20"));
  EXPECT_TRUE(holds(spec, "optimizer.learning_rate = 1e-1"));
  EXPECT_TRUE(holds(spec, "model.name!=plain"));
  EXPECT_FALSE(holds(spec, "model.survival<1"));
  EXPECT_TRUE(holds(spec, "model.survival!=1"));
  EXPECT_THROW(holds(spec, "model.name<3"), ConfigError);
  EXPECT_THROW(holds(spec, "modl.name=resnet"), ConfigError);
  EXPECT_THROW(holds(spec, "epochs"), ConfigError);
  EXPECT_THROW(holds(spec, "epochs!3"), ConfigError);
}

TEST(Sweep, ShardsLeftToTheRanksAreTheSweepsRanks) {
  const SweepPlan plan = plan_of("resources { ranks: 4 }");
  EXPECT_EQ(plan.runs[0].spec.logical_shards(), 4);
  EXPECT_THAT(error_of("resources { ranks: 4 } set: 'logical_shards=2'"),
              HasSubstr("logical_shards: 2 is not divisible by resources.ranks 4"));
  EXPECT_THAT(error_of("resources { ranks: 3 }"),
              HasSubstr("128 is not divisible by logical_shards 3"));
}

TEST(Sweep, MistakesNameTheSweepTheRowAndTheSetting) {
  EXPECT_THAT(error_of("row { name: 'a' column: 'C10' set: 'model.depth' }"),
              HasSubstr("s.textproto: row 'a/C10': set 'model.depth': 'model.depth' is not "
                        "key=value"));
  EXPECT_THAT(error_of("row { name: 'a' set: 'epoch=2' }"), HasSubstr("did you mean 'epochs'?"));
  EXPECT_THAT(error_of("row { name: 'a' set: 'epochs=0' }"), HasSubstr("s.textproto: row 'a': "));
  EXPECT_THAT(error_of("row { name: 'a' } row { name: 'a' }"), HasSubstr("is there twice"));
  EXPECT_THAT(error_of("axis { key: 'model.depth' }"), HasSubstr("neither value nor point"));
  EXPECT_THAT(error_of("base: 'x.textproto'"), HasSubstr("has both base and experiment"));
  EXPECT_THAT(error_of("skip { when: 'epochs=2' }"), HasSubstr("every combination is skipped"));
  EXPECT_THAT(error_of("row { name: 'ResNet' } expect { row: 'Resnet' value: 1 }"),
              HasSubstr("unknown cell 'Resnet'; did you mean 'ResNet'?"));
  EXPECT_THROW(expand(sweep_from_text("name: '../x' " + kExperiment, "s"), "", "s"), ConfigError);
  EXPECT_THROW(plan_of("row { name: 'a' base: 'no such file' }"), IoError);
}

TEST(Sweep, AWrongFieldInsideTheExperimentHasItsPlace) {
  try {
    sweep_from_text("name: \"s\"\nexperiment { epoks: 3 }", "s.textproto");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("s.textproto:2:14: unknown field 'epoks'"));
  }
}

TEST(Sweep, TooManyRunsAreTakenForAMistake) {
  std::string axes;
  for (int i = 0; i < 40; ++i) axes += "axis { key: 'epochs' value: '1' value: '2' }";
  EXPECT_THAT(error_of(axes), HasSubstr("a sweep has at most 10000"));
}

}  // namespace
}  // namespace hadal::spec
