#include "launcher/table_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "launcher/sheet.h"
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

}  // namespace
}  // namespace hadal::launcher
