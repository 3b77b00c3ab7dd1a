// The commands of `hadal`. A new one is a file of this folder that defines `Command
// NAME_command()`, its declaration and its line here.
#include "launcher/command.h"

namespace hadal::launcher {

Command models_command();

std::vector<Command> all_commands() { return {models_command()}; }

}  // namespace hadal::launcher
