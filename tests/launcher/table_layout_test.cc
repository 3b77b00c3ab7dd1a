#include "launcher/table_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/files.h"
#include "experiments/spec/load.h"
#include "experiments/translate.h"
#include "launcher/sheet.h"
#include "launcher/sweep_planner.h"
#include "tests/launcher/made_sweep.h"

namespace hadal::launcher {
namespace {

using testing::HasSubstr;

constexpr const char* kLayout = R"(
  name: "layout"
  experiment {
    model { name: "resnet" set: "depth=8" } data { name: "generator" }
    optimizer { learning_rate: 0.1 } epochs: 1
  }
  seed: [1, 2]
  row { name: "ResNet-8" expect { value: 5 } }
  row { name: "ResNet-14" set: "model.depth=14" expect { value: 4 } }
)";

class TableLayout : public testing::Test {
 protected:
  TableLayout() {
    write_file_atomically(root.path() / "layout.textproto", kLayout);
    plan = plan_sweep(root.path() / "layout.textproto", {}, experiments::complete);
  }
  /// A finished run of the first row's spec with these changes.
  RunRecord run(const std::vector<std::string>& set, double test_error) {
    const spec::ExperimentSpec spec =
        spec::experiment_from_text(plan.runs.at(0).spec_text, "layout", set, experiments::complete);
    const auto folder = root.path() / spec::spec_hash(spec);
    prepare_run_folder(folder, spec::canonical_text(spec), spec::spec_hash(spec), {});
    write_result(folder, finished({.last = test_error}));
    return read_run(folder).value();
  }

  TemporaryFolder root;
  SweepPlan plan;
};

TEST_F(TableLayout, TakesRunsOfAnySeedAndLeavesCellsWithoutRunsBlank) {
  const Table table = table_in_layout(layout_of(plan), {run({"seed=7"}, 6), run({"seed=8"}, 8)});
  ASSERT_EQ(table.cells.size(), 2u);
  EXPECT_EQ(table.cells[0].row, "ResNet-8");
  EXPECT_EQ(table.cells[0].finished, 2);
  EXPECT_DOUBLE_EQ(table.cells[0].find(Metric::kTestError)->mean, 7);
  EXPECT_DOUBLE_EQ(table.cells[0].expected.at(0).difference.value(), 2);
  EXPECT_EQ(table.cells[1].row, "ResNet-14");
  EXPECT_TRUE(table.cells[1].runs.empty());
  EXPECT_EQ(table.cells[1].find(Metric::kTestError), nullptr);
  EXPECT_EQ(table.cells[1].expected.at(0).value, 4);
}

TEST_F(TableLayout, LeavesRunsOfOtherSpecsOutAndSaysSo) {
  const Table table = table_in_layout(layout_of(plan), {run({"optimizer.learning_rate=0.2"}, 1)});
  EXPECT_TRUE(table.cells[0].runs.empty());
  EXPECT_THAT(table.note, HasSubstr("1 run of specs that are not in this layout left out"));
}

TEST_F(TableLayout, OfARunInTwoFoldersCountsOne) {
  const RunRecord once = run({"seed=7"}, 6);
  EXPECT_EQ(table_in_layout(layout_of(plan), {once, once}).cells[0].finished, 1);
}

TEST_F(TableLayout, ShowsPaperOursAndDifferenceAndNothingWhereNothingWasRun) {
  const Table table = table_in_layout(layout_of(plan), {run({"seed=7"}, 6), run({"seed=8"}, 8)});
  const Sheet sheet = sheets_of(table).at(0);
  ASSERT_EQ(sheet.kind, Sheet::Kind::kLayout);
  std::vector<std::string> texts;
  for (const auto& line : sheet.lines)
    texts.push_back(
        without_ties(fmt::format("{}|{}|{}", line.at(0).text, line.at(1).text, line.at(2).text)));
  EXPECT_THAT(texts, testing::ElementsAre("ResNet-8|paper|5.00", "|ours|7.00 \u00b1 1.41 (2)",
                                          "|ours \u2212 paper|+2.00", "ResNet-14|paper|4.00",
                                          "|ours|", "|ours \u2212 paper|"));
}

TEST_F(TableLayout, RunsOnOtherNumbersOfRanksBelongAndAreTold) {
  const Table table = table_in_layout(layout_of(plan),
                                      {run({"seed=7"}, 6), run({"seed=7", "logical_shards=4"}, 8)});
  EXPECT_EQ(table.cells[0].finished, 2);
  EXPECT_THAT(table.note, HasSubstr("ResNet-8 holds runs of 1 and 4 logical shards"));
}

TEST(Layouts, AreFoundByNameWithoutTheSourceTree) {
  EXPECT_THAT(layout_names(),
              testing::ElementsAre("fractalnet-table1", "stochastic-depth-table1", "table2"));
  for (const std::string& name : layout_names()) {
    const Layout layout = find_layout(name);
    EXPECT_EQ(layout.name, name);
    EXPECT_FALSE(layout.cells.empty());
  }
  EXPECT_THROW(find_layout("fractalnet-table2"), UsageError);
}

TEST(Layouts, PrintTheLecturesFigures) {
  const Table table = table_in_layout(find_layout("fractalnet-table1"), {});
  const Sheet sheet = sheets_of(table).at(0);
  EXPECT_EQ(sheet.columns.size(), 9u);  // method, what, and seven data sets
  // The last line of the lecture's table.
  const auto line = std::find_if(sheet.lines.begin(), sheet.lines.end(), [](const auto& cells) {
    return cells[0].text.find("Deepest column alone") != std::string::npos;
  });
  ASSERT_NE(line, sheet.lines.end());
  std::vector<double> figures;
  for (std::size_t c = 2; c < line->size(); ++c) figures.push_back(line->at(c).number.value());
  EXPECT_THAT(figures, testing::ElementsAre(29.05, 24.32, 23.60, 7.27, 4.68, 4.63, 1.89));
  for (const Cell& cell : table.cells) EXPECT_TRUE(cell.runs.empty() && cell.measured.empty());
}

// The sweeps that run the lecture's tables quote the same figures.
TEST(Layouts, AgreeWithTheSweepsOfTheSameTables) {
  const std::filesystem::path folder = std::filesystem::path(HADAL_SOURCE_DIR) / "experiments";
  const Layout printed = find_layout("fractalnet-table1");
  int compared = 0;
  for (const LayoutCell& ours :
       layout_of(plan_sweep(folder / "table1.textproto", {}, experiments::complete)).cells)
    for (const Expected& e : ours.expected)
      for (const LayoutCell& cell : printed.cells)
        if (cell.column == ours.column && cell.specs == ours.specs && !cell.expected.empty() &&
            cell.expected[0].metric == e.metric) {
          EXPECT_EQ(cell.expected[0].value, e.value) << cell.row << ", " << cell.column;
          ++compared;
        }
  EXPECT_EQ(compared, 28);
}

}  // namespace
}  // namespace hadal::launcher
