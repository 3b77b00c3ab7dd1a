// ZIP archives (PKWARE's APPNOTE), as far as .npz files use them: members stored or deflated, also
// with the 64-bit sizes of ZIP64.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/data/byte_source.h"
#include "core/matrix/random_access_file.h"

namespace hadal::matrix {

struct ZipMember {
  std::string name;
  bool deflated = false;
  std::uint64_t offset = 0;  // of its data in the archive
  std::uint64_t packed_bytes = 0, bytes = 0;
  std::uint32_t crc32 = 0;
};

/// The members of an archive, whose data lies in it whole. Throws DataError for damage, encryption
/// and other compressions.
std::vector<ZipMember> read_zip_directory(const RandomAccessFile& archive);

/// The unpacked bytes of a member in order; `archive` must outlive it.
std::unique_ptr<data::ByteSource> open_zip_member(const RandomAccessFile& archive,
                                                  const ZipMember& member);

/// The unpacked bytes of a member in a temporary file. Throws DataError for damage, also when the
/// sizes cannot be (a member that unpacks more than deflate can) or the checksum is another one.
std::unique_ptr<RandomAccessFile> unpack_zip_member(const RandomAccessFile& archive,
                                                    const ZipMember& member, const FileUse& use);

}  // namespace hadal::matrix
