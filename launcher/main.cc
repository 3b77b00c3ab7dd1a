#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include <unistd.h>

#include "launcher/command_line.h"
#include "launcher/privacy.h"

int main(int argc, char** argv) {
  using namespace hadal::launcher;
  write_for_user_alone();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const int code = run_command_line(all_commands(), arguments, std::cout, std::cerr);
  // A rank that failed must not wait for its peers in an exit handler: they end when it does.
  if (code != 0 && is_one_of_many()) {
    std::cout.flush();
    std::fflush(nullptr);
    ::_exit(code);
  }
  return code;
}
