// IDX files (core/data/idx.h) as matrices.
#pragma once

#include <filesystem>
#include <memory>

#include "core/matrix/stored_rows.h"

namespace hadal::matrix {

/// An IDX file, also as .gz, which is unpacked into a temporary file once. Three dimensions of
/// bytes are pictures; beside NAME-images-idx3-ubyte the labels are looked for in
/// NAME-labels-idx1-ubyte. Throws IoError, or DataError for damage and for other labels than rows.
std::unique_ptr<StoredRows> open_idx(const std::filesystem::path& path, const FileUse& use = {});

}  // namespace hadal::matrix
