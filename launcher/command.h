// What a subcommand of `hadal` is. Each lives in one file of launcher/commands/ and has one line in
// commands/registry.cc.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "launcher/arguments.h"

namespace hadal::launcher {

/// What a command does once its options are read; returns the exit code. It reports failure by
/// throwing hadal::Error, not by printing.
using Action = std::function<int()>;

struct Command {
  std::string name;     // as typed: "train"
  std::string summary;  // its line in `hadal --help`
  std::string example;  // ends `hadal NAME --help`
  /// Declares options and positionals on `app` and returns the action. Called once per command
  /// line, chosen or not, so it must be cheap; what the options are read into has to live as long
  /// as the action (a std::shared_ptr<Options> captured by it).
  std::function<Action(Arguments& app)> declare;
};

/// Every command, in alphabetical order.
std::vector<Command> all_commands();

}  // namespace hadal::launcher
