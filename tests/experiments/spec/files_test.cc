// Every spec file of the tree says something that can be run.
#include "core/base/files.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "experiments/spec/load.h"
#include "experiments/spec/sweep.h"
#include "tests/places.h"

namespace hadal::spec {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> spec_files() {
  std::vector<fs::path> files;
  for (const auto& entry :
       fs::recursive_directory_iterator(fs::path(test::source_folder()) / "experiments"))
    if (entry.path().extension() == ".textproto") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// A file with rows, axes or an inner experiment is a sweep.
bool is_sweep(const fs::path& path) {
  const std::string text = read_file(path);
  return text.find("\nrow {") != std::string::npos || text.find("\naxis {") != std::string::npos ||
         text.find("\nexperiment {") != std::string::npos;
}

std::string error_of(const fs::path& path) {
  try {
    if (is_sweep(path))
      load_plan(path);
    else
      load_experiment(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(SpecFiles, EachOneResolves) {
  const std::vector<fs::path> files = spec_files();
  ASSERT_GT(files.size(), 50u);
  for (const fs::path& path : files) EXPECT_EQ(error_of(path), "") << path;
}

TEST(SpecFiles, NoTwoExperimentsAreTheSame) {
  std::set<std::string> hashes;
  for (const fs::path& path : spec_files()) {
    if (is_sweep(path)) continue;
    EXPECT_TRUE(hashes.insert(spec_hash(load_experiment(path))).second) << path;
  }
}

TEST(SpecFiles, EveryFileOpensWithWhatItIs) {
  for (const fs::path& path : spec_files()) EXPECT_EQ(read_file(path)[0], '#') << path;
}

TEST(SpecFiles, EveryExpectedFigureSaysWhereItIsPrinted) {
  for (const fs::path& path : spec_files()) {
    if (!is_sweep(path)) continue;
    for (const Expect& expect : load_plan(path).expect) {
      EXPECT_FALSE(expect.paper().empty()) << path << " " << expect.row();
      EXPECT_FALSE(expect.table().empty()) << path << " " << expect.row();
      EXPECT_NE(expect.status(), Expect::unknown) << path << " " << expect.row();
    }
  }
}

TEST(SpecFiles, TheDepthSweepHasNoPlainNetOf1202Layers) {
  const SweepPlan plan =
      load_plan(fs::path(test::source_folder()) / "experiments/depth/depth_c10.textproto");
  EXPECT_EQ(plan.cells.size(), 11u);
  EXPECT_EQ(plan.runs.size(), 33u);
  EXPECT_EQ(plan.expect.size(), 11u);
}

TEST(SpecFiles, TheLecturesTablesHaveTheirFigures) {
  const SweepPlan table1 =
      load_plan(fs::path(test::source_folder()) / "experiments/table1.textproto");
  const auto expected = [&](const std::string& row, const std::string& column,
                            const std::string& metric) {
    for (const Expect& expect : table1.expect)
      if (expect.row() == row && expect.column() == column && expect.metric() == metric)
        return expect.value();
    return -1.0;
  };
  EXPECT_EQ(expected("ResNet", "C10+", "test_error"), 6.61);
  EXPECT_EQ(expected("ResNet: Stochastic Depth", "C100", "test_error_at_best_validation"), 37.80);
  EXPECT_EQ(expected("FractalNet", "SVHN", "test_error"), 2.01);
  EXPECT_EQ(expected("FractalNet + dropout/drop-path", "C10+", "deepest_column_test_error"), 4.68);

  const SweepPlan table2 =
      load_plan(fs::path(test::source_folder()) / "experiments/table2.textproto");
  const auto hours =
      std::find_if(table2.expect.begin(), table2.expect.end(),
                   [](const Expect& expect) { return expect.metric() == "training_time_s"; });
  ASSERT_NE(hours, table2.expect.end());
  EXPECT_EQ(hours->value(), (20 * 60 + 42) * 60);
}

}  // namespace
}  // namespace hadal::spec
