#include "tests/launcher/program_test.h"

#include <algorithm>
#include <charconv>
#include <csignal>

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/strings.h"
#include "tests/places.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

constexpr double kHang_s = 120;  // far beyond what a busy machine needs
constexpr const char* kMark = "HADAL_TEST_RUN";

// Exactly as the local scheduler does on a machine whose cores are shared.
std::vector<std::string> mpirun(int ranks) {
  return {test::mpirun(),        "-q",   "--oversubscribe",
          "--bind-to",           "none", "--mca",
          "mpi_yield_when_idle", "1",    "-np",
          fmt::to_string(ranks)};
}

}  // namespace

std::vector<std::string> Ended::complaints() const {
  std::vector<std::string> found;
  for (const std::string& line : split(err, '\n'))
    if (line.starts_with("hadal: ")) found.push_back(line.substr(7));
  return found;
}

std::string Ended::complaint() const {
  const std::vector<std::string> all = complaints();
  EXPECT_EQ(all.size(), 1u) << err;
  return all.size() == 1 ? all.front() : "";
}

void ProgramTest::TearDown() {
  for (const std::string& name : names_)
    for (const int pid : alive(name)) {
      ADD_FAILURE() << name << " left process " << pid;
      processes_.send_signal(pid, SIGKILL);
    }
}

fs::path ProgramTest::write(const std::string& name, const std::string& text) const {
  write_file_atomically(path(name), text);
  return path(name);
}

std::vector<int> ProgramTest::alive(const std::string& name) {
  return processes_.find_marked(kMark, path(name).string());
}

ProgramTest::Started ProgramTest::start(const std::vector<std::string>& arguments, const How& how) {
  const std::string name = fmt::format("program{}", names_.size());
  names_.push_back(name);
  // Standard error apart from standard output; the shell becomes the program, so that its pid is
  // the program's.
  ProcessSpec spec{
      .arguments = {"/bin/sh", "-c", "exec \"$@\" >\"$0.out\" 2>\"$0.err\"", path(name)},
      .environment = how.environment,
      .cores = how.cores,
      .log = path(name + ".out"),
      .signal_when_orphaned = SIGKILL};
  const auto append = [&](const std::vector<std::string>& words) {
    spec.arguments.insert(spec.arguments.end(), words.begin(), words.end());
  };
  append(how.through);
  if (how.ranks > 0) append(mpirun(how.ranks));
  append({test::program()});
  append(arguments);
  spec.environment[kMark] = path(name);
  spec.environment.insert({{"OMP_NUM_THREADS", "1"},
                           {"OMPI_ALLOW_RUN_AS_ROOT", "1"},
                           {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"}});
  return {processes_.start(spec), name};
}

Ended ProgramTest::wait(const Started& started) {
  Ended ended;
  std::optional<int> exit_code;
  const double end = clock_.now_s() + kHang_s;
  while (!(exit_code = processes_.try_wait(started.pid)) && clock_.now_s() < end)
    clock_.sleep(0.01);
  if (exit_code)
    ended.exit_code = *exit_code;
  else
    ADD_FAILURE() << started.name << " still runs after " << kHang_s << " s";
  while (exit_code && !alive(started.name).empty() && clock_.now_s() < end) clock_.sleep(0.05);
  ended.out = read_file(path(started.name + ".out"));
  ended.err = read_file(path(started.name + ".err"));
  return ended;
}

void ProgramTest::send_signal_to_rank(const Started& started, int rank, int signal) {
  const std::vector<int> ours = alive(started.name);
  int sent = 0;
  for (const int pid : processes_.find_marked("OMPI_COMM_WORLD_RANK", fmt::to_string(rank)))
    if (std::count(ours.begin(), ours.end(), pid) > 0) {
      processes_.send_signal(pid, signal);
      ++sent;
    }
  EXPECT_EQ(sent, 1) << "rank " << rank << " of " << started.name;
}

void ProgramTest::wait_for_checkpoint(const fs::path& folder, long long step) {
  for (const double end = clock_.now_s() + kHang_s; clock_.now_s() < end; clock_.sleep(0.005)) {
    const auto steps = checkpoint_steps(folder);
    if (!steps.empty() && steps.back() >= step) return;
  }
  FAIL() << folder << " has no checkpoint of step " << step << " or later";
}

RunRecord ProgramTest::train(const fs::path& spec, const std::string& folder, const How& how,
                             const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"train", spec, "--out", path(folder)};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Ended ended = run(arguments, how);
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  const auto record = read_run(path(folder));
  EXPECT_TRUE(record && record->finished()) << folder;
  return record.value_or(RunRecord{});
}

std::vector<long long> checkpoint_steps(const fs::path& folder) {
  constexpr std::string_view kPrefix = "step-";
  std::vector<long long> steps;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder / "checkpoints", ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kPrefix)) steps.push_back(std::stoll(name.substr(kPrefix.size())));
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

void expect_same_run(const RunRecord& a, const RunRecord& b) {
  ASSERT_TRUE(a.finished() && b.finished());
  EXPECT_EQ(a.result->weights_hash, b.result->weights_hash);
  EXPECT_EQ(a.result->steps, b.result->steps);
  EXPECT_EQ(a.result->last->epoch, b.result->last->epoch);
  EXPECT_EQ(a.result->last->train_loss, b.result->last->train_loss);
  EXPECT_EQ(a.result->last->train_error, b.result->last->train_error);
  EXPECT_EQ(a.result->last->validation_error, b.result->last->validation_error);
  EXPECT_EQ(a.result->last->test_error, b.result->last->test_error);
  EXPECT_EQ(a.result->best_validation->epoch, b.result->best_validation->epoch);
  EXPECT_EQ(a.result->best_validation->test_error, b.result->best_validation->test_error);
  ASSERT_EQ(a.epochs.size(), b.epochs.size());
  for (std::size_t i = 0; i < a.epochs.size(); ++i) {
    EXPECT_EQ(a.epochs[i].epoch, b.epochs[i].epoch);
    EXPECT_EQ(a.epochs[i].step, b.epochs[i].step);
    EXPECT_EQ(a.epochs[i].train_loss, b.epochs[i].train_loss) << "epoch " << a.epochs[i].epoch;
    EXPECT_EQ(a.epochs[i].train_error, b.epochs[i].train_error) << "epoch " << a.epochs[i].epoch;
    EXPECT_EQ(a.epochs[i].validation_loss, b.epochs[i].validation_loss);
    EXPECT_EQ(a.epochs[i].validation_error, b.epochs[i].validation_error);
  }
}

}  // namespace hadal::launcher
