// The bytes of a file by position, read into buffers or mapped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/data/byte_source.h"

namespace hadal::matrix {

/// How files are brought into memory. Mapped rows are used where they lie (RowSource::in_place),
/// but a page that is touched is resident, and the thread that touches it waits for the disk. Read
/// rows cost a copy into the caller's buffer, and a thread of its own can read ahead: the way for
/// files larger than memory.
enum class FileAccess {
  kAuto,  // maps files of at most FileUse::memory_bytes, reads others
  kMap,
  kRead,
};

struct FileUse {
  FileAccess access = FileAccess::kAuto;
  std::int64_t memory_bytes = 0;  // 0: half of the machine's memory
};

/// Several threads may read at once.
class RandomAccessFile {
 public:
  /// Throws IoError when the file cannot be opened or mapped, or is a folder or pipe.
  explicit RandomAccessFile(const std::filesystem::path& path, const FileUse& use = {});

  /// A file of `bytes` zeros without a name in the folder for temporary files (TMPDIR), which goes
  /// away with the object. Throws IoError, also when so much is not free there.
  static std::unique_ptr<RandomAccessFile> temporary(std::uint64_t bytes, const std::string& name);

  /// A temporary file with the next `bytes` bytes of `from`, which must end there. Throws DataError
  /// when it does not, and IoError.
  static std::unique_ptr<RandomAccessFile> unpack(data::ByteSource& from, std::uint64_t bytes,
                                                  const FileUse& use = {});

  ~RandomAccessFile();
  RandomAccessFile(const RandomAccessFile&) = delete;
  RandomAccessFile& operator=(const RandomAccessFile&) = delete;

  const std::string& name() const { return name_; }
  std::uint64_t size() const { return size_; }

  /// Throws IoError, or DataError when the file ends before.
  void read(std::uint64_t offset, std::size_t bytes, void* to) const;

  /// Within the size of a temporary file. Throws IoError.
  void write(std::uint64_t offset, std::size_t bytes, const void* from);

  /// The mapped file; null when it is not.
  const std::byte* mapped() const { return mapped_; }

  /// The mapped pages of these bytes need not stay resident.
  void release(std::uint64_t offset, std::uint64_t bytes) const;

 private:
  RandomAccessFile(int descriptor, std::string name);
  void map(const FileUse& use);

  std::string name_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::byte* mapped_ = nullptr;
};

/// A part of a file in order; `file` must outlive it.
std::unique_ptr<data::ByteSource> open_range(const RandomAccessFile& file, std::uint64_t offset,
                                             std::uint64_t bytes);

}  // namespace hadal::matrix
