#include "core/data/fetch.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/hash.h"
#include "tests/core/data/http_server.h"
#include "tests/core/data/made_files.h"

namespace hadal::data {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string text_of(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

std::string md5_of(const std::string& contents) {
  TemporaryFolder folder;
  write_file_atomically(folder.path() / "x", contents);
  return md5_of_file((folder.path() / "x").string());
}

template <typename E>
std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  return "nothing thrown";
}

class DownloadTest : public ::testing::Test {
 protected:
  DownloadTest() {
    for (unsigned i = 0; i < 300000; ++i) contents_.push_back(static_cast<char>(i * i >> 5));
    server_.files["/file.bin"] = contents_;
    options_ = {.bytes = static_cast<std::int64_t>(contents_.size()),
                .md5 = md5_of(contents_),
                .sha256 = "",
                .attempts = 1,
                .wait_s = 0.0};
  }

  void get() { download(server_.address() + "/file.bin", path_, options_); }
  fs::path part() const { return path_.string() + ".part"; }

  TemporaryFolder folder_;
  fs::path path_ = folder_.path() / "deep" / "file.bin";
  HttpServer server_;
  std::string contents_;
  DownloadOptions options_;
};

TEST_F(DownloadTest, BringsTheFileAndReportsProgress) {
  DownloadProgress last;
  options_.progress = [&](const DownloadProgress& p) { last = p; };
  get();
  EXPECT_EQ(read_file(path_), contents_);
  EXPECT_FALSE(fs::exists(part()));
  EXPECT_EQ(last.done, options_.bytes);
  EXPECT_EQ(last.total, options_.bytes);
}

TEST_F(DownloadTest, GoesOnWhereABrokenConnectionStopped) {
  server_.cuts = {100000};
  EXPECT_THAT(error_of<IoError>([&] { get(); }), HasSubstr("the same command goes on"));
  EXPECT_EQ(fs::file_size(part()), 100000u);
  DownloadProgress last;
  options_.progress = [&](const DownloadProgress& p) { last = p; };
  get();
  EXPECT_EQ(read_file(path_), contents_);
  EXPECT_EQ(server_.requests()[1].range, "bytes=100000-");
  EXPECT_EQ(last.resumed, 100000);
}

TEST_F(DownloadTest, TriesAgainByItselfAsOftenAsAllowed) {
  server_.cuts = {50000, 70000};
  options_.attempts = 3;
  get();
  EXPECT_EQ(read_file(path_), contents_);
  EXPECT_EQ(server_.requests()[2].range, "bytes=120000-");
}

TEST_F(DownloadTest, BeginsAgainWhenTheServerKnowsNoRanges) {
  server_.understands_ranges = false;
  server_.cuts = {100000};
  EXPECT_THROW(get(), IoError);
  get();
  EXPECT_EQ(read_file(path_), contents_);
}

TEST_F(DownloadTest, AWholePartNeedsNoServer) {
  fs::create_directories(path_.parent_path());
  write_file_atomically(part(), contents_);
  get();
  EXPECT_EQ(read_file(path_), contents_);
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(DownloadTest, AWrongChecksumIsThrownAway) {
  options_.md5 = std::string(32, '0');
  EXPECT_THAT(error_of<DataError>([&] { get(); }), HasSubstr("md5 of what came is"));
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_FALSE(fs::exists(part()));
}

TEST_F(DownloadTest, MoreBytesThanWantedAreRefusedEarly) {
  options_.bytes = 1000;
  EXPECT_THAT(error_of<DataError>([&] { get(); }), HasSubstr("more than the wanted 1000 bytes"));
  EXPECT_FALSE(fs::exists(part()));
}

TEST_F(DownloadTest, FewerBytesThanWantedAreAnError) {
  options_.bytes += 5;
  EXPECT_THAT(error_of<DataError>([&] { get(); }), HasSubstr("size of what came"));
}

TEST_F(DownloadTest, TheServersRefusalIsTold) {
  const auto missing = [&] { download(server_.address() + "/none", path_, options_); };
  EXPECT_THAT(error_of<IoError>(missing), HasSubstr("the server answers 404"));
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_THAT(error_of<IoError>([&] { download("file:///etc/passwd", path_, options_); }),
              HasSubstr("wanted an http or https address"));
}

TEST_F(DownloadTest, NobodyListeningIsAnError) {
  EXPECT_THAT(error_of<IoError>([&] { download("http://127.0.0.1:1/x", path_, options_); }),
              HasSubstr("after 1 attempts"));
}

// A set of one archive whose two files lie in a folder, as CIFAR's do.
class FetchTest : public ::testing::Test {
 protected:
  FetchTest() {
    const Bytes archive =
        gzipped(tar_file({{"made/train.bin", Bytes(5000, 3)}, {"made/names.txt", Bytes(9, 'x')}}));
    server_.files["/mirror/made.tar.gz"] = text_of(archive);
    const std::string train(5000, 3);
    info_.name = "made";
    info_.files = {{"made/train.bin", 5000, md5_of(train), ""}};
    info_.downloads = {{.url = "http://official.invalid/made.tar.gz",
                        .bytes = static_cast<std::int64_t>(archive.size()),
                        .md5 = md5_of(text_of(archive)),
                        .path = "made.tar.gz",
                        .is_archive = true}};
    options_.mirror = server_.address() + "/mirror";
    options_.download.attempts = 1;
  }

  TemporaryFolder folder_;
  HttpServer server_;
  DatasetInfo info_;
  FetchOptions options_;
};

TEST_F(FetchTest, UnpacksChecksAndRemovesTheArchive) {
  EXPECT_THAT(fetch(info_, folder_.path(), options_),
              ElementsAre("made/train.bin", "made/names.txt"));
  EXPECT_EQ(read_file(folder_.path() / "made/train.bin"), std::string(5000, 3));
  EXPECT_FALSE(fs::exists(folder_.path() / "made.tar.gz"));
}

TEST_F(FetchTest, GoodFilesAreNotFetchedAgainAndDamagedOnesAre) {
  fetch(info_, folder_.path(), options_);
  EXPECT_TRUE(fetch(info_, folder_.path(), options_).empty());
  EXPECT_EQ(server_.requests().size(), 1u);
  write_file_atomically(folder_.path() / "made/train.bin", std::string(5000, 4));
  EXPECT_FALSE(fetch(info_, folder_.path(), options_).empty());
  EXPECT_EQ(read_file(folder_.path() / "made/train.bin"), std::string(5000, 3));
}

TEST_F(FetchTest, AnArchiveWithoutTheOfficialFilesIsAnError) {
  info_.files[0].bytes = 6000;
  EXPECT_THAT(error_of<DataError>([&] { fetch(info_, folder_.path(), options_); }),
              HasSubstr("5000 bytes, wanted 6000 after unpacking"));
}

TEST_F(FetchTest, PlainFilesGoToTheirPlace) {
  server_.files["/mirror/digits.mat"] = "digits";
  info_.files = {{"svhn/digits.mat", 6, md5_of("digits"), ""}};
  info_.downloads = {{.url = "http://official.invalid/digits.mat",
                      .bytes = 6,
                      .md5 = md5_of("digits"),
                      .path = "svhn/digits.mat"}};
  EXPECT_THAT(fetch(info_, folder_.path(), options_), ElementsAre("svhn/digits.mat"));
  EXPECT_EQ(read_file(folder_.path() / "svhn/digits.mat"), "digits");
}

TEST_F(FetchTest, TheBuiltInSetHasNothingToFetch) {
  info_.files.clear();
  info_.downloads.clear();
  EXPECT_THAT(error_of<ConfigError>([&] { fetch(info_, folder_.path(), options_); }),
              HasSubstr("built in"));
}

TEST(Unpack, NamesThatLeadOutOfTheFolderAreRefused) {
  TemporaryFolder folder;
  for (const std::string name : {"../out.txt", "/tmp/out.txt", "a/../../out.txt"}) {
    write_file_atomically(folder.path() / "x.tar.gz",
                          text_of(gzipped(tar_file({{name, Bytes(3, 'x')}}))));
    EXPECT_THAT(error_of<DataError>(
                    [&] { unpack_tar_gz(folder.path() / "x.tar.gz", folder.path() / "in"); }),
                HasSubstr("leads out of the folder"));
  }
}

TEST(Unpack, ArchivesThatUnpackToTooMuchAreRefused) {
  TemporaryFolder folder;
  write_file_atomically(folder.path() / "x.tar.gz",
                        text_of(gzipped(tar_file({{"zeros", Bytes(100000)}}))));
  EXPECT_THROW(unpack_tar_gz(folder.path() / "x.tar.gz", folder.path(), 99999), DataError);
}

}  // namespace
}  // namespace hadal::data
