// A bundle that was unpacked under another name runs with nothing of this machine but glibc: not
// its libraries, not its Open MPI, not its environment.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "core/base/files.h"
#include "core/base/strings.h"
#include "launcher/tools.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const fs::path kBundle = BUNDLE;

constexpr const char* kSpec = R"(
  model { name: "resnet" set: "depth=8" set: "width=4" }
  data { name: "generator" set: "train=64" set: "test=16" set: "side=16" }
  optimizer { name: "sgd" learning_rate: 0.05 }
  epochs: 1 global_batch: 16 logical_shards: 2
)";

/// What Debian's package of glibc brings; the dynamic linker and the kernel's own page too.
bool is_of_glibc(std::string_view library) {
  static const std::set<std::string_view> names = {
      "linux-vdso.so.1", "ld-linux-x86-64.so.2", "libc.so.6",        "libm.so.6",
      "libdl.so.2",      "libpthread.so.0",      "librt.so.1",       "libresolv.so.2",
      "libutil.so.1",    "libmvec.so.1",         "libnss_files.so.2"};
  return names.contains(library);
}

/// Plug-ins that take libraries from the machine where it has them: CUDA's and those of fabrics.
bool wants_the_target(const fs::path& plugin) {
  static const std::set<std::string> names = {"libhadal_cuda.so",
                                              "libhadal_nccl.so",
                                              "libmca_common_ofi.so.10",
                                              "libmca_common_ucx.so.40",
                                              "libmca_common_verbs.so.40",
                                              "mca_btl_ofi.so",
                                              "mca_btl_openib.so",
                                              "mca_mtl_ofi.so",
                                              "mca_osc_ucx.so",
                                              "mca_pml_ucx.so"};
  return names.contains(plugin.filename());
}

bool is_elf(const fs::path& file) {
  std::array<char, 4> magic{};
  std::ifstream(file, std::ios::binary).read(magic.data(), magic.size());
  return std::string_view(magic.data(), magic.size()) ==
         "\x7f"
         "ELF";
}

class Bundle : public testing::Test {
 protected:
  fs::path path(const std::string& name) const { return folder_.path() / name; }
  fs::path spec() const {
    write_file_atomically(path("spec.textproto"), kSpec);
    return path("spec.textproto");
  }
  /// With an environment that holds nothing of this machine.
  ToolOutput call(const std::vector<std::string>& command,
                  const std::vector<std::string>& variables = {}) {
    std::vector<std::string> words = {"env",
                                      "-i",
                                      "PATH=/usr/bin:/bin",
                                      "HOME=" + folder_.path().string(),
                                      "OMP_NUM_THREADS=1",
                                      "OMPI_ALLOW_RUN_AS_ROOT=1",
                                      "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"};
    words.insert(words.end(), variables.begin(), variables.end());
    words.insert(words.end(), command.begin(), command.end());
    return tools_.call(words, "", 120);
  }
  std::vector<std::string> two_ranks(const std::string& mpirun) const {
    return {mpirun, "--oversubscribe", "--bind-to", "none", "-np", "2", kBundle / "bin/hadal"};
  }
  std::vector<std::string> training(const std::string& mpirun) const {
    std::vector<std::string> words = two_ranks(mpirun);
    words.insert(words.end(), {"train", spec(), "--device", "cpu", "--out", path("run")});
    return words;
  }
  /// Every library that a process of `command` loaded, as the dynamic linker tells.
  std::set<fs::path> loaded_by(const std::vector<std::string>& command, ToolOutput& output) {
    output = call(command, {"LD_DEBUG=files", "LD_DEBUG_OUTPUT=" + path("linker").string()});
    std::set<fs::path> libraries;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_.path())) {
      if (!entry.path().filename().string().starts_with("linker.")) continue;
      const std::string told = read_file(entry.path());
      // Of a process that was none of the bundle's (the shell of a wrapper) nothing is asked.
      if (told.find("initialize program: " + kBundle.string()) == std::string::npos) continue;
      for (const std::string& line : split(told, '\n'))
        if (const auto at = line.find("calling init: "); at != std::string::npos)
          libraries.insert(fs::path(trim(line.substr(at + 14))).lexically_normal());
    }
    return libraries;
  }
  static std::vector<std::string> strangers(const std::set<fs::path>& libraries) {
    std::vector<std::string> found;
    for (const fs::path& library : libraries)
      if (!library.string().starts_with(kBundle.string()) &&
          !is_of_glibc(library.filename().string()))
        found.push_back(library);
    return found;
  }

  const TemporaryFolder folder_;
  SystemTools tools_;
};

TEST_F(Bundle, EveryLibraryComesFromTheBundleOrFromGlibc) {
  std::vector<std::string> words = {"ldd"};
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(kBundle))
    if (entry.is_regular_file() && is_elf(entry.path()) && !wants_the_target(entry.path()))
      words.push_back(entry.path());
  EXPECT_GT(words.size(), 200u);
  std::vector<std::string> offenders;
  std::string file;
  for (const std::string& line : split(call(words).out, '\n')) {
    if (line.ends_with(':')) file = line;
    const auto arrow = line.find(" => ");
    if (arrow == std::string::npos) continue;
    if (!line.substr(arrow + 4).starts_with(kBundle.string()) &&
        !is_of_glibc(trim(line.substr(0, arrow))))
      offenders.push_back(file + " " + line);
  }
  EXPECT_THAT(offenders, IsEmpty());
}

TEST_F(Bundle, TrainsOnTwoRanksUnderItsOwnMpirunWithItsOwnLibraries) {
  ToolOutput output;
  const auto libraries = loaded_by(training(kBundle / "bin/mpirun"), output);
  EXPECT_EQ(output.exit_code, 0) << output.err;
  EXPECT_THAT(output.out, HasSubstr("finished: 1 epochs, 4 steps"));
  EXPECT_THAT(libraries, Contains(kBundle / "lib/openmpi3/mca_btl_vader.so"));
  EXPECT_THAT(libraries, Contains(kBundle / "lib/libdnnl.so.2"));
  EXPECT_THAT(strangers(libraries), IsEmpty());
}

TEST_F(Bundle, UnderTheMpirunOfTheMachineKeepsToItsOwnPlugins) {
  ToolOutput output;
  const auto libraries = loaded_by(training(MACHINE_MPIRUN), output);
  EXPECT_EQ(output.exit_code, 0) << output.err;
  EXPECT_THAT(libraries, Contains(kBundle / "lib/openmpi3/mca_btl_vader.so"));
  EXPECT_THAT(strangers(libraries), IsEmpty());
}

TEST_F(Bundle, SweepsStartTheMpirunOfTheBundle) {
  const std::string text =
      std::string("name: \"s\" resources { ranks: 2 } experiment {") + kSpec + "}";
  write_file_atomically(path("sweep.textproto"), text);
  const ToolOutput output = call({kBundle / "bin/hadal", "sweep", "run", path("sweep.textproto"),
                                  "--runs", path("runs"), "--slots", "1"},
                                 {"LD_DEBUG=files", "LD_DEBUG_OUTPUT=" + path("linker").string()});
  EXPECT_EQ(output.exit_code, 0) << output.out << output.err;
  std::string all;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_.path()))
    if (entry.path().filename().string().starts_with("linker.")) all += read_file(entry.path());
  EXPECT_THAT(all, HasSubstr("initialize program: " + (kBundle / "libexec/mpirun").string()));
  EXPECT_THAT(all, testing::Not(HasSubstr("initialize program: mpirun")));
}

TEST_F(Bundle, ItsTestsRun) {
  const ToolOutput output = call({kBundle / "tests/run", "base_test", "cpu_test"});
  EXPECT_EQ(output.exit_code, 0) << output.out;
  EXPECT_THAT(output.out, HasSubstr("passed  unit  base_test: "));
  EXPECT_THAT(output.out, HasSubstr("passed  unit  cpu_test: "));
}

TEST_F(Bundle, BringsTheLicenceOfEveryLibrary) {
  for (const char* package : {"libopenmpi3", "libdnnl2", "libopenblas0-pthread", "libstdc++6",
                              "zlib1g", "libgtest-dev", "nlohmann-json3-dev"})
    EXPECT_GT(fs::file_size(kBundle / "licences" / package), 100u) << package;
}

/// A root folder with glibc, a shell, and the bundle under yet another name.
class NothingButGlibc : public Bundle {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "wants root, for chroot";
    if (!call({"unshare", "--mount", "true"}).ok()) GTEST_SKIP() << "no mount namespaces here";
    root_ = path("root");
    for (const char* folder : {"bin", "usr/bin", "lib64", "lib/x86_64-linux-gnu", "proc", "dev",
                               "sys", "tmp", "etc", "there/hadal"})
      fs::create_directories(root_ / folder);
    for (const char* file :
         {"/bin/sh", "/usr/bin/env", "/usr/bin/readlink", "/lib64/ld-linux-x86-64.so.2"})
      fs::copy_file(fs::canonical(file), root_ / (file + 1));
    for (const char* library : {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0",
                                "librt.so.1", "libresolv.so.2", "libutil.so.1"})
      fs::copy_file(fs::canonical(fs::path("/lib/x86_64-linux-gnu") / library),
                    root_ / "lib/x86_64-linux-gnu" / library);
    fs::copy_file(spec(), root_ / "tmp/spec.textproto");
    fs::copy_file("/etc/passwd", root_ / "etc/passwd");
  }
  ToolOutput call_there(const std::string& command) {
    const std::string script =
        "cd " + root_.string() + " && mount --bind " + kBundle.string() +
        " there/hadal && mount --bind /proc proc && mount --rbind /dev dev && mount --bind /sys "
        "sys "
        "&& exec chroot . /usr/bin/env -i PATH=/bin:/usr/bin HOME=/tmp OMPI_ALLOW_RUN_AS_ROOT=1 "
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_NUM_THREADS=1 " +
        command;
    return call({"unshare", "--mount", "/bin/sh", "-c", script},
                {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"});
  }

 private:
  fs::path root_;
};

TEST_F(NothingButGlibc, SaysItsVersionAndWhatTheMachineIs) {
  const ToolOutput version = call_there("/there/hadal/bin/hadal --version");
  EXPECT_THAT(version.out, StartsWith("hadal ")) << version.err;
  const ToolOutput doctor = call_there("/there/hadal/bin/hadal doctor --folder /tmp --disk-mib 4");
  EXPECT_THAT(doctor.exit_code, AnyOf(0, 1)) << doctor.err;  // 1: not fit, which the machine may be
  EXPECT_THAT(doctor.out, HasSubstr("Open MPI")) << doctor.err;
}

TEST_F(NothingButGlibc, TrainsOnTwoRanks) {
  const ToolOutput output = call_there(
      "/there/hadal/bin/mpirun --oversubscribe --bind-to none -np 2 /there/hadal/bin/hadal train "
      "/tmp/spec.textproto --device cpu --out /tmp/run");
  EXPECT_EQ(output.exit_code, 0) << output.out << output.err;
  EXPECT_THAT(output.out, HasSubstr("finished: 1 epochs, 4 steps"));
}

}  // namespace
}  // namespace hadal::launcher
