#include "launcher/decomposition/apply.h"

#include <filesystem>
#include <functional>
#include <iostream>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/linalg/row_kernels.h"
#include "core/matrix/npy_writer.h"
#include "launcher/decomposition/model.h"
#include "launcher/decomposition/row_share.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kBlockBytes = std::int64_t{8} << 20;

/// rows -> values of `cols` columns.
using Map = std::function<void(const linalg::RowBlock& rows, double* values)>;

void require_finite(const matrix::RowSource& a, const linalg::RowBlock& block, std::int64_t first) {
  if (const auto at = linalg::first_not_finite(block))
    throw NotFiniteError(
        fmt::format("{}: row {}, column {} is not a finite number (counted from 0)", a.name(),
                    first + at->row, at->col));
}

void map_rows(const RowShare& share, const matrix::RowSource& a, std::int64_t cols, const Map& map,
              matrix::NpyRowWriter& out) {
  const std::int64_t row_bytes =
      std::max(a.cols() * static_cast<std::int64_t>(matrix::bytes_of(a.element())),
               cols * static_cast<std::int64_t>(sizeof(double)));
  const std::int64_t block = std::max<std::int64_t>(1, kBlockBytes / row_bytes);
  std::vector<std::byte> buffer;
  std::vector<double> values(static_cast<std::size_t>(block * cols));
  for_blocks(share, block, [&](std::int64_t first, std::int64_t rows) {
    const std::byte* data = a.in_place(first, rows);
    if (data == nullptr) {
      buffer.resize(static_cast<std::size_t>(rows * a.cols()) * matrix::bytes_of(a.element()));
      a.read(first, rows, 0, a.cols(), buffer.data());
      data = buffer.data();
    }
    const linalg::RowBlock t{data, a.element(), rows, a.cols(), a.cols()};
    require_finite(a, t, first);
    map(t, values.data());
    a.release(first, rows);
    if (a.element() == matrix::Element::kF64) return out.write(first, rows, values.data());
    const std::vector<float> floats(values.begin(), values.begin() + rows * cols);
    out.write(first, rows, floats.data());
  });
}

void require_free(const ApplyOptions& o) {
  if (fs::exists(o.out) && (!o.overwrite || fs::is_directory(o.out)))
    throw ConfigError(fmt::format("{} exists; {}another --out leaves it alone", o.out,
                                  fs::is_directory(o.out) ? "" : "--overwrite replaces it, "));
}

void require_cols(const matrix::RowSource& a, std::int64_t cols, const std::string& model) {
  if (a.cols() != cols)
    throw ShapeError(fmt::format("{} has {} columns, the model in {} wants {}", a.name(), a.cols(),
                                 model, cols));
}

// The file is made beside its place by rank 0, filled by all, and renamed when it is whole.
void write_mapped(const ApplyOptions& o, dist::Communicator& comm, const matrix::RowSource& a,
                  std::int64_t cols, const Map& map) {
  const fs::path out = o.out,
                 made = out.parent_path() / fmt::format(".{}.new", out.filename().string());
  const bool doubles = a.element() == matrix::Element::kF64;
  try {
    if (comm.rank() == 0)
      matrix::NpyRowWriter::create(made, doubles ? matrix::NpyType::kF64 : matrix::NpyType::kF32,
                                   a.rows(), cols);
    comm.barrier();
    matrix::NpyRowWriter writer(made);
    map_rows(rows_of(comm, a.rows()), a, cols, map, writer);
    writer.sync();
    comm.barrier();
    if (comm.rank() == 0) fs::rename(made, out);
  } catch (...) {
    std::error_code ignored;
    fs::remove(made, ignored);
    throw;
  }
  if (comm.rank() == 0)
    std::cout << fmt::format("wrote  {}  {} x {}\n", o.out, format_count(a.rows()),
                             format_count(cols));
}

}  // namespace

int transform(const ApplyOptions& o) {
  require_free(o);
  const Model model = read_model(o.model);
  dist::World world;
  const auto a = open_matrix(o.matrix, world.communicator().rank() == 0);
  require_cols(*a, model.cols(), o.model);
  Projector projector(model);
  write_mapped(
      o, world.communicator(), *a, model.k(),
      [&](const linalg::RowBlock& rows, double* values) { projector.scores(rows, values); });
  world.finish();
  return 0;
}

int inverse(const ApplyOptions& o) {
  require_free(o);
  const Model model = read_model(o.model);
  dist::World world;
  const auto scores = open_matrix(o.matrix, world.communicator().rank() == 0);
  require_cols(*scores, model.k(), o.model);
  Reconstructor reconstructor(model);
  write_mapped(
      o, world.communicator(), *scores, model.cols(),
      [&](const linalg::RowBlock& rows, double* values) { reconstructor.rows(rows, values); });
  world.finish();
  return 0;
}

}  // namespace hadal::launcher
