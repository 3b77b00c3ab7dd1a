#include "core/base/error.h"

#include <cerrno>
#include <cstring>

namespace hadal {

IoError io_error(const std::string& doing, const std::string& path, int error_number) {
  ExitCode code = ExitCode::kIo;
  if (error_number == ENOENT) code = ExitCode::kMissingInput;
  if (error_number == EACCES || error_number == EPERM) code = ExitCode::kPermission;
  if (error_number == EROFS) code = ExitCode::kCannotWrite;
  return {code, doing + " " + path + ": " + std::strerror(error_number)};
}

namespace internal {
void check_failed(const char* expression, const char* file, int line) {
  throw std::logic_error(std::string(file) + ":" + std::to_string(line) +
                         ": does not hold: " + expression);
}
}  // namespace internal

}  // namespace hadal
