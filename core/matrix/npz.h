// NumPy's .npz files: ZIP archives of .npy files, as numpy.savez and savez_compressed write them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/matrix/stored_rows.h"

namespace hadal::matrix {

/// The array `key` of an .npz file; "": the only one, or the only one of two dimensions or more.
/// Stored arrays are used or read where they lie in the archive; compressed ones are unpacked into
/// a temporary file first, once for this object (every rank unpacks its own: numpy.savez, which
/// does not compress, saves that). Throws IoError, DataError, or ConfigError that names the keys.
std::unique_ptr<StoredRows> open_npz(const std::filesystem::path& path, const std::string& key = "",
                                     const FileUse& use = {}, OnNote on_note = {});

}  // namespace hadal::matrix
