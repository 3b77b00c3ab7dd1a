// From argv to an exit code: finds the command, reads its options, runs it, and turns whatever went
// wrong into one line on stderr.
#pragma once

#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include "launcher/command.h"

namespace hadal::launcher {

/// Runs `arguments` (without the program's name) and returns the exit code.
///
/// `--help` and `--version` go to `out`. Every failure is one line "hadal: …" on `err`
/// (a spec with several errors: one line each):
/// an unknown command or option (exit 64, with the nearest known name), a hadal::Error (its
/// exit_code()), std::bad_alloc (88), any other exception (70). Under mpirun only one rank speaks
/// when all fail alike.
int run_command_line(std::span<const Command> commands, const std::vector<std::string>& arguments,
                     std::ostream& out, std::ostream& err);

/// Writes `message` to `err`, "hadal: " before each of its lines.
void complain(std::ostream& err, const std::string& message);

/// True when this process is one of several that mpirun or srun started.
bool is_one_of_many();

}  // namespace hadal::launcher
