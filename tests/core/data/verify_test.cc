#include "core/data/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/files.h"
#include "core/base/hash.h"

namespace hadal::data {
namespace {

TEST(Verify, TellsGoodFromMissingWrongAndInflatedFiles) {
  TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::string& text) {
    write_file_atomically(folder.path() / name, text);
  };
  write("good", "abc");
  const std::string md5 = md5_of_file((folder.path() / "good").string());
  const std::string sha256 = sha256_of_file((folder.path() / "good").string());
  write("short", "ab");
  write("changed", "abd");
  write("packed", "long inflated text");
  DatasetInfo info;
  info.files = {{"good", 3, md5, sha256},
                {"short", 3, md5, ""},
                {"changed", 3, md5, ""},
                {"absent", 3, md5, ""},
                {"packed.gz", 3, md5, ""}};
  const auto reports = verify_files(info, folder.path());
  std::vector<FileState> states;
  for (const FileReport& report : reports) states.push_back(report.state);
  EXPECT_THAT(states, ::testing::ElementsAre(FileState::kGood, FileState::kWrongSize,
                                             FileState::kWrongChecksum, FileState::kMissing,
                                             FileState::kInflated));
  EXPECT_EQ(reports[1].detail, "2 bytes, wanted 3");
  EXPECT_THAT(reports[2].detail, ::testing::HasSubstr("wanted " + md5));
}

// Two classes of 1 x 2 pictures, two channels.
Dataset small_set() {
  Dataset set{.name = "made", .classes = 2};
  set.train = {.count = 3,
               .height = 1,
               .width = 2,
               .channels = 1,
               .pixels = {0, 2, 4, 6, 8, 10},
               .labels = {1, 0, 1}};
  set.test = {.count = 0, .height = 1, .width = 2, .channels = 1};
  return set;
}

TEST(Describe, CountsLabelsAndTakesMoments) {
  const auto reports = describe(small_set());
  EXPECT_THAT(reports[0].per_class, ::testing::ElementsAre(1, 2));
  EXPECT_DOUBLE_EQ(reports[0].channel_mean[0], 5.0);
  EXPECT_NEAR(reports[0].channel_std[0] * reports[0].channel_std[0], 35.0 / 3, 1e-12);
  EXPECT_EQ(reports[1].count, 0);
}

}  // namespace
}  // namespace hadal::data
