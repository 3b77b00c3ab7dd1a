#include "launcher/program_path.h"

#include <filesystem>

namespace hadal::launcher {

std::string this_program() {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "hadal" : path.string();
}

}  // namespace hadal::launcher
