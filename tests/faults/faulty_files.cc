// The program's own write(), fsync() and rename(): every call of it and of its libraries comes
// here, as if a library had been preloaded, and goes on to the system unless a fault is due.
#include <cerrno>
#include <functional>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/faults/injector.h"

namespace {

std::string path_of(int descriptor) {
  char path[512] = {};
  const ssize_t length =
      ::readlink(fmt::format("/proc/self/fd/{}", descriptor).c_str(), path, sizeof path - 1);
  return length > 0 ? path : "";
}

// A fault may itself write; and the injector cannot be asked before it is there.
bool fails(hadal::faults::Point point, const std::function<std::string()>& path,
           const std::function<void()>& half) {
  static thread_local bool asking = false;
  if (asking) return false;
  asking = true;
  const int error = hadal::faults::injector().reach_file(point, path, half);
  asking = false;
  if (error != 0) errno = error;
  return error != 0;
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* data, size_t bytes) {
  const auto half = [&] { ::syscall(SYS_write, descriptor, data, bytes / 2); };
  if (descriptor > 2 &&
      fails(
          hadal::faults::Point::kWrite, [&] { return path_of(descriptor); }, half))
    return -1;
  return ::syscall(SYS_write, descriptor, data, bytes);
}

int fsync(int descriptor) {
  if (fails(
          hadal::faults::Point::kSync, [&] { return path_of(descriptor); }, [] {}))
    return -1;
  return static_cast<int>(::syscall(SYS_fsync, descriptor));
}

int rename(const char* from, const char* to) noexcept {
  if (fails(
          hadal::faults::Point::kRename, [&] { return std::string(to); }, [] {}))
    return -1;
  return static_cast<int>(::syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to));
}

}  // extern "C"
