#include "core/matrix/npz.h"

#include <filesystem>

#include <gmock/gmock.h>

#include "core/base/files.h"
#include "core/matrix/zip.h"
#include "tests/core/matrix/made_files.h"
#include "tests/core/matrix/read_all.h"

namespace hadal::matrix {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::string_literals;

std::string little_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 255);
  return text;
}

// An archive of one stored member whose sizes and places are all in ZIP64 fields.
std::string zip64(const std::string& name, const std::string& contents) {
  const std::string none = little_endian(0xffffffff, 4);
  const auto extra = [&](std::uint64_t bytes) {
    return little_endian(1, 2) + little_endian(bytes, 2);
  };
  const std::string sizes = little_endian(contents.size(), 8) + little_endian(contents.size(), 8);
  const std::string local = "PK\3\4"s + little_endian(45, 2) + std::string(8, '\0') +
                            std::string(4, '\0') + none + none + little_endian(name.size(), 2) +
                            little_endian(20, 2) + name + extra(16) + sizes;
  const std::string directory =
      "PK\1\2"s + little_endian(45, 2) + little_endian(45, 2) + std::string(8, '\0') +
      std::string(4, '\0') + none + none + little_endian(name.size(), 2) + little_endian(28, 2) +
      std::string(10, '\0') + none + name + extra(24) + sizes + little_endian(0, 8);
  const std::uint64_t start = local.size() + contents.size();
  const std::string end64 = "PK\6\6"s + little_endian(44, 8) + little_endian(45, 2) +
                            little_endian(45, 2) + std::string(8, '\0') + little_endian(1, 8) +
                            little_endian(1, 8) + little_endian(directory.size(), 8) +
                            little_endian(start, 8);
  const std::string locator = "PK\6\7"s + std::string(4, '\0') +
                              little_endian(start + directory.size(), 8) + little_endian(1, 4);
  const std::string end =
      "PK\5\6"s + std::string(4, '\0') + "\xff\xff\xff\xff"s + none + none + std::string(2, '\0');
  return local + contents + directory + end64 + locator + end;
}

class Npz : public ::testing::Test {
 protected:
  std::unique_ptr<StoredRows> open(const std::string& contents, const std::string& key = "",
                                   const FileUse& use = {}) {
    const std::filesystem::path path = folder_.path() / "x.npz";
    write_file_atomically(path, contents);
    return open_npz(path, key, use);
  }
  std::string error(const std::string& contents, const std::string& key = "") {
    return error_of([&] { open(contents, key); });
  }

  TemporaryFolder folder_;
};

TEST_F(Npz, StoredAndCompressedMembersAreRead) {
  for (const std::string& file : {kStoredNpz, kDeflatedNpz})
    for (const FileAccess access : {FileAccess::kMap, FileAccess::kRead}) {
      const auto a = open(file, "a", {.access = access});
      EXPECT_EQ(a->element(), Element::kF32);
      EXPECT_THAT(read_all(*a), ElementsAre(1, 2.5, -3, 4));
      EXPECT_THAT(read_all(*open(file, "n", {.access = access})), ElementsAre(0, 1, 2));
    }
}

TEST_F(Npz, TheOnlyMatrixNeedsNoKey) {
  for (const std::string& file : {kStoredNpz, kDeflatedNpz})
    EXPECT_THAT(read_all(*open(file)), ElementsAre(1, 2.5, -3, 4));
  const std::vector<float> column = {1, 2};
  const std::string one =
      zip64("v.npy", npy_file(npy_header("<f4", "(2,)"), bytes_of_values(column)));
  EXPECT_THAT(read_all(*open(one)), ElementsAre(1, 2));
}

TEST_F(Npz, StoredMembersAreUsedWhereTheyLieWhenAligned) {
  // The data of 'a' begins at byte 30 + 5 + 20 + 128 = 183, which is no multiple of 4.
  EXPECT_EQ(open(kStoredNpz, "a")->in_place(0, 1), nullptr);
  const std::string aligned = zip64("a23456.npy", npy_file(npy_header("|u1", "(1, 3)"), "abc"));
  EXPECT_NE(open(aligned)->in_place(0, 1), nullptr);
  EXPECT_NE(open(kDeflatedNpz, "a")->in_place(0, 2), nullptr);
}

TEST_F(Npz, SixtyFourBitSizesAreRead) {
  const std::vector<double> values = {1, 2, 3, 4, 5, 6};
  const std::string file =
      zip64("x.npy", npy_file(npy_header("<f8", "(3, 2)"), bytes_of_values(values)));
  EXPECT_THAT(read_all(*open(file, "x")), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(Npz, KeysThatAreNotThereAreAnsweredWithThoseThatAre) {
  EXPECT_THAT(error(kStoredNpz, "m"), AllOf(HasSubstr("unknown key 'm'"), HasSubstr("a, n")));
  std::string vectors = kStoredNpz;
  vectors.replace(vectors.find("(2, 2), "), 8, "(4,),   ");
  EXPECT_THAT(error(vectors), AllOf(HasSubstr("which of its arrays? a (4 f32), n (3 i16)"),
                                    HasSubstr("x.npz:KEY")));
}

TEST_F(Npz, DamageIsADataErrorInOneLine) {
  EXPECT_THAT(error(""), HasSubstr("too short"));
  EXPECT_THAT(error(kStoredNpz.substr(0, 400)), HasSubstr("the file may be truncated"));
  EXPECT_THAT(error(kStoredNpz.substr(20)), HasSubstr("x.npz"));
  std::string flipped = kDeflatedNpz;
  flipped[flipped.find("\x9b\xec") + 2] ^= 1;
  EXPECT_THAT(error(flipped, "a"), HasSubstr("x.npz"));
  std::string checksum = kDeflatedNpz;
  checksum[checksum.find("PK\1\2") + 16] ^= 1;
  EXPECT_THAT(error(checksum, "a"), HasSubstr("the checksum of 'a.npy' is another one"));
  std::string encrypted = kStoredNpz;
  encrypted[encrypted.find("PK\1\2") + 8] |= 1;
  EXPECT_THAT(error(encrypted, "a"), HasSubstr("'a.npy' is encrypted"));
  std::string other = kStoredNpz;
  other[other.find("PK\1\2") + 10] = 14;
  EXPECT_THAT(error(other, "a"), HasSubstr("method 14"));
}

TEST_F(Npz, AMemberThatUnpacksMoreThanDeflateCanIsRefused) {
  std::string bomb = kDeflatedNpz;
  const std::size_t size = bomb.find("PK\1\2") + 24;
  bomb.replace(size, 4, "\xff\xff\xff\x7f");
  EXPECT_THAT(error(bomb, "a"), HasSubstr("cannot have 2147483647 bytes packed into 85"));
}

TEST_F(Npz, OtherMembersAreLeftAlone) {
  std::string renamed = kStoredNpz;
  for (std::size_t at = 0; (at = renamed.find("n.npy", at)) != std::string::npos;)
    renamed.replace(at, 5, "n.txt");
  EXPECT_THAT(read_all(*open(renamed)), ElementsAre(1, 2.5, -3, 4));
}

}  // namespace
}  // namespace hadal::matrix
