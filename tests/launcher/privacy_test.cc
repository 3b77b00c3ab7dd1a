#include "launcher/privacy.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/files.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

unsigned mode_of(const fs::path& path) {
  struct stat at {};
  EXPECT_EQ(::stat(path.c_str(), &at), 0) << path;
  return at.st_mode & 07777;
}

class Privacy : public testing::Test {
 protected:
  ~Privacy() override { ::umask(before); }
  static std::string refusal_of(const fs::path& folder) {
    try {
      require_trusted_folder(folder);
    } catch (const IoError& error) {
      EXPECT_EQ(error.exit_code(), ExitCode::kPermission);
      return error.what();
    }
    return "";
  }

  const mode_t before = ::umask(0);
  TemporaryFolder root;
  const fs::path folder = root.path() / "run";
};

TEST_F(Privacy, FilesAndFoldersAreForTheirUserAlone) {
  write_for_user_alone();
  require_writable_folder(folder);
  write_file_atomically(folder / "a", "x");
  LineAppender(folder / "b").append("x");
  std::ofstream(folder / "c") << "x";
  EXPECT_EQ(mode_of(folder), 0700u);
  for (const char* file : {"a", "b", "c"}) EXPECT_EQ(mode_of(folder / file), 0600u) << file;
}

TEST_F(Privacy, ASharedFolderIsReadByItsGroupAndSoIsWhatIsMadeInIt) {
  write_for_user_alone();
  share_with_group(folder);
  write_for_user_alone();  // as another process starts
  follow_folder(folder);
  write_file_atomically(folder / "a", "x");
  fs::create_directories(folder / "inner");
  EXPECT_EQ(mode_of(folder), 02750u);
  EXPECT_EQ(mode_of(folder / "a"), 0640u);
  EXPECT_EQ(mode_of(folder / "inner"), 02750u);
}

TEST_F(Privacy, AFolderThatWasNotSharedIsNotFollowed) {
  fs::create_directories(folder);  // 0777
  write_for_user_alone();
  follow_folder(folder);
  write_file_atomically(folder / "a", "x");
  EXPECT_EQ(mode_of(folder / "a"), 0600u);
}

TEST_F(Privacy, AFolderThatEverybodyMayWriteInIsRefusedWithTheWayOut) {
  fs::create_directories(folder);
  EXPECT_THAT(refusal_of(folder), HasSubstr("can be written by everybody"));
  EXPECT_THAT(refusal_of(folder), HasSubstr("--trust-folder"));
  fs::permissions(folder, fs::perms::owner_all | fs::perms::group_all);
  EXPECT_EQ(refusal_of(folder), "");
  EXPECT_EQ(refusal_of(root.path() / "not there"), "");
}

TEST_F(Privacy, AFolderOfSomebodyElseIsRefusedAndNamesBoth) {
  fs::create_directories(folder);
  fs::permissions(folder, fs::perms::owner_all);
  if (::chown(folder.c_str(), 65534, 65534) != 0) GTEST_SKIP() << "no right to give a folder away";
  EXPECT_THAT(refusal_of(folder), HasSubstr("belongs to nobody (65534), this is " + user_name()));
}

}  // namespace
}  // namespace hadal::launcher
