#include "core/cuda/plan_choices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"

namespace hadal::cuda {
namespace {

TEST(PlanChoices, MeasuresNothingWithoutAFile) {
  PlanChoices choices;
  EXPECT_FALSE(choices.measures());
  choices.remember("forward", 3);
  EXPECT_FALSE(choices.find("forward").has_value());
}

TEST(PlanChoices, AreReadBackByTheNextProcess) {
  const TemporaryFolder folder;
  PlanChoices(folder.path() / "plans", "H100 cudnn9").remember("forward x1x2 stride1x1", 3);
  const PlanChoices again(folder.path() / "plans", "H100 cudnn9");
  EXPECT_EQ(again.find("forward x1x2 stride1x1"), 3);
  EXPECT_FALSE(again.find("forward x1x2 stride2x2").has_value());
}

TEST(PlanChoices, OfAnotherMachineAreAnothers) {
  const TemporaryFolder folder;
  PlanChoices(folder.path() / "plans", "H100 cudnn9").remember("forward", 3);
  PlanChoices other(folder.path() / "plans", "A100 cudnn9");
  EXPECT_FALSE(other.find("forward").has_value());
  other.remember("forward", 1);
  EXPECT_EQ(PlanChoices(folder.path() / "plans", "H100 cudnn9").find("forward"), 3);
}

TEST(PlanChoices, OfTwoProcessesAreBothKept) {
  const TemporaryFolder folder;
  PlanChoices one(folder.path() / "plans", "gpu"), two(folder.path() / "plans", "gpu");
  one.remember("forward", 1);
  two.remember("data", 2);
  const PlanChoices both(folder.path() / "plans", "gpu");
  EXPECT_EQ(both.find("forward"), 1);
  EXPECT_EQ(both.find("data"), 2);
}

TEST(PlanChoices, ThatCannotBeReadAreRefused) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path() / "plans", "what is this\n");
  EXPECT_THAT([&] { PlanChoices(folder.path() / "plans", "gpu"); },
              testing::ThrowsMessage<DataError>(testing::HasSubstr("'what is this'")));
}

}  // namespace
}  // namespace hadal::cuda
