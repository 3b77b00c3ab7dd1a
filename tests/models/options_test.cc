#include "models/options.h"

#include <gmock/gmock.h>

#include "core/base/error.h"

namespace hadal::models {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<OptionSpec> kSpecs = {
    {.name = "depth", .default_value = "20", .meaning = "layers", .low = 8},
    {.name = "rate",
     .kind = OptionKind::kReal,
     .default_value = "0.5",
     .meaning = "dropout",
     .high = 0.9},
    {.name = "norm", .kind = OptionKind::kBool, .default_value = "false", .meaning = "BN"},
    {.name = "pool",
     .kind = OptionKind::kChoice,
     .default_value = "average",
     .meaning = "pooling",
     .choices = {"average", "max"}},
    {.name = "widths",
     .kind = OptionKind::kIntegers,
     .default_value = "1,2",
     .meaning = "",
     .low = 1},
    {.name = "drops", .kind = OptionKind::kReals, .default_value = "0", .meaning = "", .high = 1},
};

Options read(const std::vector<std::string>& settings) { return Options("net", kSpecs, settings); }

std::string complaint(const std::vector<std::string>& settings) {
  try {
    read(settings);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Options, AreTheirDefaultsUntilSet) {
  EXPECT_THAT(read({}).settings(), ElementsAre("depth=20", "rate=0.5", "norm=false", "pool=average",
                                               "widths=1,2", "drops=0"));
}

TEST(Options, ReadEveryKind) {
  const Options options = read(
      {"depth=110", "rate = 0.25", "norm=true", "pool=max", "widths=16, 32,64", "drops=0,0.1"});
  EXPECT_EQ(options.integer("depth"), 110);
  EXPECT_EQ(options.real("rate"), 0.25);
  EXPECT_TRUE(options.flag("norm"));
  EXPECT_EQ(options.choice("pool"), "max");
  EXPECT_THAT(options.integers("widths"), ElementsAre(16, 32, 64));
  EXPECT_THAT(options.reals("drops"), ElementsAre(0, 0.1));
}

TEST(Options, ThatAreUnknownNameTheNearest) {
  EXPECT_THAT(complaint({"dpeth=110"}), HasSubstr("unknown option 'dpeth'; did you mean 'depth'?"));
  EXPECT_THAT(complaint({"dpeth=110"}), HasSubstr("model net"));
}

TEST(Options, OfAWrongValueSayWhatIsWanted) {
  EXPECT_THAT(complaint({"depth=deep"}),
              HasSubstr("model net: depth=deep: wanted an integer from 8"));
  EXPECT_THAT(complaint({"depth=7"}), HasSubstr("wanted an integer from 8"));
  EXPECT_THAT(complaint({"depth=20.5"}), HasSubstr("wanted an integer from 8"));
  EXPECT_THAT(complaint({"rate=0.95"}), HasSubstr("wanted a number from 0 to 0.9"));
  EXPECT_THAT(complaint({"rate=nan"}), HasSubstr("wanted a number from 0 to 0.9"));
  EXPECT_THAT(complaint({"norm=yes"}), HasSubstr("wanted true or false"));
  EXPECT_THAT(complaint({"pool=averge"}),
              HasSubstr("wanted one of average, max; did you mean average?"));
  EXPECT_THAT(complaint({"widths=16,,32"}), HasSubstr("wanted integers from 1"));
  EXPECT_THAT(complaint({"drops=0,2"}), HasSubstr("wanted numbers from 0 to 1"));
}

TEST(Options, AreGivenOnceAndWithAValue) {
  EXPECT_THAT(complaint({"depth=20", "depth=32"}), HasSubstr("given twice"));
  EXPECT_THAT(complaint({"depth"}), HasSubstr("wanted name=value"));
}

}  // namespace
}  // namespace hadal::models
