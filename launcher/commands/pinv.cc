// hadal pinv: the Moore-Penrose inverse of a matrix in a file.
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/strings.h"
#include "core/matrix/npy_writer.h"
#include "dist/linalg/pseudo_inverse.h"
#include "launcher/command.h"
#include "launcher/matrix_arguments.h"
#include "launcher/matrix_job.h"

namespace hadal::launcher {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string a;
  MatrixJobOptions job;
};

int invert(const Options& o) {
  std::string command = fmt::format("hadal pinv {} --out {}", o.a, o.job.out);
  if (o.job.cutoff >= 0) command += fmt::format(" --cutoff {}", o.job.cutoff);
  MatrixJob job(o.job, command);
  const auto a = job.open(o.a);
  job.say(fmt::format("A      {}: {}, {}", a->name(), describe_matrix(*a), job.workers()));
  dist::TallSvdOptions options{.threads = job.threads()};
  if (o.job.cutoff >= 0) options.cutoff = o.job.cutoff;
  const dist::TallSvd svd(job.comm(), *a, nullptr, options);
  job.say(fmt::format("rank   {} (cut-off {:.2g}), condition {:.4g}", svd.rank(), svd.cutoff(),
                      svd.condition()));
  job.write([&](const std::filesystem::path& folder) -> Json {
    // A row of A becomes a column of the inverse, and columns of the file lie in a row.
    const std::filesystem::path path = folder / "pinv.npy";
    if (job.is_root())
      matrix::NpyRowWriter::create(path, matrix::NpyType::kF64, a->rows(), a->cols(),
                                   matrix::NpyOrder::kTransposed);
    job.comm().barrier();
    matrix::NpyRowWriter writer(path);
    dist::pseudo_inverse(job.comm(), svd,
                         [&](std::int64_t first, const linalg::DenseMatrix& columns) {
                           writer.write(first, columns.rows, columns.values.data());
                         });
    writer.sync();
    return {{"command", command},
            {"a", {{"file", a->name()}, {"rows", a->rows()}, {"columns", a->cols()}}},
            {"rank", svd.rank()},
            {"cutoff", svd.cutoff()},
            {"condition", svd.condition()},
            {"singular_values", svd.sigma()},
            {"passes", dist::TallSvd::kPasses + 1}};
  });
  job.finish();
  return 0;
}

Action declare(Arguments& app) {
  const auto o = std::make_shared<Options>();
  app.add_option("A", o->a, "the matrix, m x n: .npy, .npz, CSV, ...").required();
  declare_matrix_job(app, o->job);
  app.add_help(
      "A+ = V S^-1 U^T for A = U S V^T, n x m, with the inverse of S: V S U^T, as lecture\n"
      "notes print it, is the transpose of A. Note that NumPy's svd() returns V^T as its\n"
      "third result. Writes pinv.npy (column by column) and summary.json.");
  return [o] { return invert(*o); };
}

}  // namespace

Command pinv_command() {
  return {"pinv", "the Moore-Penrose inverse of a matrix",
          "mpirun -np 2 hadal pinv A.npy --out inverse", declare};
}

}  // namespace hadal::launcher
