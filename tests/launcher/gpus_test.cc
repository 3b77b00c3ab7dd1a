#include "launcher/gpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"

namespace hadal::launcher {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FakeNvidiaSmi final : public Tools {
 public:
  ToolOutput call(const std::vector<std::string>& arguments, std::string_view, double) override {
    EXPECT_EQ(arguments.at(0), "nvidia-smi");
    if (missing) throw IoError(ExitCode::kMissingInput, "cannot start nvidia-smi: not found");
    return answer;
  }
  bool missing = false;
  ToolOutput answer{.out = "0, GPU-5a0c, Disabled\n1, GPU-77b1, Enabled\n2, GPU-5f3e, [N/A]\n"};
};

TEST(Gpus, AreNamedByUuidAndThoseCutUpByMigAreLeftAlone) {
  FakeNvidiaSmi tools;
  EXPECT_THAT(usable_gpus(tools, nullptr), ElementsAre("GPU-5a0c", "GPU-5f3e"));
}

TEST(Gpus, OnlyThoseThatAreVisibleMayBeUsed) {
  FakeNvidiaSmi tools;
  EXPECT_THAT(usable_gpus(tools, "2"), ElementsAre("GPU-5f3e"));
  EXPECT_THAT(usable_gpus(tools, "GPU-5a, 1"), ElementsAre("GPU-5a0c"));
  EXPECT_THAT(usable_gpus(tools, ""), IsEmpty());
}

TEST(Gpus, AMachineWithoutTheirToolIsOneLine) {
  FakeNvidiaSmi tools;
  tools.missing = true;
  EXPECT_THAT([&] { usable_gpus(tools, nullptr); },
              testing::ThrowsMessage<ConfigError>(HasSubstr("cannot start nvidia-smi")));
  tools.missing = false;
  tools.answer = {.exit_code = 9, .err = "NVIDIA-SMI has failed: no driver\n"};
  EXPECT_THAT([&] { usable_gpus(tools, nullptr); },
              testing::ThrowsMessage<ConfigError>(HasSubstr("no driver")));
}

}  // namespace
}  // namespace hadal::launcher
