#include "launcher/table.h"

#include <cmath>
#include <fstream>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "launcher/sheet.h"
#include "launcher/statistic.h"
#include "launcher/table_input.h"
#include "tests/launcher/made_sweep.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Statistic, IsThatOfTheTextbook) {
  const Statistic s = summarize({7, 5, 9}).value();
  EXPECT_EQ(s.n, 3);
  EXPECT_DOUBLE_EQ(s.mean, 7);
  EXPECT_DOUBLE_EQ(s.deviation.value(), 2);  // sqrt((4 + 0 + 4) / 2)
  EXPECT_DOUBLE_EQ(s.median, 7);
  EXPECT_EQ(s.minimum, 5);
  EXPECT_EQ(s.maximum, 9);
  // t(0.975, 2) = 4.30265 from a printed table, to its five decimals.
  EXPECT_NEAR(s.confidence().value(), 4.30265 * 2 / std::sqrt(3), 1e-5);
  // t(0.995, 2) = 9.92484, likewise.
  EXPECT_NEAR(s.confidence(0.99).value(), 9.92484 * 2 / std::sqrt(3), 1e-5);
  EXPECT_DOUBLE_EQ(summarize({1, 2, 3, 10}).value().median, 2.5);
}

TEST(Statistic, OfOneValueHasNoDeviationAndOfNoneIsNone) {
  const Statistic s = summarize({4}).value();
  EXPECT_EQ(s.mean, 4);
  EXPECT_EQ(s.deviation, std::nullopt);
  EXPECT_EQ(s.confidence(), std::nullopt);
  EXPECT_FALSE(summarize({}).has_value());
}

TEST(Statistic, DoesNotHideAValueThatIsNotFinite) {
  const Statistic s = summarize({4, NAN, 5}).value();
  EXPECT_EQ(s.n, 3);
  EXPECT_TRUE(std::isnan(s.mean));
  EXPECT_TRUE(std::isnan(s.median));
}

TEST(Table, KeepsTheLastEpochAndTheBestValidationEpochApart) {
  MadeSweep sweep;
  sweep.finish("net", "", 1, {.last = 7, .best = 6, .seconds = 10, .train_error = 1});
  sweep.finish("net", "", 2, {.last = 5, .best = 8, .seconds = 30, .train_error = 3});
  const Table table = table_of(sweep.read());
  ASSERT_EQ(table.cells.size(), 1u);
  const Cell& cell = table.cells[0];
  EXPECT_EQ(cell.finished, 2);
  EXPECT_EQ(cell.headline, Metric::kTestError);
  EXPECT_DOUBLE_EQ(cell.find(Metric::kTestError)->mean, 6);
  EXPECT_DOUBLE_EQ(cell.find(Metric::kTestErrorAtBestValidation)->mean, 7);
  EXPECT_DOUBLE_EQ(cell.find(Metric::kTrainingError)->mean, 2);
  EXPECT_DOUBLE_EQ(cell.find(Metric::kTrainingTime)->median, 20);
  EXPECT_EQ(cell.find(Metric::kDeepestColumnTestError), nullptr);
}

TEST(Table, AFinishedRunThatWentBackCountsAndSaysSo) {
  MadeSweep sweep;
  RunResult result = finished({.last = 7});
  result.rewinds = {{.step = 26, .to = 20, .rate_factor = 0.5, .reason = "loss is NaN"}};
  write_result(sweep.start("net", "", 1), result);
  sweep.finish("net", "", 2, {.last = 5});
  const Table table = table_of(sweep.read());
  EXPECT_EQ(table.cells.at(0).finished, 2);
  EXPECT_EQ(table.runs[0].detail,
            "went back from step 26 to 20, its learning rate at 0.5 of the spec's: loss is NaN");
  EXPECT_EQ(table.runs[1].detail, "");
  const std::vector<Sheet> sheets = sheets_of(table);
  const Sheet& last = sheets.back();
  EXPECT_EQ(last.heading, "Failed and unfinished runs, and runs that went back");
  ASSERT_EQ(last.lines.size(), 1u);
  EXPECT_EQ(last.lines[0].at(2).text, table.runs[0].detail);
}

TEST(Table, OfManyRunsTheDamagedOneIsNamedWhereItsMetricsAreRead) {
  MadeSweep sweep;
  for (int seed = 1; seed <= 70; ++seed) sweep.finish("net", "", seed, {.last = 7});
  const fs::path damaged = sweep.start("net", "", 71) / "metrics.jsonl";
  sweep.read();
  write_file_atomically(damaged, "{\"kind\":\n{}\n");
  EXPECT_EQ(table_of(read_sweep(sweep.path(), ReadRuns::kResult)).cells.at(0).finished, 70);
  try {
    read_sweep(sweep.path(), ReadRuns::kAll);
    FAIL() << "read all the same";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(damaged.string()));
  }
}

TEST(Table, NothingIsPickedByTestErrorWhereAStrategyChose) {
  MadeSweep sweep("name: \"made\"\nstrategy { name: \"asha\" }\n");
  for (const auto& [seed, validation, test] :
       {std::tuple(1, 8.0, 9.0), std::tuple(2, 7.0, 9.5), std::tuple(3, 7.5, 5.0)}) {
    RunResult result = finished({.last = test});
    result.last->validation_error = validation;
    write_result(sweep.start("net", "", seed), result);
  }
  const Table table = table_of(sweep.read());
  EXPECT_TRUE(table.is_search);
  EXPECT_EQ(table.chosen, 1u);
  EXPECT_THAT(table.note, testing::HasSubstr("the lowest is 7.00 % of run1, whose test error is "
                                             "9.50 %"));
}

TEST(Table, CountsFailedUnfinishedAndUnstartedRunsAndLeavesThemOutOfTheMean) {
  MadeSweep sweep;
  sweep.finish("net", "", 1, {.last = 7});
  const std::string failed = sweep.fail("net", "", 2, "loss is not finite at step 7");
  const fs::path torn = sweep.start("net", "", 3);
  MetricsWriter(torn).epoch({.epoch = 1, .step = 10, .test_error = 2.0});
  std::ofstream(torn / "metrics.jsonl", std::ios::app) << "{\"kind\":\"epoch\",\"epo";
  write_progress(torn, {.epoch = 1, .epochs = 9});
  sweep.plan("net", "", 4);
  const Table table = table_of(sweep.read());
  const Cell& cell = table.cells.at(0);
  EXPECT_EQ(cell.finished, 1);
  EXPECT_EQ(cell.failed, 1);
  EXPECT_EQ(cell.unfinished, 2);
  EXPECT_EQ(cell.runs.size(), 4u);
  EXPECT_EQ(cell.find(Metric::kTestError)->n, 1);
  EXPECT_EQ(cell.find(Metric::kTestError)->mean, 7);
  EXPECT_EQ(table.runs[1].id, failed);
  EXPECT_EQ(table.runs[1].detail, "loss is not finite at step 7");
  EXPECT_EQ(table.runs[2].detail, "at epoch 1 of 9");
  EXPECT_EQ(table.runs[2].record->epochs.size(), 1u);
  EXPECT_EQ(table.runs[3].detail, "not started");
}

TEST(Table, ADrainedRunIsUnfinishedWhateverItMeasured) {
  MadeSweep sweep;
  RunResult result = finished({.last = 3});
  result.status = RunStatus::kDrained;
  result.reason = "signal 10";
  write_result(sweep.start("net", "", 1), result);
  const Table table = table_of(sweep.read());
  EXPECT_EQ(table.cells[0].unfinished, 1);
  EXPECT_EQ(table.cells[0].find(Metric::kTestError), nullptr);
  EXPECT_EQ(table.runs[0].detail, "drained, signal 10");
}

TEST(Table, ComparesEachFigureOfThePaperWithTheSameQuantityOfOurs) {
  MadeSweep sweep(R"(name: "made"
    expect { row: "net" column: "C10" metric: "training_time_s" value: 100 }
    expect { row: "net" column: "C10" metric: "test_error_at_best_validation" value: 5.5 std: 0.25
             paper: "Huang et al. 2016" table: "Table 1" status: verified note: "of 5.23" }
    expect { row: "net" column: "C10" metric: "top5_error" value: 1 })");
  sweep.finish("net", "C10", 1, {.last = 7, .best = 6, .seconds = 10});
  sweep.finish("net", "C10", 2, {.last = 9, .best = 8, .seconds = 40});
  sweep.plan("net", "C100", 1);
  sweep.plan("other", "C100", 1);
  const Table table = table_of(sweep.read());
  EXPECT_THAT(table.rows, ElementsAre("net", "other"));
  EXPECT_THAT(table.columns, ElementsAre("C10", "C100"));
  const Cell& cell = table.cells[0];
  EXPECT_EQ(cell.headline, Metric::kTestErrorAtBestValidation);
  ASSERT_EQ(cell.expected.size(), 3u);
  EXPECT_DOUBLE_EQ(cell.expected[0].difference.value(), -75);
  const Expected& error = *cell.headline_expected();
  EXPECT_DOUBLE_EQ(error.difference.value(), 1.5);
  EXPECT_EQ(error.source, "Huang et al. 2016, Table 1");
  EXPECT_EQ(error.status, "verified");
  EXPECT_EQ(error.deviation, 0.25);
  EXPECT_EQ(cell.expected[2].metric, std::nullopt);
  EXPECT_EQ(cell.expected[2].difference, std::nullopt);
  EXPECT_TRUE(table.cells[1].measured.empty());
  EXPECT_TRUE(table.cells[1].expected.empty());
}

TEST(Table, ReadsTheDeepestColumn) {
  MadeSweep sweep;
  RunResult result = finished({.last = 6});
  result.deepest_column_test_error = 6.5;
  write_result(sweep.start("fractal", "", 1), result);
  EXPECT_EQ(table_of(sweep.read()).cells[0].find(Metric::kDeepestColumnTestError)->mean, 6.5);
}

class LooseRuns : public testing::Test {
 protected:
  // A folder as `hadal train --out` leaves it.
  fs::path run(const std::string& folder, const std::string& spec, double error) {
    const fs::path path = root.path() / folder;
    prepare_run_folder(path, spec, hex64(hash64(spec)), {});
    write_result(path, finished({.last = error}));
    return path;
  }
  static std::string spec(const std::string& model, int seed, const std::string& name = "") {
    return "name: \"" + name + "\" model { " + model +
           " } data { name: \"cifar10\" } optimizer { learning_rate: 0.1 } epochs: 1 seed: " +
           std::to_string(seed);
  }
  TemporaryFolder root;
};

TEST_F(LooseRuns, AreGroupedByTheirSpecWithoutItsSeed) {
  run("a", spec("name: \"resnet\" set: \"depth=20\"", 1), 5);
  run("b", spec("name: \"resnet\" set: \"depth=20\"", 2), 7);
  run("c", spec("name: \"plain\"", 1), 9);
  const std::vector<Table> tables = read_tables({root.path()});
  ASSERT_EQ(tables.size(), 1u);
  EXPECT_THAT(tables[0].rows, ElementsAre("resnet depth=20", "plain"));
  EXPECT_EQ(tables[0].cells[0].find(Metric::kTestError)->n, 2);
  EXPECT_EQ(tables[0].cells[0].find(Metric::kTestError)->mean, 6);
}

TEST_F(LooseRuns, OfTheSameNameAreToldApartByWhatDiffers) {
  const fs::path a = run("a", spec("name: \"resnet\"", 1, "net, seed 1"), 5);
  const fs::path b = run("b", spec("name: \"resnet\" set: \"depth=56\"", 1, "net, seed 1"), 7);
  EXPECT_THAT(read_tables({a, b})[0].rows, ElementsAre("net", "net (model.depth=56)"));
}

TEST_F(LooseRuns, CountOnceHoweverManyFoldersRepeatThem) {
  run("a", spec("name: \"resnet\"", 1), 5);
  run("b", spec("name: \"resnet\"", 1), 5);
  const Table table = read_tables({root.path(), root.path() / "a"})[0];
  EXPECT_EQ(table.cells[0].finished, 1);
  EXPECT_THAT(table.note, HasSubstr("1 folders repeat"));
}

TEST_F(LooseRuns, ASweepAmongThemIsATableOfItsOwn) {
  MadeSweep sweep;
  sweep.finish("net", "", 1, {.last = 7});
  sweep.read();
  const fs::path a = run("a", spec("name: \"resnet\"", 1), 5);
  const std::vector<Table> tables = read_tables({a, sweep.path()});
  ASSERT_EQ(tables.size(), 2u);
  EXPECT_EQ(tables[0].name, "made");
  EXPECT_EQ(tables[1].name, "runs");
}

TEST_F(LooseRuns, AFolderThatHoldsNothingIsAnError) {
  EXPECT_THROW(read_tables({root.path() / "nowhere"}), IoError);
  EXPECT_THROW(read_tables({root.path()}), IoError);
}

}  // namespace
}  // namespace hadal::launcher
