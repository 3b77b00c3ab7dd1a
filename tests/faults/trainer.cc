// The program `hadal` with faults in its `train`; everything else is the product.
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "launcher/command_line.h"
#include "launcher/privacy.h"
#include "launcher/train_parts.h"
#include "tests/faults/injector.h"

namespace {

constexpr double kLimit_s = hadal::faults::kPatience_s;

}  // namespace

int main(int argc, char** argv) {
  using namespace hadal;
  launcher::write_for_user_alone();
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);

  launcher::TrainParts parts;
  parts.around_group = [](ReplicaGroup& group) { return faults::injector().around(group); };
  parts.probe = &faults::injector();
  // Steps take milliseconds here.
  parts.watchdog.limit_s = {40, kLimit_s, kLimit_s, kLimit_s, kLimit_s, kLimit_s};
  std::vector<launcher::Command> commands = launcher::all_commands();
  for (launcher::Command& command : commands)
    if (command.name == "train") command = launcher::train_command(parts);

  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const int code = launcher::run_command_line(commands, arguments, std::cout, std::cerr);
  if (code != 0 && launcher::is_one_of_many()) {
    std::cout.flush();
    std::fflush(nullptr);
    ::_exit(code);
  }
  return code;
}
