#include "core/base/files.h"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"

namespace hadal {
namespace fs = std::filesystem;
namespace {

class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

void write_all(int fd, std::string_view data, const std::string& path) {
  while (!data.empty()) {
    const ssize_t written = ::write(fd, data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw io_error("cannot write", path, errno);
    data.remove_prefix(static_cast<std::size_t>(written));
  }
}

void sync_path(const fs::path& path, int flags) {
  const Descriptor descriptor(path, flags);
  if (descriptor.get() < 0 || ::fsync(descriptor.get()) != 0)
    throw io_error("cannot sync", path.string(), errno);
}

fs::path parent_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

fs::path temporary_beside(const fs::path& path) {
  return parent_of(path) / fmt::format(".{}.tmp.{}", path.filename().string(), ::getpid());
}

void rename_into_place(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    throw io_error("cannot rename to", to.string(), errno);
  sync_path(parent_of(to), O_RDONLY | O_DIRECTORY);
}

}  // namespace

std::string read_file(const fs::path& path, std::size_t limit_bytes) {
  const Descriptor descriptor(path, O_RDONLY);
  if (descriptor.get() < 0) throw io_error("cannot read", path.string(), errno);
  std::error_code ignored;
  const auto size = fs::file_size(path, ignored);
  std::string contents;
  if (!ignored && size <= limit_bytes) contents.reserve(size);
  char buffer[1 << 16];
  for (;;) {
    const ssize_t got = ::read(descriptor.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw io_error("cannot read", path.string(), errno);
    if (got == 0) return contents;
    if (contents.size() + static_cast<std::size_t>(got) > limit_bytes)
      throw DataError(
          fmt::format("{}: larger than the {} bytes allowed here", path.string(), limit_bytes));
    contents.append(buffer, static_cast<std::size_t>(got));
  }
}

void write_file_atomically(const fs::path& path, std::string_view contents) {
  const fs::path temporary = temporary_beside(path);
  try {
    {
      const Descriptor descriptor(temporary, O_WRONLY | O_CREAT | O_TRUNC);
      if (descriptor.get() < 0) throw io_error("cannot write", path.string(), errno);
      write_all(descriptor.get(), contents, path.string());
      if (::fsync(descriptor.get()) != 0) throw io_error("cannot sync", path.string(), errno);
    }
    rename_into_place(temporary, path);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

void write_folder_atomically(const fs::path& path,
                             const std::function<void(const fs::path&)>& fill) {
  const fs::path temporary = temporary_beside(path);
  std::error_code ignored;
  fs::remove_all(temporary, ignored);
  try {
    if (::mkdir(temporary.c_str(), 0777) != 0)
      throw io_error("cannot create", temporary.string(), errno);
    fill(temporary);
    for (const auto& entry : fs::recursive_directory_iterator(temporary))
      sync_path(entry.path(), entry.is_directory() ? O_RDONLY | O_DIRECTORY : O_RDONLY);
    sync_path(temporary, O_RDONLY | O_DIRECTORY);
    rename_into_place(temporary, path);
  } catch (...) {
    fs::remove_all(temporary, ignored);
    throw;
  }
}

void cut_torn_line(const fs::path& path) {
  if (!fs::exists(path)) return;
  const std::string text = read_file(path);
  const std::size_t whole = text.rfind('\n') + 1;
  if (whole != text.size() && ::truncate(path.c_str(), static_cast<off_t>(whole)) != 0)
    throw io_error("cannot cut the torn last line of", path.string(), errno);
}

LineAppender::LineAppender(const fs::path& path)
    : path_(path.string()),
      descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) throw io_error("cannot write", path_, errno);
}

LineAppender::~LineAppender() { ::close(descriptor_); }

void LineAppender::append(std::string_view line) {
  write_all(descriptor_, std::string(line) + "\n", path_);
}

void LineAppender::sync() {
  if (::fsync(descriptor_) != 0) throw io_error("cannot sync", path_, errno);
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (fs::temp_directory_path() / "hadal.XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw io_error("cannot create", pattern, errno);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void require_writable_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw io_error("cannot create", path.string(), error.value());
  if (::access(path.c_str(), W_OK | X_OK) != 0)
    throw io_error("cannot write in", path.string(), errno);
}

}  // namespace hadal
