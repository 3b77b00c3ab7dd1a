// The one way from what a user names on a command line to a matrix.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/matrix/picture_rows.h"
#include "core/matrix/random_access_file.h"
#include "core/matrix/row_source.h"
#include "core/matrix/stored_rows.h"

namespace hadal::matrix {

struct OpenOptions {
  /// Mapped or read; see FileAccess. A command with a memory limit passes it here.
  FileUse use{};
  /// Told of what is worth a line and no error (64-bit integers that are rounded).
  OnNote on_note{};
  /// The array of an .npz file; as well FILE.npz:KEY.
  std::string key{};
  /// The column of a CSV file that is no number but a label: a name of its header or a number.
  std::string label_column{};
  /// Pictures: grey, of another size.
  PictureOptions pictures{};
  /// What elements become; else the smallest type that holds them, float64 for text.
  std::optional<Element> element{};
  /// How a row is a picture where the files do not say.
  std::optional<PictureShape> picture{};
};

/// The matrix in `paths`: the rows of each of them one after another. A path is
///   - a file, told by its first bytes: .npy, .npz, IDX (also .gz), a picture (a row; PNG, JPEG,
///   PGM,
///     PPM); by its name: CIFAR (.bin); else text: CSV, TSV, blanks;
///   - a folder of pictures (sub-folders are labels), of CIFAR's .bin files (the training batches)
///   or
///     of MNIST's files (the training images);
///   - @LIST: a text file of paths, one a line, seen from its folder; '#' begins a comment.
/// Throws IoError (missing), DataError (damaged, unknown form), ConfigError (columns that differ,
/// options that nothing in `paths` takes), each with the way out.
std::unique_ptr<RowSource> open_rows(const std::vector<std::string>& paths,
                                     const OpenOptions& options = {});

}  // namespace hadal::matrix
