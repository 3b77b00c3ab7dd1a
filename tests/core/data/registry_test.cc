#include "core/data/registry.h"

#include <cstdlib>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "tests/core/data/made_files.h"

namespace hadal::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename E>
std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  return "nothing thrown";
}

TEST(Registry, KnowsItsSetsAndSuggestsThem) {
  std::vector<std::string> names;
  for (const DatasetInfo& info : datasets()) names.push_back(info.name);
  EXPECT_THAT(names, ElementsAre("cifar10", "cifar100", "generator", "imagenet", "mnist", "svhn"));
  EXPECT_THAT(error_of<ConfigError>([] { load_dataset("cifar01"); }),
              HasSubstr("did you mean 'cifar10'"));
  EXPECT_THAT(error_of<ConfigError>([] {
                load_dataset("generator", {.data_dir = "", .values = {{"trian", "3"}}});
              }),
              HasSubstr("did you mean 'train'"));
}

TEST(Registry, ImageNetIsKnownByItsSizeButCannotBeRead) {
  EXPECT_EQ(find_dataset("imagenet").classes, 1000);
  EXPECT_THAT(error_of<ConfigError>([] { load_dataset("imagenet"); }), HasSubstr("cannot be read"));
}

TEST(Registry, GeneratorTakesItsOptionsAsText) {
  const Dataset set = load_dataset(
      "generator", {.data_dir = "", .values = {{"train", "20"}, {"test", "10"}, {"side", "16"}}});
  EXPECT_EQ(set.train.count, 20);
  EXPECT_EQ(set.train.width, 16);
}

TEST(Registry, MissingFilesSayWhereItLookedAndTheWayOut) {
  TemporaryFolder folder;
  EXPECT_THAT(error_of<IoError>([&] {
                load_dataset("svhn", {.data_dir = folder.path().string(),
                                      .values = {{"train_file", "in_no_folder.mat"}}});
              }),
              AllOf(HasSubstr("(--data-dir; no svhn/in_no_folder.mat)"),
                    HasSubstr("data (default; no svhn/in_no_folder.mat)"),
                    HasSubstr("hadal data fetch svhn")));
}

TEST(Registry, FilesOfAnotherSizeThanTheOfficialAreRefused) {
  TemporaryFolder folder;
  for (const OfficialFile& file : find_dataset("cifar10").files) {
    std::filesystem::create_directories((folder.path() / file.path).parent_path());
    write_file_atomically(folder.path() / file.path, "too short");
  }
  EXPECT_THAT(error_of<DataError>([&] {
                load_dataset("cifar10", {.data_dir = folder.path().string(), .values = {}});
              }),
              HasSubstr("9 bytes, wanted the official 30730000"));
}

TEST(Registry, SvhnTakesNamedFilesAndKeepsExtraApart) {
  TemporaryFolder folder;
  const auto write = [&](const std::string& name, int count) {
    const Bytes file = svhn_file(count, true);
    write_file_atomically(folder.path() / "svhn" / name,
                          {reinterpret_cast<const char*>(file.data()), file.size()});
  };
  std::filesystem::create_directories(folder.path() / "svhn");
  write("a.mat", 12);
  write("b.mat", 20);
  const Dataset set = load_dataset(
      "svhn",
      {.data_dir = folder.path().string(),
       .values = {{"train_file", "a.mat"}, {"extra_file", "b.mat"}, {"test_file", "none"}}});
  EXPECT_EQ(set.official_train_count, 12);
  EXPECT_EQ(set.train.count, 32);
  EXPECT_EQ(set.train.labels[12], 1);
  EXPECT_EQ(set.test.count, 0);
}

}  // namespace
}  // namespace hadal::data
