#include "launcher/table_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "launcher/sheet.h"
#include "launcher/table_input.h"
#include "tests/launcher/made_sweep.h"

namespace hadal::launcher {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class TableView : public testing::Test {
 protected:
  TableView() {
    for (int seed = 1; seed <= 5; ++seed) {
      sweep.finish("ResNet-110", "C10", seed, {.last = 6.0 + seed});
      sweep.finish("ResNet-110, dropped", "C10", seed, {.last = 5.0 + seed - 0.1 * seed});
      sweep.finish("plain-110", "C100", seed, {.last = 30});
    }
    sweep.finish("ResNet-110, dropped", "C10", 6, {.last = 1});  // without a partner
    sweep.fail("ResNet-110", "C10", 6, "the loss is not finite");
  }
  MadeSweep sweep;
};

TEST_F(TableView, SelectsRowsAndColumnsByPattern) {
  const Table table = table_of(sweep.read());
  EXPECT_THAT(selected(table, {"ResNet*"}, {}).rows,
              ElementsAre("ResNet-110", "ResNet-110, dropped"));
  const Table c100 = selected(table, {}, {"C100"});
  EXPECT_THAT(c100.rows, ElementsAre("plain-110"));
  EXPECT_EQ(c100.runs.size(), 5u);
  EXPECT_EQ(c100.cells.at(0).finished, 5);
}

TEST_F(TableView, ARowThatIsNotThereIsAnErrorThatNamesWhatIs) {
  Table table = table_of(sweep.read());
  EXPECT_THROW(selected(table, {"RestNet*"}, {}), UsageError);
  try {
    compare_rows(table, "ResNet-101");
    FAIL() << "compared with a row that is not there";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean 'ResNet-110'"));
  }
}

TEST_F(TableView, ComparesRowsOverTheSeedsThatFinishedInBoth) {
  Table table = table_of(sweep.read());
  compare_rows(table, "ResNet-110");
  ASSERT_EQ(table.comparisons.size(), 1u);  // plain-110 has no such column
  const Comparison& comparison = table.comparisons[0];
  EXPECT_EQ(comparison.row, "ResNet-110, dropped");
  EXPECT_EQ(comparison.test.pairs, 5);
  EXPECT_NEAR(comparison.test.mean, -1.3, 1e-12);
  EXPECT_DOUBLE_EQ(comparison.test.wilcoxon_p.value(), 2.0 / 32);
  EXPECT_LT(comparison.test.t_p.value(), 0.001);
  const auto sheets = sheets_of(table);
  EXPECT_TRUE(std::any_of(sheets.begin(), sheets.end(), [](const Sheet& sheet) {
    return sheet.kind == Sheet::Kind::kComparisons &&
           sheet.heading == "Against ResNet-110, seed by seed";
  }));
}

class TableWhere : public testing::Test {
 protected:
  TableWhere() {
    for (const int depth : {8, 20})
      for (const int seed : {1, 2}) {
        const auto folder = sweep.start(fmt::format("net {}", depth), "", seed);
        write_file_atomically(
            folder / "spec.textproto",
            fmt::format(
                "name: \"net\" model {{ name: \"resnet\" set: \"depth={}\" }} data {{ name: "
                "\"generator\" }} optimizer {{ learning_rate: 0.1 }} epochs: 1 seed: {}",
                depth, seed));
        write_result(folder, finished({.last = 1.0 * depth + seed}));
      }
    sweep.plan("net 8", "", 3);
  }
  MadeSweep sweep;
};

TEST_F(TableWhere, KeepsRunsWhoseSpecMeetsEveryCondition) {
  const Table table = table_of(sweep.read());
  const auto deep = where({table}, {"model.depth>=20", "seed!=2"});
  ASSERT_EQ(deep.size(), 1u);
  ASSERT_THAT(deep[0].rows, ElementsAre("net 20"));
  EXPECT_EQ(deep[0].cells.at(0).finished, 1);
  EXPECT_THAT(deep[0].note, HasSubstr("1 that has not started left out"));
}

TEST_F(TableWhere, SaysWhenNothingIsLeftAndWhatAFieldIsCalled) {
  const Table table = table_of(sweep.read());
  EXPECT_THROW(where({table}, {"model.depth>100"}), UsageError);
  try {
    where({table}, {"model.depht>100"});
    FAIL() << "took a field that is not there";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("depht"));
  }
}

TEST_F(TableWhere, GroupsRunsOfAnySweepByTheirFields) {
  sweep.read();
  const Table by_depth = grouped(read_runs({sweep.path()}), {"model.depth"}, {});
  EXPECT_THAT(by_depth.rows, ElementsAre("depth=8", "depth=20"));
  EXPECT_EQ(by_depth.cells.at(0).finished, 2);
  EXPECT_EQ(by_depth.note, "");
  const Table by_model = grouped(read_runs({sweep.path()}), {"model.name"}, {"seed"});
  EXPECT_THAT(by_model.columns, ElementsAre("seed=1", "seed=2"));
  EXPECT_THAT(by_model.note,
              HasSubstr("name=resnet, seed=1 mixes runs that differ in model.depth"));
}

}  // namespace
}  // namespace hadal::launcher
