// `hadal data` as it is typed.
#include <filesystem>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/files.h"
#include "core/image/png.h"
#include "launcher/command_line.h"

namespace hadal::launcher {
namespace {

using testing::HasSubstr;

struct Outcome {
  int code;
  std::string out, err;
};

Outcome run(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "data");
  std::ostringstream out, err;
  testing::internal::CaptureStdout();
  const int code = run_command_line(all_commands(), arguments, out, err);
  return {code, testing::internal::GetCapturedStdout() + out.str(), err.str()};
}

TEST(DataCommand, ListsSetsTheirOptionsAndWhereItLooks) {
  const Outcome outcome = run({"list", "--data-dir", "/nowhere"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("generator  built in"));
  EXPECT_THAT(outcome.out, HasSubstr("--set extra_file=extra_32x32.mat"));
  EXPECT_THAT(outcome.out, HasSubstr("Looked for in this order: /nowhere (--data-dir)"));
}

TEST(DataCommand, VerifyCountsTheLabels) {
  const Outcome outcome = run({"verify", "generator", "--set", "train=30", "--set", "test=10"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("train: 30 images; per class 3 3 3 3 3 3 3 3 3 3; pixels"));
}

TEST(DataCommand, SheetWritesAPicture) {
  TemporaryFolder folder;
  const std::string path = (folder.path() / "sheet.png").string();
  const Outcome outcome = run(
      {"sheet", "generator", "--set", "train=20", "--columns", "2", "--zoom", "1", "--out", path});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(image::read_png(path).height, 10 + 10 * 32 + 9 * 6 + 10);  // margins, rows, gaps
}

TEST(DataCommand, EveryMistakeIsOneLineWithTheWayOut) {
  EXPECT_EQ(run({"verify", "svhn", "--set", "train_file=in_no_folder.mat"}).code, 66);
  EXPECT_THAT(run({"verify", "cifar01"}).err, HasSubstr("did you mean 'cifar10'"));
  EXPECT_THAT(run({"verify", "generator", "--set", "train"}).err, HasSubstr("wanted key=value"));
  EXPECT_THAT(run({"verify", "generator", "--set", "train=many"}).err, HasSubstr("many"));
  EXPECT_THAT(run({"fetch", "generator"}).err, HasSubstr("built in"));
  EXPECT_EQ(run({"verify", "generator", "--set", "trian=3"}).code, 78);
}

}  // namespace
}  // namespace hadal::launcher
