#include "core/matrix/random_access_file.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal::matrix {
namespace {

constexpr std::size_t kCopyBytes = 1 << 20;

std::uint64_t half_of_memory() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / 2;
}

class RangeSource final : public data::ByteSource {
 public:
  RangeSource(const RandomAccessFile& file, std::uint64_t offset, std::uint64_t bytes)
      : ByteSource(file.name()), file_(file), offset_(offset), left_(bytes) {}

 protected:
  std::size_t read_some(void* to, std::size_t bytes) override {
    const auto got = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, left_));
    if (got > 0) file_.read(offset_, got, to);
    offset_ += got;
    left_ -= got;
    return got;
  }

 private:
  const RandomAccessFile& file_;
  std::uint64_t offset_, left_;
};

}  // namespace

RandomAccessFile::RandomAccessFile(int descriptor, std::string name)
    : name_(std::move(name)), descriptor_(descriptor) {}

RandomAccessFile::RandomAccessFile(const std::filesystem::path& path, const FileUse& use)
    : RandomAccessFile(::open(path.c_str(), O_RDONLY | O_CLOEXEC), path.string()) {
  struct stat status {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0)
    throw io_error("cannot open", name_, errno);
  if (!S_ISREG(status.st_mode))
    throw IoError(ExitCode::kMissingInput,
                  fmt::format("{}: not a file but a folder, pipe or device; wanted a file that can "
                              "be read from any place",
                              name_));
  size_ = static_cast<std::uint64_t>(status.st_size);
  ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
  map(use);
}

std::unique_ptr<RandomAccessFile> RandomAccessFile::temporary(std::uint64_t bytes,
                                                              const std::string& name) {
  std::string pattern = (std::filesystem::temp_directory_path() / "hadal.XXXXXX").string();
  struct statvfs room {};
  if (::statvfs(std::filesystem::path(pattern).parent_path().c_str(), &room) == 0 &&
      bytes / room.f_frsize >= room.f_bavail)
    throw IoError(ExitCode::kCannotWrite,
                  fmt::format("{}: needs {} in {} for the time of the run, {} are free there; set "
                              "TMPDIR to a folder with more room",
                              name, format_bytes(static_cast<double>(bytes)),
                              std::filesystem::temp_directory_path().string(),
                              format_bytes(static_cast<double>(room.f_bavail * room.f_frsize))));
  const int descriptor = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (descriptor < 0) throw io_error("cannot create", pattern, errno);
  ::unlink(pattern.c_str());
  std::unique_ptr<RandomAccessFile> file(new RandomAccessFile(descriptor, name));
  if (::ftruncate(descriptor, static_cast<off_t>(bytes)) != 0)
    throw io_error("cannot make a temporary file for", name, errno);
  file->size_ = bytes;
  return file;
}

std::unique_ptr<RandomAccessFile> RandomAccessFile::unpack(data::ByteSource& from,
                                                           std::uint64_t bytes,
                                                           const FileUse& use) {
  std::unique_ptr<RandomAccessFile> file = temporary(bytes, from.name());
  std::vector<std::byte> buffer(
      static_cast<std::size_t>(std::min<std::uint64_t>(bytes, kCopyBytes)));
  for (std::uint64_t done = 0; done < bytes;) {
    const auto step =
        static_cast<std::size_t>(std::min<std::uint64_t>(bytes - done, buffer.size()));
    from.read_exact(buffer.data(), step, "its compressed data");
    file->write(done, step, buffer.data());
    done += step;
  }
  if (!from.at_end())
    throw DataError(fmt::format("{}: holds more than the {} bytes it states", from.name(), bytes));
  file->map(use);
  return file;
}

RandomAccessFile::~RandomAccessFile() {
  if (mapped_ != nullptr) ::munmap(mapped_, size_);
  if (descriptor_ >= 0) ::close(descriptor_);
}

void RandomAccessFile::map(const FileUse& use) {
  const std::uint64_t most =
      use.memory_bytes > 0 ? static_cast<std::uint64_t>(use.memory_bytes) : half_of_memory();
  const bool wanted =
      use.access == FileAccess::kMap || (use.access == FileAccess::kAuto && size_ <= most);
  if (!wanted || size_ == 0) return;
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor_, 0);
  if (address == MAP_FAILED) throw io_error("cannot map", name_, errno);
  mapped_ = static_cast<std::byte*>(address);
}

void RandomAccessFile::read(std::uint64_t offset, std::size_t bytes, void* to) const {
  for (auto* out = static_cast<std::byte*>(to); bytes > 0;) {
    const ssize_t got = ::pread(descriptor_, out, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw io_error("cannot read", name_, errno);
    if (got == 0)
      throw DataError(fmt::format("{}: ends at byte {}, {} more were there when it was opened",
                                  name_, offset, bytes));
    out += got;
    offset += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::size_t>(got);
  }
}

void RandomAccessFile::write(std::uint64_t offset, std::size_t bytes, const void* from) {
  HADAL_CHECK(offset <= size_ && bytes <= size_ - offset);
  for (const auto* in = static_cast<const std::byte*>(from); bytes > 0;) {
    const ssize_t done = ::pwrite(descriptor_, in, bytes, static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0)
      throw io_error("cannot write a temporary file (TMPDIR names its folder) for", name_, errno);
    in += done;
    offset += static_cast<std::uint64_t>(done);
    bytes -= static_cast<std::size_t>(done);
  }
}

void RandomAccessFile::release(std::uint64_t offset, std::uint64_t bytes) const {
  if (mapped_ == nullptr || bytes == 0) return;
  // Whole pages, those at the edges too: a neighbour's page comes back when it is touched.
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t begin = offset / page * page;
  ::madvise(mapped_ + begin, std::min(offset + bytes, size_) - begin, MADV_DONTNEED);
}

std::unique_ptr<data::ByteSource> open_range(const RandomAccessFile& file, std::uint64_t offset,
                                             std::uint64_t bytes) {
  return std::make_unique<RangeSource>(file, offset, bytes);
}

}  // namespace hadal::matrix
