#include "launcher/command_line.h"

#include <cstdlib>
#include <ctime>
#include <iostream>
#include <new>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/plain_text.h"
#include "core/base/strings.h"
#include "launcher/version.h"

namespace hadal::launcher {
namespace {

constexpr std::size_t kLongestComplaint = 4000;

// mpirun and srun both name the rank in the environment, before MPI is there to be asked.
std::optional<int> rank_from_environment() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"})
    if (const char* value = std::getenv(name)) return std::atoi(value);
  return std::nullopt;
}

// When a spec is wrong, it is wrong on every rank. Ranks above 0 therefore wait before they speak:
// if rank 0 fails too, mpirun sends the others SIGTERM 1.0 s after its exit, which ends the wait
// whether the signal is caught or not, and the line is there once. A rank that fails alone speaks
// after the wait.
bool speak_for_rank() {
  if (rank_from_environment().value_or(0) == 0) return true;
  const timespec wait{1, 500'000'000};
  return ::nanosleep(&wait, nullptr) == 0;
}

int fail(std::ostream& err, int code, const std::string& message) {
  if (speak_for_rank()) complain(err, message);
  return code;
}

int fail(std::ostream& err, ExitCode code, const std::string& message) {
  return fail(err, static_cast<int>(code), message);
}

CLI::App* deepest_parsed(CLI::App& app) {
  CLI::App* deepest = &app;
  while (!deepest->get_subcommands().empty()) deepest = deepest->get_subcommands().front();
  return deepest;
}

// "sweep run"; "" for the program itself.
std::string path_of(const CLI::App* app) {
  std::string path;
  for (; app->get_parent() != nullptr; app = app->get_parent())
    path = path.empty() ? app->get_name() : app->get_name() + " " + path;
  return path;
}

// Messages start with "hadal: sweep run: ".
std::string who(const CLI::App* app) {
  const std::string path = path_of(app);
  return path.empty() ? "" : path + ": ";
}

std::vector<std::string> subcommands_of(CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; }))
    names.push_back(sub->get_name());
  return names;
}

std::vector<std::string> options_of(CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

// Such a command runs without a subcommand, if it has one (hadal pca FILES, hadal pca transform).
bool has_arguments(CLI::App& app) {
  return !app.get_options([](const CLI::Option* option) { return option->get_positional(); })
              .empty();
}

// What is wrong with the command line, or "" if all of it was understood.
std::string not_understood(CLI::App& app) {
  CLI::App* chosen = deepest_parsed(app);
  const std::vector<std::string> subcommands = subcommands_of(*chosen);
  const std::vector<std::string> extras = app.remaining(true);
  std::string problem;
  if (extras.empty()) {
    if (subcommands.empty() || has_arguments(*chosen)) return "";
    problem = "no command given; known commands: " + join(subcommands, ", ");
  } else if (const std::string& extra = extras.front(); extra.starts_with("-")) {
    const std::string meant = did_you_mean(extra.substr(0, extra.find('=')), options_of(*chosen));
    problem = fmt::format("unknown option '{}'", extra);
    if (!meant.empty()) problem += fmt::format("; did you mean '{}'?", meant);
  } else if (!subcommands.empty()) {
    problem = unknown_name("command", extra, subcommands);
  } else {
    problem = fmt::format("unexpected argument '{}'", extra);
  }
  const std::string path = path_of(chosen);
  return fmt::format("{}{}; see hadal {}--help", who(chosen), problem,
                     path.empty() ? "" : path + " ");
}

int parse_and_run(CLI::App& app, std::span<const Command> commands,
                  const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err) {
  std::vector<Action> actions;
  for (const Command& command : commands) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->footer("Example:\n  " + command.example + "\n");
    sub->require_subcommand(0, 1);
    Arguments of_command(*sub);
    actions.push_back(command.declare(of_command));
  }
  try {
    // CLI11 reads its vector from the back.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Success& wanted) {  // --help, --version
    return app.exit(wanted, out, err);
  } catch (const CLI::ParseError& error) {
    const std::string reason = not_understood(app);
    throw UsageError(reason.empty() ? who(deepest_parsed(app)) + error.what() : reason);
  }
  for (std::size_t i = 0; i < commands.size(); ++i)
    if (app.got_subcommand(commands[i].name)) {
      if (const std::string reason = not_understood(app); !reason.empty()) throw UsageError(reason);
      return actions[i]();
    }
  throw UsageError(not_understood(app));
}

}  // namespace

void complain(std::ostream& err, const std::string& message) {
  // What a message quotes may be anybody's.
  for (std::string& line : split(message, '\n'))
    err << fmt::format("hadal: {}\n", on_one_line(std::move(line), kLongestComplaint));
  err << std::flush;
}

bool is_one_of_many() { return rank_from_environment().has_value(); }

int run_command_line(std::span<const Command> commands, const std::vector<std::string>& arguments,
                     std::ostream& out, std::ostream& err) {
  try {
    CLI::App app{"Trains very deep convolutional networks on many ranks, and sweeps of them.",
                 "hadal"};
    app.require_subcommand(0, 1);
    app.set_version_flag("--version", version_line());
    app.footer("Each command has --help with an example.\n");
    const int code = parse_and_run(app, commands, arguments, out, err);
    if (!out.flush()) throw IoError(ExitCode::kIo, "cannot write to standard output");
    return code;
  } catch (const Error& error) {
    return fail(err, error.exit_code(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(err, ExitCode::kOutOfMemory, "out of memory");
  } catch (const std::exception& error) {
    return fail(err, ExitCode::kInternal, fmt::format("internal error: {}", error.what()));
  }
}

}  // namespace hadal::launcher
