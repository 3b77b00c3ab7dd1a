// Every spec file of the tree names a model that builds, on images of its data set.
#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/files.h"
#include "experiments/spec/load.h"
#include "experiments/spec/sweep.h"
#include "models/registry.h"
#include "tests/places.h"

namespace hadal::spec {
namespace {

namespace fs = std::filesystem;

InputSpec input_of(const Data& data) {
  if (data.name() == "imagenet") return {.height = 224, .width = 224, .classes = 1000};
  if (data.name() != "mnist") return {.classes = data.name() == "cifar100" ? 100 : 10};
  const bool padded = std::ranges::find(data.preprocess(), "pad 2") != data.preprocess().end();
  const int extent = padded ? 32 : 28;
  return {.height = extent, .width = extent, .channels = 1};
}

/// A file with rows, axes or an inner experiment is a sweep.
bool is_sweep(const fs::path& path) {
  const std::string text = read_file(path);
  return std::ranges::any_of(
      std::vector<std::string>{"\nrow {", "\naxis {", "\nexperiment {"},
      [&](const std::string& sign) { return text.find(sign) != std::string::npos; });
}

std::vector<ExperimentSpec> experiments_in(const fs::path& path) {
  if (!is_sweep(path)) return {load_experiment(path)};
  std::vector<ExperimentSpec> specs;
  for (const SweepRun& run : load_plan(path).runs) specs.push_back(run.spec);
  return specs;
}

TEST(SpecFiles, EachModelBuildsOnItsData) {
  std::set<std::string> built;
  for (const auto& entry :
       fs::recursive_directory_iterator(fs::path(test::source_folder()) / "experiments")) {
    if (entry.path().extension() != ".textproto") continue;
    for (const ExperimentSpec& spec : experiments_in(entry.path())) {
      const std::string what = spec.model().ShortDebugString() + " on " + spec.data().name();
      if (!built.insert(what).second) continue;
      const std::vector<std::string> settings(spec.model().set().begin(), spec.model().set().end());
      EXPECT_NO_THROW(models::build(spec.model().name(), settings, input_of(spec.data())))
          << entry.path() << ": " << what;
    }
  }
  EXPECT_GT(built.size(), 40u);
}

}  // namespace
}  // namespace hadal::spec
