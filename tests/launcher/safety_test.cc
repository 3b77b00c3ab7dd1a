// Runs and sweeps of the whole program beside somebody who means harm: what can be read, what is
// written down, what listens, and what becomes of names that are more than names.
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/plain_text.h"
#include "core/base/strings.h"
#include "launcher/mpirun.h"
#include "tests/launcher/program_test.h"
#include "tests/places.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kExperiment = R"(
  model { name: "resnet" set: "depth=8" set: "width=2" }
  data { name: "generator" set: "train=32" set: "test=16" set: "side=16" }
  optimizer { learning_rate: 0.05 } steps: 2 global_batch: 16
)";

unsigned mode_of(const fs::path& path) {
  struct stat at {};
  EXPECT_EQ(::lstat(path.c_str(), &at), 0) << path;
  return at.st_mode & 07777;
}

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Safety : public ProgramTest {
 protected:
  std::vector<std::string> sweep_words(const std::string& text,
                                       const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"sweep",
                                      "run",
                                      write("sweep.textproto", text).string(),
                                      "--runs",
                                      path("runs").string(),
                                      "--mpirun",
                                      test::mpirun()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static std::string sweep(const std::string& more) {
    return fmt::format("name: \"s\" experiment {{ {} }} {}", kExperiment, more);
  }
  /// Under a umask that hides nothing.
  static How openly() {
    return {
        .environment = {}, .cores = {}, .through = {"/bin/sh", "-c", "umask 0; exec \"$@\"", "sh"}};
  }
  void expect_all_below(const fs::path& folder, unsigned folders, unsigned files) {
    int count = 0;
    EXPECT_EQ(mode_of(folder), folders) << folder;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      EXPECT_EQ(mode_of(entry.path()), entry.is_directory() ? folders : files) << entry.path();
      ++count;
    }
    EXPECT_GT(count, 5);
  }
};

TEST_F(Safety, WhatARunLeavesIsForItsUserAlone) {
  const fs::path spec = write("spec.textproto", kExperiment);
  EXPECT_EQ(run({"train", spec, "--out", path("run")}, openly()).exit_code, 0);
  expect_all_below(path("run"), 0700, 0600);
}

TEST_F(Safety, ASweepAndItsRanksLeaveEverythingToTheirUser) {
  const Ended ended = run(sweep_words(sweep("resources { ranks: 2 }")), openly());
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  expect_all_below(path("runs"), 0700, 0600);
}

TEST_F(Safety, ASharedSweepMayBeReadByTheGroupAndByNobodyElse) {
  const auto words = sweep_words(sweep("resources { ranks: 2 }"), {"--shared"});
  EXPECT_EQ(run(words, openly()).exit_code, 0);
  expect_all_below(path("runs") / "s", 02750, 0640);
}

TEST_F(Safety, AFolderThatEverybodyMayWriteInIsTakenOnlyWhenItIsTrusted) {
  const fs::path folder = path("runs") / "s";
  fs::create_directories(folder);
  fs::permissions(folder, fs::perms::all);
  const Ended refused = run(sweep_words(sweep("")));
  EXPECT_EQ(refused.exit_code, 77) << refused.err;
  EXPECT_THAT(refused.complaint(), HasSubstr("can be written by everybody"));
  EXPECT_TRUE(fs::is_empty(folder));
  EXPECT_EQ(run(sweep_words(sweep(""), {"--trust-folder"})).exit_code, 0);

  const fs::path spec = write("spec.textproto", kExperiment);
  fs::create_directories(path("run"));
  fs::permissions(path("run"), fs::perms::all);
  EXPECT_EQ(run({"train", spec, "--out", path("run")}).exit_code, 77);
  EXPECT_EQ(run({"train", spec, "--out", path("run"), "--trust-folder"}).exit_code, 0);
}

/// Of the process and those it started, as they are found by their mark.
struct Seen {
  std::set<std::pair<std::string, std::string>> listening;  // program, address as the kernel has it
  std::string command_lines;
  std::size_t processes = 0;
};

std::set<std::string> sockets_of(int pid) {
  std::set<std::string> inodes;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fd", pid), error)) {
    const std::string target = fs::read_symlink(entry.path(), error).string();
    if (target.starts_with("socket:[")) inodes.insert(target.substr(8, target.size() - 9));
  }
  return inodes;
}

void look_at(int pid, Seen& seen) {
  seen.command_lines += contents(fmt::format("/proc/{}/cmdline", pid));
  ++seen.processes;
  const std::set<std::string> sockets = sockets_of(pid);
  const std::string program(trim(contents(fmt::format("/proc/{}/comm", pid))));
  for (const char* table : {"tcp", "tcp6", "udp", "udp6"}) {
    std::ifstream lines(fmt::format("/proc/{}/net/{}", pid, table));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string number, local, remote, state, skipped, inode;
      words >> number >> local >> remote >> state;
      for (int i = 0; i < 5; ++i) words >> skipped;
      words >> inode;
      const bool listens = std::string(table).starts_with("tcp") ? state == "0A" : true;
      if (listens && sockets.contains(inode))
        seen.listening.insert({program, local.substr(0, local.find(':'))});
    }
  }
}

constexpr const char* kLoopback = "0100007F";
constexpr const char* kLoopback6 = "00000000000000000000000001000000";

TEST_F(Safety, RanksOfOneHostAreNotReachedFromOutsideAndNoSecretIsWrittenDown) {
  std::map<std::string, std::string> secrets;
  for (const char* name : {"AWS_SECRET_ACCESS_KEY",
                           "AWS_SESSION_TOKEN",
                           "GITHUB_TOKEN",
                           "HF_TOKEN",
                           "WANDB_API_KEY",
                           "SSH_AUTH_SOCK_KEY",
                           "DATABASE_PASSWORD",
                           "PGPASSWORD",
                           "API_KEY",
                           "MY_SECRET",
                           "HADAL_TOKEN",
                           "OMPI_TOKEN",
                           "SLURM_JWT",
                           "KRB5_PASS",
                           "DOCKER_AUTH",
                           "NPM_TOKEN",
                           "AZURE_CLIENT_SECRET",
                           "GOOGLE_APPLICATION_KEY",
                           "LDAP_PASS",
                           "VAULT_TOKEN"})
    secrets[name] = fmt::format("s3cret-{}-{}", secrets.size(), "c0ffee");
  ASSERT_EQ(secrets.size(), 20u);

  const auto words = sweep_words(
      fmt::format("name: \"s\" experiment {{ {} }} resources {{ ranks: 2 }}",
                  std::string(kExperiment)
                      .replace(std::string(kExperiment).find("steps: 2"), 8, "steps: 1000000")),
      {});
  const Started started = start(words, {.environment = secrets});
  SystemProcesses processes;
  SystemClock clock;
  Seen seen;
  fs::path folder;
  // Until the ranks train.
  for (const double end = clock.now_s() + 100; clock.now_s() < end; clock.sleep(0.05)) {
    for (const auto& entry : fs::recursive_directory_iterator(path("")))
      if (entry.path().filename() == "progress.json") folder = entry.path().parent_path();
    if (!folder.empty()) break;
  }
  ASSERT_FALSE(folder.empty()) << contents(path("runs"));
  const std::vector<int> pids = processes.find_marked(kRunVariable, folder.string());
  for (const int pid : pids) look_at(pid, seen);
  look_at(started.pid, seen);
  send_signal(started, SIGINT);
  const Ended ended = wait(started);
  EXPECT_EQ(ended.exit_code, 130) << ended.err;

  EXPECT_GE(seen.processes, 4u) << "the launcher, mpirun and two ranks";
  // Open MPI 4.1 has no option that keeps the port of mpirun itself, for daemons on other hosts, on
  // one interface.
  for (const auto& [program, address] : seen.listening)
    EXPECT_TRUE(program == "mpirun" || program == "mpiexec" || address == kLoopback ||
                address == kLoopback6)
        << program << " listens on " << address;
  for (const auto& [name, value] : secrets) {
    EXPECT_EQ(seen.command_lines.find(value), std::string::npos) << name;
    EXPECT_EQ((ended.out + ended.err).find(value), std::string::npos) << name;
  }
  for (const auto& entry : fs::recursive_directory_iterator(path("runs"))) {
    if (!entry.is_regular_file()) continue;
    EXPECT_EQ(contents(entry.path()).find("s3cret-"), std::string::npos) << entry.path();
  }
}

struct HostileSweep {
  const char* what;
  std::string text;
  const char* refused;  // what it says, or null where it runs and does no harm
};

const std::vector<HostileSweep>& hostile_sweeps() {
  const auto with = [](const std::string& name, const std::string& more) {
    return fmt::format("name: \"{}\" experiment {{ {} }} {}", name, kExperiment, more);
  };
  static const std::vector<HostileSweep> sweeps = {
      {"a command in the sweep's name", with("$(touch canary)", ""),
       "wanted 1 to 200 letters, digits"},
      {"a folder above", with("../canary", ""), "not starting with '.'"},
      {"an absolute folder", with("/tmp/canary", ""), "wanted 1 to 200 letters, digits"},
      {"an option", with("--mca", ""), "not starting with"},
      {"a hidden folder", with(".canary", ""), "not starting with '.'"},
      {"a line break", with("a\\ncanary", ""), "a line break or another control character"},
      {"a row of shell", with("row", "row { name: \"x; touch canary; $(touch canary)\" }"),
       nullptr},
      {"a row of options", with("options", "row { name: \"--output=canary\" }"), nullptr},
      {"a row that climbs", with("climbs", "row { name: \"../../canary\" }"), nullptr},
      {"a point of markup",
       with("markup",
            "axis { key: \"a\" point { name: "
            "\"<script>x</script>=cmd|' /c'!A1\" } }"),
       nullptr},
      {"a data folder of shell",
       with("folder", "set: \"data.folder=$(touch canary)`touch canary`\""), nullptr},
      {"a note of LaTeX", with("note", "note: \"\\\\input{/etc/passwd}\\\\write18{touch canary}\""),
       nullptr},
      {"a base from a device", "name: \"s\" base: \"/dev/zero\"", "is no file"},
      {"a base that is the sweep", "name: \"s\" base: \"sweep.textproto\"", "unknown field 'base'"},
      {"a letter that only looks so", with("row\\320\\260", ""), "wanted 1 to 200 letters, digits"},
      {"text that turns around", with("s", "title: \"\\342\\200\\256abc\""), "U+202E"},
  };
  return sweeps;
}

TEST_F(Safety, HostileSweepsAreRefusedByOneLineOrDoNoHarm) {
  for (const HostileSweep& hostile : hostile_sweeps()) {
    SCOPED_TRACE(hostile.what);
    const Ended ended = run(sweep_words(hostile.text));
    if (hostile.refused != nullptr) {
      EXPECT_EQ(ended.exit_code, 78) << ended.out;
      EXPECT_THAT(ended.complaint(), HasSubstr(hostile.refused));
    } else {
      EXPECT_EQ(ended.exit_code, 0) << ended.err << ended.out;
    }
  }
  // Every table of what ran, too.
  for (const char* name : {"row", "markup", "note"})
    for (const char* format : {"terminal", "markdown", "latex", "csv", "json"})
      EXPECT_EQ(run({"table", path("runs") / name, "--format", format}).exit_code, 0);
  EXPECT_EQ(run({"report", path("runs") / "markup", "--out", path("page.html")}).exit_code, 0);
  EXPECT_EQ(contents(path("page.html")).find("<script>x"), std::string::npos);
  std::vector<std::string> canaries;
  for (const fs::path& folder : {path(""), fs::current_path(), path("").parent_path()})
    for (const auto& entry : fs::directory_iterator(folder))
      if (entry.path().filename().string().find("canary") == 0) canaries.push_back(entry.path());
  for (const auto& entry : fs::directory_iterator(path("runs")))
    if (entry.path().filename().string().find("canary") != std::string::npos)
      canaries.push_back(entry.path());
  EXPECT_THAT(canaries, IsEmpty());
}

TEST_F(Safety, WhatACommandLineQuotesShowsAsItIs) {
  const Ended ended = run({"train", "\x1b[2J\nno such\rfile" + std::string(50000, 'A')});
  EXPECT_NE(ended.exit_code, 0);
  for (const std::string& line : ended.complaints()) {
    EXPECT_EQ(trouble_in_line(line), "");
    EXPECT_LT(line.size(), 5000u);
  }
}

}  // namespace
}  // namespace hadal::launcher
