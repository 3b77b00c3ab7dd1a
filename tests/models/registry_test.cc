#include "models/registry.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal::models {
namespace {

using ::testing::HasSubstr;

TEST(Registry, KnowsItsFamiliesByName) {
  EXPECT_TRUE(std::ranges::is_sorted(all_families(), {}, &Family::name));
  for (const Family& family : all_families()) EXPECT_EQ(&find_family(family.name), &family);
}

TEST(Registry, NamesTheNearestOfAnUnknownModel) {
  try {
    find_family("resnt");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("unknown model 'resnt'; did you mean 'resnet'?"));
    EXPECT_THAT(error.what(), HasSubstr("fractalnet"));
  }
}

TEST(Registry, EveryExampleBuildsFromItsOwnOptions) {
  for (const Family& family : all_families()) {
    std::vector<std::string> settings;
    if (!family.example.empty()) settings = split(family.example, ' ');
    const InputSpec input = {.height = 32, .width = 32, .channels = 3, .classes = 10};
    const Model model = build(family.name, settings, input);
    EXPECT_EQ(model.graph.shape(model.scores), (Shape{1, 10})) << family.name;
    EXPECT_EQ(model.graph.shape(model.loss), (Shape{1})) << family.name;
  }
}

TEST(Registry, EveryOptionSaysWhatItMeans) {
  for (const Family& family : all_families()) {
    EXPECT_FALSE(family.summary.empty()) << family.name;
    for (const OptionSpec& option : family.options)
      EXPECT_FALSE(option.meaning.empty()) << family.name << "." << option.name;
  }
}

TEST(Registry, SettingsThatSayTheDefaultBuildTheSame) {
  const std::vector<std::string> none, depth = {"depth=20"};
  EXPECT_EQ(read_options("resnet", none).settings(), read_options("resnet", depth).settings());
}

}  // namespace
}  // namespace hadal::models
