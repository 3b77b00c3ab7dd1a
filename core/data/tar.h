// Reading tar archives (POSIX ustar) as a stream.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/data/byte_source.h"

namespace hadal::data {

/// Calls `visit(name, bytes, source)` for each regular file; it may read up to `bytes` bytes from
/// `source`. Folders, links and the like are passed over. Throws DataError for headers whose
/// checksum is wrong, truncation, and names that lead out of the folder (absolute, or with "..").
void read_tar(ByteSource& source,
              const std::function<void(const std::string& name, std::uint64_t bytes,
                                       ByteSource& source)>& visit);

}  // namespace hadal::data
