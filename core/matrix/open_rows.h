// The one way from what a user names on a command line to a matrix.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/matrix/random_access_file.h"
#include "core/matrix/row_source.h"
#include "core/matrix/stored_rows.h"

namespace hadal::matrix {

struct OpenOptions {
  /// Mapped or read; see FileAccess. A command with a memory limit passes it here.
  FileUse use{};
  /// Told of what is worth a line and no error (64-bit integers that are rounded).
  OnNote on_note{};
};

/// The matrix in `paths`, by content and name: a .npy file.
/// Throws IoError (missing), DataError (damaged, unknown), each with the way out.
std::unique_ptr<RowSource> open_rows(const std::vector<std::string>& paths,
                                     const OpenOptions& options = {});

}  // namespace hadal::matrix
