// Ranks that are real processes: same sums as everywhere, and whatever one rank does, the job ends
// within seconds with one line that names it.
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/files.h"
#include "tests/places.h"

namespace hadal::dist {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct Outcome {
  int exit_code = -1;
  std::string output;  // of all ranks, stdout and stderr, and what mpirun says
  double seconds = 0;

  /// Lines of the program itself.
  int own_lines() const {
    int lines = 0;
    for (std::size_t at = output.find("hadal: "); at != std::string::npos;
         at = output.find("hadal: ", at + 1))
      ++lines;
    return lines;
  }
};

// With `signal`, sends it to mpirun as soon as rank 0 says "ready".
Outcome mpirun(int ranks, const std::string& arguments, int signal = 0) {
  const std::string command = fmt::format(
      "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 exec {} --timeout 60 "
      "--oversubscribe --bind-to none --mca mpi_yield_when_idle 1 -np {} {} {} 2>&1",
      test::mpirun(), ranks, test::mpi_program(), arguments);
  const auto start = std::chrono::steady_clock::now();
  std::array<int, 2> pipe{};
  EXPECT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(pipe[1], STDOUT_FILENO);
    ::close(pipe[0]);
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(pipe[1]);
  Outcome outcome;
  std::array<char, 4096> buffer{};
  bool sent = signal == 0;
  for (ssize_t got; (got = ::read(pipe[0], buffer.data(), buffer.size())) > 0;) {
    outcome.output.append(buffer.data(), static_cast<std::size_t>(got));
    if (sent || outcome.output.find("ready") == std::string::npos) continue;
    ::kill(child, signal);
    sent = true;
  }
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return outcome;
}

// A limit of 1.2 s to wait and 2.4 s to compute; mpirun itself takes up to two seconds to start and
// to end, on a busy machine more.
const std::string kImpatient = " --patience 0.02";
constexpr double kSeconds = 15.0;

TEST(Mpi, SumsHaveTheSameBitsOnOneTwoAndFourRanks) {
  const Outcome one = mpirun(1, "sum --shards 4");
  ASSERT_EQ(one.exit_code, 0) << one.output;
  const std::string hash = one.output.substr(0, one.output.find(" bytes"));
  ASSERT_THAT(hash, HasSubstr("hash "));
  EXPECT_THAT(one.output, HasSubstr("bytes 0\n"));
  for (const int ranks : {2, 4}) {
    const Outcome more = mpirun(ranks, "sum --shards 4");
    EXPECT_EQ(more.exit_code, 0) << more.output;
    // 600,000 floats, sent as often as a ring would: 2 (R-1)/R times.
    EXPECT_THAT(more.output,
                HasSubstr(fmt::format("{} bytes {}\n", hash, 2 * (ranks - 1) * 2'400'000 / ranks)));
  }
}

TEST(Mpi, TooManyRanksForTheShardsIsOneLine) {
  const Outcome outcome = mpirun(3, "sum --shards 4");
  EXPECT_EQ(outcome.exit_code, 78);
  EXPECT_THAT(outcome.output, HasSubstr("use 1, 2 or 4 ranks"));
  EXPECT_EQ(outcome.own_lines(), 1) << outcome.output;
}

TEST(Mpi, AHealthyJobIsLeftAlone) {
  const Outcome outcome = mpirun(3, "none" + kImpatient);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.output, "");
}

TEST(Mpi, ASlowRankIsWaitedForWhileItGivesSignsOfLife) {
  const Outcome outcome = mpirun(2, "slow" + kImpatient);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_GT(outcome.seconds, 3.0);
  EXPECT_EQ(outcome.output, "");
}

std::string first_last_words(const std::filesystem::path& folder) {
  std::optional<std::pair<std::filesystem::file_time_type, std::filesystem::path>> first;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().filename().string().ends_with(".last.json")) {
      const std::pair found(entry.last_write_time(), entry.path());
      if (!first || found < *first) first = found;
    }
  return first ? read_file(first->second) : "";
}

TEST(Mpi, AHungRankIsNamed) {
  for (const std::string mode : {"hang", "spin", "stop"}) {
    const TemporaryFolder folder;
    const Outcome outcome =
        mpirun(3, mode + kImpatient + " --run-folder " + folder.path().string());
    EXPECT_EQ(outcome.exit_code, 85) << mode;
    EXPECT_LT(outcome.seconds, kSeconds) << mode;
    EXPECT_EQ(outcome.own_lines(), 1) << outcome.output;
    EXPECT_THAT(outcome.output, AllOf(HasSubstr("hadal: rank 1 ("), HasSubstr("step 20"),
                                      HasSubstr("\"backward\"")));
    // Who speaks later may only have seen the first to speak leave.
    EXPECT_THAT(first_last_words(folder.path()),
                AllOf(HasSubstr("\"step\": 20"), HasSubstr("\"silent_rank\": 1"),
                      HasSubstr("\"exit_code\": 85")));
  }
}

TEST(Mpi, AKilledRankIsNamedAtOnce) {
  const Outcome outcome = mpirun(3, "kill --victim 2");
  EXPECT_EQ(outcome.exit_code, 137);
  EXPECT_LT(outcome.seconds, kSeconds);
  EXPECT_THAT(outcome.output,
              AllOf(HasSubstr("hadal: rank 2 ("), HasSubstr("is gone"), HasSubstr("at step 20")));
}

TEST(Mpi, ARankThatFailsEndsTheJobWithItsReasonAndCode) {
  const Outcome outcome = mpirun(3, "throw");
  EXPECT_EQ(outcome.exit_code, 65);
  EXPECT_LT(outcome.seconds, kSeconds);
  EXPECT_THAT(outcome.output, HasSubstr("hadal: train.bin: truncated"));
  EXPECT_EQ(outcome.own_lines(), 1) << outcome.output;
}

TEST(Mpi, RanksThatWaitForDifferentThingsAreToldApart) {
  const Outcome outcome = mpirun(2, "barrier" + kImpatient);
  EXPECT_EQ(outcome.exit_code, 85);
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("\"barrier\""), HasSubstr("instead")));
}

TEST(Mpi, ParametersOfDifferentSizesAreRefused) {
  const Outcome outcome = mpirun(2, "length");
  EXPECT_EQ(outcome.exit_code, 89);
  EXPECT_THAT(outcome.output, HasSubstr("expects"));
}

TEST(Mpi, ASignalToMpirunDrainsAllRanksAfterTheSameStep) {
  for (const int signal : {SIGUSR1, SIGUSR2}) {
    const Outcome outcome = mpirun(2, "drain", signal);
    EXPECT_EQ(outcome.exit_code, 75) << outcome.output;
    EXPECT_EQ(outcome.own_lines(), 0) << outcome.output;
  }
}

}  // namespace
}  // namespace hadal::dist
