#include <cstdlib>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "dist/nccl/open.h"
#include "dist/nccl/versions.h"
#include "dist/thread_communicator.h"
#include "tests/core/fake_device.h"

namespace hadal::dist {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::StartsWith;

/// What each of three ranks says when it opens the plug-in of `folder`: a name, or why not.
std::vector<std::string> open_on_three(const std::string& mood, const std::string& folder) {
  ::setenv("HADAL_TEST_NCCL", mood.c_str(), 1);
  std::vector<std::string> said(3);
  run_ranks(3, [&](Communicator& comm) {
    test::FakeDevice device;
    try {
      said[static_cast<std::size_t>(comm.rank())] =
          open_nccl(comm, device, {.places = {.driver = "libm.so.6", .folders = {folder}}})->name();
    } catch (const CommError& error) {
      said[static_cast<std::size_t>(comm.rank())] = error.what();
    }
  });
  ::unsetenv("HADAL_TEST_NCCL");
  return said;
}

TEST(Nccl, StartsOnAllRanksWithTheIdOfTheFirst) {
  EXPECT_THAT(open_on_three("", PLUGIN_DIR), Each("NCCL of a test"));
}

TEST(Nccl, AnOlderLibraryThanThatOfTheBuildIsRefusedOnOneLine) {
  EXPECT_THAT(open_on_three("old", PLUGIN_DIR),
              Each(AllOf(StartsWith("rank 0 ("),
                         HasSubstr("): NCCL 2.27.3 was loaded, libhadal_nccl.so was built with "
                                   "2.28.9; install NCCL 2.28.9 or a newer 2.x"))));
}

TEST(Nccl, WhatOneRankCannotDoNoRankDoesAndAllSayWhy) {
  EXPECT_THAT(open_on_three("not 1", PLUGIN_DIR),
              Each(AllOf(StartsWith("rank 1 ("), HasSubstr("): Duplicate GPU detected"))));
  EXPECT_THAT(open_on_three("no id", PLUGIN_DIR),
              Each(AllOf(StartsWith("rank 0 ("), HasSubstr("): no interface to listen on"))));
}

TEST(Nccl, WithoutAPluginItSaysWhereItLooked) {
  EXPECT_THAT(
      open_on_three("", "/no/folder"),
      Each(HasSubstr("): NCCL: libhadal_nccl.so not found (looked in /no/folder); configure")));
}

#ifdef HAS_PLUGIN
// Without a GPU it goes no further; with one, tests/gpu opens it.
TEST(Nccl, ThePluginOfThisBuildLoadsAndIsOfTheRightVersion) {
  const auto said = open_on_three("", BUILD_DIR);
  if (cuda::has_driver()) GTEST_SKIP() << "this machine has a driver";
  EXPECT_THAT(said, Each(AllOf(StartsWith("rank "), testing::Not(HasSubstr("libhadal_nccl.so")),
                               testing::Not(HasSubstr("was loaded")))));
}
#endif

TEST(NcclVersions, MustBeOfOneMajorAndNotOlder) {
  EXPECT_EQ(nccl_version_text(22809), "2.28.9");
  EXPECT_EQ(nccl_mismatch(22809, 22809), "");
  EXPECT_EQ(nccl_mismatch(22809, 23001), "");
  EXPECT_THAT(nccl_mismatch(22809, 22808), StartsWith("NCCL 2.28.8 was loaded"));
  EXPECT_THAT(nccl_mismatch(22809, 30000), StartsWith("NCCL 3.0.0 was loaded"));
  EXPECT_THAT(nccl_mismatch(22809, 0), StartsWith("NCCL of an unknown version was loaded"));
}

}  // namespace
}  // namespace hadal::dist
