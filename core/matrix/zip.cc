#include "core/matrix/zip.h"

#include <algorithm>

#include <fmt/format.h>
#include <zlib.h>

#include "core/base/error.h"

namespace hadal::matrix {
namespace {

constexpr std::uint64_t kEndBytes = 22, kLocatorBytes = 20, kEnd64Bytes = 56;
constexpr std::uint64_t kEntryBytes = 46, kLocalBytes = 30;
constexpr std::uint64_t kMaxDirectoryBytes = 64 << 20;
constexpr std::size_t kCopyBytes = 1 << 20;
// Deflate makes at most 1,032 bytes of one.
constexpr std::uint64_t kMaxInflation = 1040;

[[noreturn]] void fail(const RandomAccessFile& archive, std::string_view why) {
  throw DataError(
      fmt::format("{}: not a ZIP archive (.npz) that can be read: {}", archive.name(), why));
}

// Little-endian numbers in a part of the archive.
class Record {
 public:
  Record(const RandomAccessFile& archive, std::uint64_t offset, std::uint64_t bytes)
      : archive_(archive) {
    if (offset > archive.size() || bytes > archive.size() - offset)
      fail(archive,
           fmt::format("{} bytes wanted at byte {}, it has {}", bytes, offset, archive.size()));
    bytes_.resize(static_cast<std::size_t>(bytes));
    if (bytes > 0) archive.read(offset, bytes_.size(), bytes_.data());
  }

  std::uint64_t number(std::size_t at, std::size_t count) const {
    if (at > bytes_.size() || count > bytes_.size() - at) fail(archive_, "its directory is torn");
    std::uint64_t value = 0;
    for (std::size_t i = count; i > 0; --i)
      value = value << 8 | static_cast<unsigned char>(bytes_[at + i - 1]);
    return value;
  }
  std::string text(std::size_t at, std::size_t count) const {
    if (at > bytes_.size() || count > bytes_.size() - at) fail(archive_, "its directory is torn");
    return bytes_.substr(at, count);
  }
  std::size_t size() const { return bytes_.size(); }

 private:
  const RandomAccessFile& archive_;
  std::string bytes_;
};

struct Directory {
  std::uint64_t offset = 0, bytes = 0, entries = 0;
};

Directory find_directory(const RandomAccessFile& archive) {
  if (archive.size() < kEndBytes) fail(archive, "it is too short");
  // The end record may be followed by a comment of up to 65,535 bytes.
  const std::uint64_t tail = std::min<std::uint64_t>(archive.size(), kEndBytes + 65535);
  const std::uint64_t tail_offset = archive.size() - tail;
  const Record last(archive, tail_offset, tail);
  for (std::size_t at = last.size() - kEndBytes + 1; at-- > 0;) {
    if (last.number(at, 4) != 0x06054b50 || at + kEndBytes + last.number(at + 20, 2) != last.size())
      continue;
    Directory directory{.offset = last.number(at + 16, 4),
                        .bytes = last.number(at + 12, 4),
                        .entries = last.number(at + 10, 2)};
    if (directory.offset != 0xffffffff && directory.bytes != 0xffffffff &&
        directory.entries != 0xffff)
      return directory;
    const std::uint64_t end = tail_offset + at;
    if (end < kLocatorBytes) fail(archive, "its ZIP64 directory is missing");
    const Record locator(archive, end - kLocatorBytes, kLocatorBytes);
    if (locator.number(0, 4) != 0x07064b50) fail(archive, "its ZIP64 directory is missing");
    const Record end64(archive, locator.number(8, 8), kEnd64Bytes);
    if (end64.number(0, 4) != 0x06064b50) fail(archive, "its ZIP64 directory is missing");
    return {.offset = end64.number(48, 8),
            .bytes = end64.number(40, 8),
            .entries = end64.number(32, 8)};
  }
  fail(archive, "its directory, which is at the end, is missing: the file may be truncated");
}

// Sizes that do not fit into 32 bits are in the extra field of kind 1, in this order.
void read_extra64(const Record& record, std::size_t at, std::size_t bytes, ZipMember& member,
                  std::uint64_t& local) {
  for (const std::size_t end = at + bytes; at + 4 <= end;) {
    const std::uint64_t kind = record.number(at, 2), length = record.number(at + 2, 2);
    at += 4;
    if (kind == 1) {
      std::size_t place = at;
      for (std::uint64_t* size : {&member.bytes, &member.packed_bytes, &local})
        if (*size == 0xffffffff) {
          *size = record.number(place, 8);
          place += 8;
        }
      return;
    }
    at += static_cast<std::size_t>(length);
  }
}

// The bytes of a deflated member, with what they are made from.
class MemberSource final : public data::ByteSource {
 public:
  explicit MemberSource(std::unique_ptr<data::ByteSource> packed, std::uint64_t packed_bytes)
      : ByteSource(packed->name()),
        packed_(std::move(packed)),
        unpacked_(data::open_inflated(*packed_, data::Compression::kDeflate, packed_bytes)) {}

 protected:
  std::size_t read_some(void* to, std::size_t bytes) override { return unpacked_->read(to, bytes); }

 private:
  std::unique_ptr<data::ByteSource> packed_, unpacked_;
};

std::uint32_t crc32_of(const RandomAccessFile& file) {
  std::vector<Bytef> buffer(kCopyBytes);
  uLong crc = ::crc32(0, nullptr, 0);
  for (std::uint64_t at = 0; at < file.size();) {
    const auto n =
        static_cast<std::size_t>(std::min<std::uint64_t>(file.size() - at, buffer.size()));
    file.read(at, n, buffer.data());
    crc = ::crc32(crc, buffer.data(), static_cast<uInt>(n));
    at += n;
  }
  return static_cast<std::uint32_t>(crc);
}

}  // namespace

std::vector<ZipMember> read_zip_directory(const RandomAccessFile& archive) {
  const Directory directory = find_directory(archive);
  if (directory.bytes > kMaxDirectoryBytes || directory.entries > directory.bytes / kEntryBytes)
    fail(archive,
         fmt::format("{} members in a directory of {} bytes", directory.entries, directory.bytes));
  const Record record(archive, directory.offset, directory.bytes);
  std::vector<ZipMember> members;
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    if (record.number(at, 4) != 0x02014b50) fail(archive, "its directory is torn");
    const std::uint64_t flags = record.number(at + 8, 2), method = record.number(at + 10, 2);
    const auto name = static_cast<std::size_t>(record.number(at + 28, 2));
    const auto extra = static_cast<std::size_t>(record.number(at + 30, 2));
    const auto comment = static_cast<std::size_t>(record.number(at + 32, 2));
    std::uint64_t local = record.number(at + 42, 4);
    ZipMember member{.name = record.text(at + kEntryBytes, name),
                     .deflated = method == 8,
                     .packed_bytes = record.number(at + 20, 4),
                     .bytes = record.number(at + 24, 4),
                     .crc32 = static_cast<std::uint32_t>(record.number(at + 16, 4))};
    read_extra64(record, at + kEntryBytes + name, extra, member, local);
    at += kEntryBytes + name + extra + comment;
    if ((flags & 1) != 0) fail(archive, fmt::format("'{}' is encrypted", member.name));
    if (method != 0 && method != 8)
      fail(archive, fmt::format("'{}' is compressed by method {}, read are 0 (stored) and 8 "
                                "(deflated)",
                                member.name, method));
    const Record header(archive, local, kLocalBytes);
    if (header.number(0, 4) != 0x04034b50)
      fail(archive, fmt::format("'{}' is not where its directory says", member.name));
    member.offset = local + kLocalBytes + header.number(26, 2) + header.number(28, 2);
    if (member.offset > archive.size() || member.packed_bytes > archive.size() - member.offset ||
        (!member.deflated && member.packed_bytes != member.bytes) ||
        member.bytes / kMaxInflation > member.packed_bytes)
      fail(archive, fmt::format("'{}' cannot have {} bytes packed into {}", member.name,
                                member.bytes, member.packed_bytes));
    members.push_back(std::move(member));
  }
  return members;
}

std::unique_ptr<data::ByteSource> open_zip_member(const RandomAccessFile& archive,
                                                  const ZipMember& member) {
  auto packed = open_range(archive, member.offset, member.packed_bytes);
  if (!member.deflated) return packed;
  return std::make_unique<MemberSource>(std::move(packed), member.packed_bytes);
}

std::unique_ptr<RandomAccessFile> unpack_zip_member(const RandomAccessFile& archive,
                                                    const ZipMember& member, const FileUse& use) {
  const auto source = open_zip_member(archive, member);
  std::unique_ptr<RandomAccessFile> file = RandomAccessFile::unpack(*source, member.bytes, use);
  if (crc32_of(*file) != member.crc32)
    fail(archive, fmt::format("the checksum of '{}' is another one", member.name));
  return file;
}

}  // namespace hadal::matrix
