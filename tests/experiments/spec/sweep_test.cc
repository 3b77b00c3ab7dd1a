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

const std::string kFirstDraw = "learning_rate-0.006209_momentum-0.5729_depth-26_mirror-true_seed-1";

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

const std::string kRandom = R"(
  random { key: "optimizer.learning_rate" kind: log_uniform from: 0.001 to: 1 }
  random { key: "optimizer.momentum" from: 0 to: 0.9 }
  random { key: "model.depth" kind: integer from: 8 to: 50 step: 6 }
  random { key: "augmentation.mirror" kind: choice value: "true" value: "false" } )";

TEST(Sweep, RandomAxesAreDrawnTogetherWithinTheirRanges) {
  const SweepPlan plan = plan_of(kRandom + "samples: 200");
  ASSERT_EQ(plan.runs.size(), 200u);
  double below = 0, mirrored = 0, momentum = 0;
  std::set<std::string> depths;
  for (const SweepRun& run : plan.runs) {
    const double rate = run.spec.optimizer().learning_rate();
    EXPECT_GE(rate, 0.001);
    EXPECT_LE(rate, 1);
    below += rate < 0.0316;  // the middle of the logarithms
    momentum += run.spec.optimizer().momentum();
    mirrored += run.spec.augmentation().mirror();
    depths.insert(run.spec.model().set(0));
  }
  // Four deviations of 200 draws: 4 sqrt(0.25 / 200) and 4 * 0.9 / sqrt(12 * 200).
  EXPECT_NEAR(below / 200, 0.5, 0.142);
  EXPECT_NEAR(mirrored / 200, 0.5, 0.142);
  EXPECT_NEAR(momentum / 200, 0.45, 0.074);
  EXPECT_THAT(depths,
              testing::UnorderedElementsAre("depth=8", "depth=14", "depth=20", "depth=26",
                                            "depth=32", "depth=38", "depth=44", "depth=50"));
}

TEST(Sweep, TheSameFileDrawsTheSameAndAnotherSeedOtherwise) {
  const SweepPlan a = plan_of(kRandom + "samples: 5"), b = plan_of(kRandom + "samples: 5");
  EXPECT_EQ(names_of(a), names_of(b));
  EXPECT_NE(names_of(a), names_of(plan_of(kRandom + "samples: 5 sample_seed: 2")));
  // More draws begin with the same ones.
  const SweepPlan more = plan_of(kRandom + "samples: 9");
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(more.runs[i].hash, a.runs[i].hash);
  // Written down once, so that a change of the generator does not go unseen.
  EXPECT_EQ(a.runs[0].name, kFirstDraw);
}

TEST(Sweep, AnAxisMoreLeavesTheDrawsOfTheOthersAsTheyWere) {
  const SweepPlan a = plan_of(kRandom + "samples: 5");
  const SweepPlan b = plan_of("random { key: 'augmentation.pad' kind: integer from: 0 to: 4 }" +
                              kRandom + "samples: 5");
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_EQ(a.runs[i].spec.optimizer().learning_rate(),
              b.runs[i].spec.optimizer().learning_rate());
}

TEST(Sweep, SkippedAndRepeatedDrawsGiveWayToTheNext) {
  const SweepPlan plan = plan_of(kRandom + R"(samples: 20
    require: "model.depth<=20" skip { when: "augmentation.mirror=true" when: "model.depth=8" })");
  EXPECT_EQ(plan.runs.size(), 20u);
  for (const SweepRun& run : plan.runs) {
    EXPECT_TRUE(holds(run.spec, "model.depth<=20"));
    EXPECT_FALSE(run.spec.augmentation().mirror() && holds(run.spec, "model.depth=8"));
  }
  const std::string two = "random { key: 'epochs' kind: choice value: '1' value: '2' } ";
  EXPECT_EQ(plan_of(two + "samples: 2").runs.size(), 2u);
  EXPECT_THAT(error_of(two + "samples: 3"),
              HasSubstr("samples: 3, but of 3000 draws only 2 differ and are not skipped"));
}

TEST(Sweep, EveryRowAndEverySeedHasTheSameDraws) {
  const SweepPlan plan = plan_of(kRandom + R"(samples: 3 seed: [1, 2]
    row { name: "plain" set: "model.name=plain" } row { name: "residual" })");
  ASSERT_EQ(plan.runs.size(), 12u);
  EXPECT_EQ(plan.cells.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i)
    EXPECT_EQ(plan.runs[i].spec.optimizer().learning_rate(),
              plan.runs[i + 6].spec.optimizer().learning_rate());
  EXPECT_THAT(plan.cells[0].row, testing::StartsWith("plain learning_rate="));
}

TEST(Sweep, RandomAxesThatMakeNoSenseAreRefusedInOneLine) {
  const auto axis = [](const std::string& rest) {
    return error_of("samples: 2 random { key: 'optimizer.momentum' " + rest + " }");
  };
  EXPECT_EQ(axis("from: 0.9 to: 0.1"),
            "s.textproto: random 'optimizer.momentum': from 0.9 is not below to 0.1");
  EXPECT_THAT(axis("kind: log_uniform from: 0 to: 1"), HasSubstr("wanted more than 0"));
  EXPECT_THAT(axis("kind: choice"), HasSubstr("choice has no value"));
  EXPECT_THAT(axis("value: '1'"), HasSubstr("has values; say kind: choice"));
  EXPECT_THAT(axis("kind: integer from: 0.5 to: 2"), HasSubstr("not whole"));
  EXPECT_THAT(error_of(kRandom), HasSubstr("say how many draws: samples: 20"));
  EXPECT_THAT(error_of("samples: 3"), HasSubstr("no random axis to draw"));
  EXPECT_THAT(error_of("samples: 1 random { key: 'optimizer.momentun' from: 0 to: 0.5 }"),
              HasSubstr("did you mean 'momentum'?"));
}

TEST(Sweep, TooManyRunsAreTakenForAMistake) {
  std::string axes;
  for (int i = 0; i < 40; ++i) axes += "axis { key: 'epochs' value: '1' value: '2' }";
  EXPECT_THAT(error_of(axes), HasSubstr("a sweep has at most 10000"));
}

}  // namespace
}  // namespace hadal::spec
