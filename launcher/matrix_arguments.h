// What the commands that read a matrix have in common: its files, how they are read, and what the
// reading may use of the machine.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/matrix/row_source.h"
#include "dist/world.h"
#include "launcher/arguments.h"

namespace hadal::launcher {

struct MatrixArguments {
  std::vector<std::string> files;
  std::string key;           // of an .npz
  std::string label_column;  // of a CSV file
  bool grey = false;
  std::string resize;   // "112x92", height x width; empty: as they are
  std::string picture;  // "112x92" or "32x32x3": how rows are pictures where files do not say
  std::string memory;   // "2GB"; empty: what is free
  int threads = 0;      // of each rank; 0: its share of the cores
};

/// FILES, how they are read, --memory and --threads; gives FILES, which need not be there.
Option declare_matrix(Arguments& app, MatrixArguments& arguments);

/// The matrix. Notes of the reader go to standard error where `is_root`. Throws ConfigError for
/// options that say nothing, and what opening throws.
std::unique_ptr<matrix::RowSource> open_matrix(const MatrixArguments& arguments, bool is_root);

/// --memory in bytes, 0 when it is not given.
std::int64_t memory_bytes(const MatrixArguments& arguments);

/// As many as asked for; for 0 the cores that this rank may use, shared with the ranks of its
/// machine.
int threads_of(int asked, const dist::World& world);

/// An --out of "fit/" names the folder "fit".
std::string without_trailing_slash(std::string path);

/// "60,000 x 784 u8 (44.9 MiB), pictures of 28x28, 10 labels"
std::string describe_matrix(const matrix::RowSource& a);

/// "u8", "f32", "f64"
std::string name_of(matrix::Element element);

}  // namespace hadal::launcher
