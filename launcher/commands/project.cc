// hadal project: the points of a column space nearest to given vectors, and their distances; or the
// projector itself.
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/matrix/npy_writer.h"
#include "dist/linalg/projector.h"
#include "launcher/command.h"
#include "launcher/matrix_arguments.h"
#include "launcher/matrix_job.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Options {
  std::string b, onto;
  bool matrix = false;
  MatrixJobOptions job;
};

std::string command_line(const Options& o) {
  std::string line = "hadal project";
  if (!o.b.empty()) line += " " + o.b;
  line += fmt::format(" --onto {} --out {}", o.onto, o.job.out);
  if (o.matrix) line += " --matrix";
  if (o.job.cutoff >= 0) line += fmt::format(" --cutoff {}", o.job.cutoff);
  return line;
}

/// A new file that every rank has open.
std::unique_ptr<matrix::NpyRowWriter> shared_file(MatrixJob& job, const fs::path& path,
                                                  std::int64_t rows, std::int64_t cols) {
  if (job.is_root()) matrix::NpyRowWriter::create(path, matrix::NpyType::kF64, rows, cols);
  job.comm().barrier();
  return std::make_unique<matrix::NpyRowWriter>(path);
}

void write_projection(MatrixJob& job, const dist::TallSvd& svd, const fs::path& folder,
                      Json& summary) {
  const auto file = shared_file(job, folder / "projection.npy", svd.rows(), svd.ut_b().cols);
  const dist::Distances d =
      dist::project(job.comm(), svd, [&](std::int64_t first, const linalg::DenseMatrix& rows) {
        file->write(first, rows.rows, rows.values.data());
      });
  file->sync();
  summary["b_norm"] = d.norm;
  summary["projection_norm"] = d.inside;
  summary["distance"] = d.distance;
  constexpr std::size_t kShown = 5;
  for (std::size_t j = 0; j < std::min(kShown, d.norm.size()); ++j)
    job.say(fmt::format("b{:<5} distance {:.6g}, |P b| {:.6g}, |b| {:.6g}", j, d.distance[j],
                        d.inside[j], d.norm[j]));
  if (d.norm.size() > kShown) job.say(fmt::format("       and {} more", d.norm.size() - kShown));
}

void write_projector(MatrixJob& job, const dist::TallSvd& svd, const fs::path& folder) {
  const auto file = shared_file(job, folder / "projector.npy", svd.rows(), svd.rows());
  dist::projector_rows(job.comm(), svd, [&](std::int64_t first, const linalg::DenseMatrix& rows) {
    file->write(first, rows.rows, rows.values.data());
  });
  file->sync();
}

int project(const Options& o) {
  if (o.b.empty() && !o.matrix)
    throw UsageError(
        "project: nothing to project; name a file of vectors, or add --matrix to write the "
        "projector itself");
  MatrixJob job(o.job, command_line(o));
  const auto a = job.open(o.onto);
  const auto b = o.b.empty() ? nullptr : job.open(o.b);
  if (o.matrix) dist::require_small_projector(a->rows());
  job.say(fmt::format("onto   {}: {}, {}", a->name(), describe_matrix(*a), job.workers()));
  dist::TallSvdOptions options{.threads = job.threads()};
  if (o.job.cutoff >= 0) options.cutoff = o.job.cutoff;
  const dist::TallSvd svd(job.comm(), *a, b.get(), options);
  job.say(fmt::format("rank   {} (cut-off {:.2g}), condition {:.4g}", svd.rank(), svd.cutoff(),
                      svd.condition()));
  job.write([&](const fs::path& folder) {
    Json summary = {{"command", command_line(o)},
                    {"onto", {{"file", a->name()}, {"rows", a->rows()}, {"columns", a->cols()}}},
                    {"rank", svd.rank()},
                    {"cutoff", svd.cutoff()},
                    {"condition", svd.condition()}};
    if (b != nullptr) write_projection(job, svd, folder, summary);
    if (o.matrix) write_projector(job, svd, folder);
    return summary;
  });
  job.finish();
  return 0;
}

Action declare(Arguments& app) {
  const auto o = std::make_shared<Options>();
  app.add_option("b", o->b, "what is projected: m values, or m x k");
  app.add_option("--onto", o->onto, "the matrix whose columns span the space, m x n").required();
  app.add_flag("--matrix", o->matrix, "write the projector itself, m x m, too (m up to 20,000)");
  declare_matrix_job(app, o->job);
  app.add_help(
      "P = U U^T for A = U S V^T, which is A (A^T A)^+ A^T = U S V^T (V S^-2 V^T) V S U^T:\n"
      "lecture notes leave the inverses out of that bracket. Writes projection.npy (P b),\n"
      "projector.npy where asked for, and summary.json with every |b - P b|.");
  return [o] { return project(*o); };
}

}  // namespace

Command project_command() {
  return {"project", "project vectors onto the column space of a matrix",
          "mpirun -np 2 hadal project b.npy --onto A.npy --out projected", declare};
}

}  // namespace hadal::launcher
