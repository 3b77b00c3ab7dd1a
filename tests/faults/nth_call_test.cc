// Every system call by which a checkpoint or a result gets to the disk fails once: the first, the
// second, … until all went well. Whatever fails, it is an error in plain words, what was there
// before is still there, and the next attempt succeeds.
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/tensor.h"
#include "experiments/checkpoint.h"
#include "experiments/spec/load.h"
#include "launcher/run_store.h"

namespace {

/// The one call that is to fail.
struct Plan {
  std::string call;
  int number = 0;  // of calls of this kind, from 1; 0: none fails
  int error = 0;
  int seen = 0;
};
Plan plan;

bool fails(const char* call) {
  if (plan.number == 0 || plan.call != call || ++plan.seen != plan.number) return false;
  errno = plan.error;
  return true;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return fails("open") ? -1 : static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
ssize_t write(int descriptor, const void* data, size_t bytes) {
  return descriptor > 2 && fails("write") ? -1 : ::syscall(SYS_write, descriptor, data, bytes);
}
int fsync(int descriptor) {
  return fails("fsync") ? -1 : static_cast<int>(::syscall(SYS_fsync, descriptor));
}
int rename(const char* from, const char* to) noexcept {
  return fails("rename") ? -1
                         : static_cast<int>(::syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to));
}
int mkdir(const char* path, mode_t mode) noexcept {
  return fails("mkdir") ? -1 : static_cast<int>(::syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}

}  // extern "C"

namespace hadal {
namespace {

namespace fs = std::filesystem;
using experiments::Checkpoint;
using experiments::CheckpointStore;

constexpr const char* kSpec = R"(
  model { name: "resnet" } data { name: "generator" } optimizer { learning_rate: 0.1 } epochs: 2)";

class NthCall : public testing::Test {
 protected:
  /// `act` with the first, second, … call failing, `check` after each. At least one must have.
  void each_fails(const std::string& call, const std::function<void()>& act,
                  const std::function<void()>& check) {
    int failures = 0;
    for (const int error : {ENOSPC, EDQUOT, EIO, EMFILE}) {
      for (int number = 1;; ++number) {
        SCOPED_TRACE(fmt::format("{} number {}: {}", call, number, std::strerror(error)));
        plan = {call, number, error};
        bool failed = false;
        try {
          act();
        } catch (const IoError& io) {
          failed = true;
          EXPECT_THAT(io.what(), testing::HasSubstr(std::strerror(error)));
          EXPECT_NE(io.exit_code(), ExitCode::kOk);
        }
        const bool reached = plan.seen >= number;
        plan = {};
        if (!reached) break;
        failures += failed;
        check();
        if (HasFailure()) return;
      }
    }
    EXPECT_GT(failures, 0) << call;
  }

  TemporaryFolder root;
};

TEST_F(NthCall, ACheckpointIsWrittenWholeOrTheOneBeforeStays) {
  const spec::ExperimentSpec spec = spec::experiment_from_text(kSpec, "spec");
  Tensor weight{Shape{1000}};
  CheckpointStore store(root.path() / "checkpoints", 2, [](const std::string&) {});
  const auto save = [&](std::int64_t step) {
    weight.as<float>()[0] = static_cast<float>(step);
    store.save({.spec = spec, .step = step}, {{"weights", {{"w", weight.view()}}}});
  };
  std::int64_t step = 0, good = ++step;
  save(good);
  for (const char* call : {"open", "write", "fsync", "rename", "mkdir"})
    each_fails(
        call, [&] { save(++step); },
        [&] {
          const auto newest = store.latest_good(spec);
          ASSERT_TRUE(newest.has_value());
          EXPECT_GE(newest->state.step, good);
          save(good = ++step);
          EXPECT_EQ(store.latest_good(spec)->state.step, good);
          for (const auto& entry : fs::directory_iterator(root.path() / "checkpoints"))
            EXPECT_EQ(entry.path().filename().string().substr(0, 5), "step-");
        });
}

TEST_F(NthCall, AResultIsWrittenWholeOrNotThere) {
  launcher::RunResult result;
  result.steps = 1;
  launcher::write_result(root.path(), result);
  long long good = 1;
  for (const char* call : {"open", "write", "fsync", "rename"})
    each_fails(
        call,
        [&] {
          result.steps = good + 1;
          launcher::write_result(root.path(), result);
        },
        [&] {
          const auto found = launcher::read_result(root.path());
          ASSERT_TRUE(found.has_value());
          EXPECT_GE(found->steps, good);
          result.steps = ++good;
          launcher::write_result(root.path(), result);
        });
}

TEST_F(NthCall, ALineOfMetricsIsThereOrTornAtTheEnd) {
  for (const char* call : {"open", "write", "fsync"})
    each_fails(
        call,
        [&] {
          launcher::MetricsWriter metrics(root.path());
          metrics.event({.what = "checkpoint", .step = 1, .time = 1});
        },
        [&] {
          write_file_atomically(root.path() / "spec.textproto", "");
          EXPECT_NO_THROW(launcher::read_run(root.path()));
        });
}

}  // namespace
}  // namespace hadal
