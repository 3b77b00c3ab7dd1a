#include <sstream>

#include <gmock/gmock.h>

#include "launcher/command.h"
#include "launcher/command_line.h"

namespace hadal::launcher {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Printed {
  int code;
  std::string out, err;
};

Printed hadal(const std::vector<std::string>& arguments) {
  std::ostringstream out, err;
  ::testing::internal::CaptureStdout();
  const int code = run_command_line(all_commands(), arguments, out, err);
  return {code, ::testing::internal::GetCapturedStdout() + out.str(), err.str()};
}

TEST(ModelsCommand, ListsEveryFamilyWithItsOptions) {
  const Printed printed = hadal({"models"});
  EXPECT_EQ(printed.code, 0);
  EXPECT_THAT(printed.out, AllOf(HasSubstr("fractalnet\n"), HasSubstr("options: columns, widths"),
                                 HasSubstr("imagenet_resnet\n"), HasSubstr("vgg\n")));
}

TEST(ModelsCommand, TellsAllAboutOne) {
  const Printed printed = hadal({"models", "resnet"});
  EXPECT_EQ(printed.code, 0);
  EXPECT_THAT(printed.out, AllOf(HasSubstr("shortcut=A    one of A, A-split, A-average, B, C"),
                                 HasSubstr("model { name: \"resnet\" set: \"depth=110\"")));
}

TEST(ModelsCommand, NamesTheNearestOfAnUnknownModel) {
  const Printed printed = hadal({"models", "resnt"});
  EXPECT_EQ(printed.code, 78);
  EXPECT_THAT(printed.err, HasSubstr("did you mean 'resnet'?"));
}

}  // namespace
}  // namespace hadal::launcher
