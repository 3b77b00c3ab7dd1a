// What a program says when a GPU is asked for and cannot be had. The driver is played by a library
// that every machine has.
#include "core/cuda/open.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/cuda/library_folders.h"

namespace hadal::cuda {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kSomeLibrary = "libm.so.6";

std::string refusal(const PluginPlaces& places) {
  try {
    const Plugin plugin("cuda:0", places);
  } catch (const DeviceError& error) {
    return error.what();
  }
  return "opened";
}

TEST(CudaPlugin, WantsADriver) {
  EXPECT_EQ(refusal({.driver = "libcuda_of_no_machine.so.1", .folders = {}}),
            "device cuda:0: no CUDA driver on this machine (libcuda_of_no_machine.so.1 cannot be "
            "loaded); use --device cpu");
}

TEST(CudaPlugin, SaysWhereItWasLookedFor) {
  EXPECT_EQ(
      refusal({.driver = kSomeLibrary, .folders = {"/no/folder", "/nor/this"}}),
      "device cuda:0: libhadal_cuda.so not found (looked in /no/folder, /nor/this); configure "
      "with -DHADAL_CUDA=ON, or name its folder in HADAL_PLUGIN_DIR");
}

TEST(CudaPlugin, OfAnotherBuildIsRefused) {
  EXPECT_THAT(refusal({.driver = kSomeLibrary, .folders = {WRONG_PLUGIN_DIR}}),
              AllOf(StartsWith("device cuda:0: "), HasSubstr("is of another build (0.0.0-another"),
                    HasSubstr("build both together")));
}

TEST(CudaPlugin, ThatIsNoLibraryIsRefused) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path() / "libhadal_cuda.so", "no library");
  EXPECT_THAT(refusal({.driver = kSomeLibrary, .folders = {folder.path()}}),
              AllOf(StartsWith("device cuda:0: "), HasSubstr("libhadal_cuda.so")));
}

// A plug-in of another build, which wants a library that no linker knows.
TEST(CudaPlugin, FindsTheLibrariesItWantsInTheFoldersOfAToolkit) {
  PluginPlaces places{.driver = kSomeLibrary, .folders = {NEEDY_PLUGIN_DIR}};
  EXPECT_THAT(refusal(places),
              AllOf(HasSubstr("libcuda_of_no_toolkit.so: cannot open shared object file"),
                    HasSubstr("HADAL_CUDA_ROOT (looked in no folder)")));
  places.library_folders = {"/no/folder", TOOLKIT_DIR};
  EXPECT_THAT(refusal(places), HasSubstr("is of another build (0.0.0-another"));
}

TEST(CudaPlugin, KnowsWhereToolkitsAndWheelsKeepLibraries) {
  const TemporaryFolder folder;
  const auto toolkit = folder.path() / "toolkit", wheels = folder.path() / "nvidia";
  for (const auto& made : {toolkit / "lib64", wheels / "cu13/lib", wheels / "cudnn/lib"})
    std::filesystem::create_directories(made);
  EXPECT_THAT(library_folders({toolkit, "/no/folder", wheels}),
              testing::ElementsAre(toolkit / "lib64", wheels / "cu13/lib", wheels / "cudnn/lib"));
}

TEST(CudaPlugin, AsksTheEnvironmentForRootsBeforeTheUsualOnes) {
  const TemporaryFolder folder;
  const auto wheels = folder.path() / "lib/python3.11/site-packages/nvidia";
  std::filesystem::create_directories(wheels);
  ::setenv("HADAL_CUDA_ROOT", "/of/the/user", 1);
  ::setenv("VIRTUAL_ENV", folder.path().c_str(), 1);
  const auto roots = usual_roots();
  ::unsetenv("HADAL_CUDA_ROOT");
  ::unsetenv("VIRTUAL_ENV");
  ASSERT_GE(roots.size(), 3u);
  EXPECT_EQ(roots[0], "/of/the/user");
  EXPECT_THAT(roots, testing::IsSupersetOf({wheels, std::filesystem::path("/usr/local/cuda")}));
}

#ifdef HAS_PLUGIN
// Where there is a GPU, tests/gpu opens it.
TEST(CudaPlugin, OfThisBuildIsTakenAndAsksCudaForItsDevices) {
  const PluginPlaces places{.driver = kSomeLibrary, .folders = {BUILD_DIR}};
  const Plugin plugin("cuda:0", places);
  if (has_driver()) GTEST_SKIP() << "this machine has a driver";
  EXPECT_THAT([&] { plugin.devices(); },
              testing::ThrowsMessage<DeviceError>(
                  StartsWith("device cuda:0: CUDA driver version is insufficient")));
}
#endif

}  // namespace
}  // namespace hadal::cuda
