#include "launcher/command_line.h"

#include <cstdlib>
#include <memory>
#include <new>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"

namespace hadal::launcher {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

struct Outcome {
  int code;
  std::string out, err;
};

Command train_that(std::function<int()> body) {
  return {"train", "trains", "hadal train lenet.textproto", [body](Arguments& app) -> Action {
            auto spec = std::make_shared<std::string>();
            app.add_option("SPEC", *spec, "what to train").required();
            auto epochs = std::make_shared<int>(1);
            app.add_option("--epochs", *epochs, "how long");
            return [spec, epochs, body] { return body(); };
          }};
}

Command sweep_that(std::function<int()> body) {
  return {"sweep", "sweeps", "hadal sweep run s.textproto", [body](Arguments& app) -> Action {
            auto dry_run = std::make_shared<bool>(false);
            app.add_nested("run", "runs it", "hadal sweep run s.textproto")
                .add_flag("--dry-run", *dry_run, "only looks");
            app.add_nested("status", "looks", "hadal sweep status runs/s");
            return [dry_run, body] { return body(); };
          }};
}

Outcome run(
    const std::vector<std::string>& arguments, std::function<int()> body = [] { return 0; }) {
  const std::vector<Command> commands = {sweep_that(body), train_that(body)};
  std::ostringstream out, err;
  const int code = run_command_line(commands, arguments, out, err);
  return {code, out.str(), err.str()};
}

void expect_usage_error(const std::vector<std::string>& arguments, const std::string& says) {
  const Outcome outcome = run(arguments);
  EXPECT_EQ(outcome.code, 64);
  EXPECT_THAT(outcome.err, AllOf(StartsWith("hadal: "), HasSubstr(says)));
  EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << "one line: " << outcome.err;
  EXPECT_EQ(outcome.out, "");
}

TEST(CommandLine, RunsTheCommandAndReturnsItsCode) {
  EXPECT_EQ(run({"train", "a"}, [] { return 75; }).code, 75);
  EXPECT_EQ(run({"sweep", "run"}, [] { return 0; }).code, 0);
}

TEST(CommandLine, UnknownCommandNamesTheNearest) {
  expect_usage_error({"trian", "a"}, "unknown command 'trian'; did you mean 'train'?");
  expect_usage_error({"sweep", "rnu"}, "did you mean 'run'?");
}

TEST(CommandLine, UnknownOptionNamesTheNearest) {
  expect_usage_error({"train", "a", "--epcohs", "3"}, "did you mean '--epochs'?");
  expect_usage_error({"train", "--epcohs=3"}, "did you mean '--epochs'?");
  expect_usage_error({"sweep", "run", "--dry-rum"}, "did you mean '--dry-run'?");
}

TEST(CommandLine, MissingPiecesAreNamed) {
  expect_usage_error({}, "known commands: sweep, train");
  expect_usage_error({"sweep"}, "known commands: run, status");
  expect_usage_error({"train"}, "SPEC is required");
  expect_usage_error({"train", "a", "--epochs"}, "--epochs");
  expect_usage_error({"train", "a", "b"}, "unexpected argument 'b'");
  expect_usage_error({"train", "a", "sweep"}, "unexpected argument 'sweep'");
}

TEST(CommandLine, EveryHelpHasAnExampleAndGoesToStandardOutput) {
  const std::vector<std::vector<std::string>> lines = {
      {"train", "--help"}, {"sweep", "--help"}, {"sweep", "run", "--help"}};
  for (const auto& line : lines) {
    const Outcome outcome = run(line);
    EXPECT_EQ(outcome.code, 0);
    EXPECT_THAT(outcome.out, HasSubstr("Example:\n  hadal "));
    EXPECT_EQ(outcome.err, "");
  }
  EXPECT_THAT(run({"--version"}).out, StartsWith("hadal 0."));
}

TEST(CommandLine, FailuresAreOneLineAndTheirOwnExitCode) {
  const Outcome config = run({"train", "a"}, []() -> int { throw ConfigError("batch 3 is odd"); });
  EXPECT_EQ(config.code, 78);
  EXPECT_EQ(config.err, "hadal: batch 3 is odd\n");
  const Outcome two = run({"train", "a"}, []() -> int { throw ConfigError("a.b: x\nc: y"); });
  EXPECT_EQ(two.err, "hadal: a.b: x\nhadal: c: y\n");
  const Outcome memory = run({"train", "a"}, []() -> int { throw std::bad_alloc(); });
  EXPECT_EQ(memory.code, 88);
  EXPECT_EQ(memory.err, "hadal: out of memory\n");
  const Outcome internal = run({"train", "a"}, []() -> int { throw std::logic_error("x"); });
  EXPECT_EQ(internal.code, 70);
  EXPECT_EQ(internal.err, "hadal: internal error: x\n");
}

TEST(CommandLine, OutputThatCannotBeWrittenIsAFailure) {
  std::ostringstream out, err;
  out.setstate(std::ios::badbit);
  EXPECT_EQ(run_command_line(std::vector{train_that([] { return 0; })}, {"train", "a"}, out, err),
            74);
}

TEST(CommandLine, EveryRealCommandIsCompleteAndInOrder) {
  std::string previous;
  for (const Command& command : all_commands()) {
    EXPECT_LT(previous, command.name);
    EXPECT_FALSE(command.summary.empty()) << command.name;
    std::ostringstream out, err;
    EXPECT_EQ(run_command_line(all_commands(), {command.name, "--help"}, out, err), 0);
    EXPECT_THAT(out.str(), HasSubstr("hadal " + command.name)) << "no example";
    previous = command.name;
  }
}

}  // namespace
}  // namespace hadal::launcher
