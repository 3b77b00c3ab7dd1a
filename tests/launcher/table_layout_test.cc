#include "launcher/table_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/files.h"
#include "experiments/spec/load.h"
#include "experiments/translate.h"
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
  const Table table = table_in_layout(plan, {run({"seed=7"}, 6), run({"seed=8"}, 8)});
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
  const Table table = table_in_layout(plan, {run({"optimizer.learning_rate=0.2"}, 1)});
  EXPECT_TRUE(table.cells[0].runs.empty());
  EXPECT_THAT(table.note, HasSubstr("1 run of specs that are not in this layout left out"));
}

TEST_F(TableLayout, OfARunInTwoFoldersCountsOne) {
  const RunRecord once = run({"seed=7"}, 6);
  EXPECT_EQ(table_in_layout(plan, {once, once}).cells[0].finished, 1);
}

}  // namespace
}  // namespace hadal::launcher
