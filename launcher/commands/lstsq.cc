// hadal lstsq: least squares, with as many right-hand sides as b has columns.
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/hash.h"
#include "core/base/strings.h"
#include "core/matrix/npy_writer.h"
#include "dist/linalg/least_squares.h"
#include "launcher/command.h"
#include "launcher/matrix_arguments.h"
#include "launcher/matrix_job.h"

namespace hadal::launcher {
namespace {

using dist::LeastSquaresResult;
using dist::LeastSquaresWay;
using Json = nlohmann::ordered_json;

struct Options {
  std::string a, b, way = "auto";
  double ridge = 0;
  bool intercept = false;
  MatrixJobOptions job;
};

std::string command_line(const Options& o) {
  std::string line = fmt::format("hadal lstsq {} {} --out {}", o.a, o.b, o.job.out);
  if (o.ridge != 0) line += fmt::format(" --ridge {}", o.ridge);
  if (o.intercept) line += " --intercept";
  if (o.job.cutoff >= 0) line += fmt::format(" --cutoff {}", o.job.cutoff);
  if (o.way != "auto") line += " --way " + o.way;
  return line;
}

dist::LeastSquaresOptions solver_options(const Options& o, int threads) {
  dist::LeastSquaresOptions options{.ridge = o.ridge, .intercept = o.intercept, .threads = threads};
  if (o.job.cutoff >= 0) options.cutoff = o.job.cutoff;
  if (o.way == "normal") options.way = LeastSquaresWay::kNormalEquations;
  if (o.way == "orthogonal") options.way = LeastSquaresWay::kOrthogonal;
  return options;
}

std::string name_of(LeastSquaresWay way) {
  return way == LeastSquaresWay::kNormalEquations ? "normal equations" : "orthogonal";
}

// One right-hand side gives vectors, several give matrices of n rows.
void write_columns(const std::filesystem::path& path, const linalg::DenseMatrix& x) {
  matrix::write_npy(path, std::span<const double>(x.values),
                    x.cols == 1 ? std::vector{x.rows} : std::vector{x.rows, x.cols});
}

Json summary_of(const Options& o, const matrix::RowSource& a, const matrix::RowSource& b,
                const LeastSquaresResult& r) {
  Json json = {{"command", command_line(o)},
               {"a", {{"file", a.name()}, {"rows", a.rows()}, {"columns", a.cols()}}},
               {"b", {{"file", b.name()}, {"columns", b.cols()}}},
               {"way", name_of(r.way)},
               {"reason", r.reason},
               {"passes", r.passes},
               {"refinements", r.refinements},
               {"rank", r.rank},
               {"cutoff", r.cutoff},
               {"largest_singular_value", r.largest_singular},
               {"smallest_singular_value", r.smallest_singular},
               {"condition", r.condition},
               {"ridge", o.ridge},
               {"residual_norm", r.residual_norm},
               {"b_norm", r.b_norm}};
  if (r.way == LeastSquaresWay::kNormalEquations) json["estimated_error"] = r.estimated_error;
  if (o.intercept) json["intercept"] = r.intercept;
  if (!r.intercept_standard_errors.empty())
    json["intercept_standard_errors"] = r.intercept_standard_errors;
  json["hash"] = hex64(hash64(r.x.values.data(), r.x.values.size() * sizeof(double)));
  return json;
}

void report(MatrixJob& job, const matrix::RowSource& a, const LeastSquaresResult& r) {
  job.say(fmt::format("way    {}: {}; {} passes", name_of(r.way), r.reason, r.passes));
  job.say(fmt::format("rank   {} of {} columns (cut-off {:.2g}), condition {:.4g}", r.rank,
                      format_count(a.cols()), r.cutoff, r.condition));
  if (r.way == LeastSquaresWay::kNormalEquations)
    job.say(fmt::format("error  of x about {:.1g}, by the rate of convergence", r.estimated_error));
  constexpr std::size_t kShown = 5;
  for (std::size_t j = 0; j < std::min(kShown, r.residual_norm.size()); ++j)
    job.say(
        fmt::format("b{:<5} |b - A x| {:.6g} of |b| {:.6g}{}", j, r.residual_norm[j], r.b_norm[j],
                    r.intercept.empty() ? "" : fmt::format(", intercept {:.6g}", r.intercept[j])));
  if (r.residual_norm.size() > kShown)
    job.say(fmt::format("       and {} more", r.residual_norm.size() - kShown));
}

int solve(const Options& o) {
  MatrixJob job(o.job, command_line(o));
  const auto a = job.open(o.a), b = job.open(o.b);
  job.say(fmt::format("A      {}: {}, {}", a->name(), describe_matrix(*a), job.workers()));
  const LeastSquaresResult result =
      dist::least_squares(job.comm(), *a, *b, solver_options(o, job.threads()));
  report(job, *a, result);
  job.write([&](const std::filesystem::path& folder) -> Json {
    if (!job.is_root()) return {};
    write_columns(folder / "x.npy", result.x);
    if (result.standard_errors.rows > 0)
      write_columns(folder / "standard_errors.npy", result.standard_errors);
    return summary_of(o, *a, *b, result);
  });
  job.finish();
  return 0;
}

Action declare(Arguments& app) {
  const auto o = std::make_shared<Options>();
  app.add_option("A", o->a, "the matrix, m x n: .npy, .npz, CSV, ...").required();
  app.add_option("b", o->b, "m values, or m x k for k right-hand sides").required();
  declare_matrix_job(app, o->job);
  app.add_option("--ridge", o->ridge, "lambda: |A x - b|^2 + lambda |x|^2 is made least")
      .check(Check::not_negative());
  app.add_flag("--intercept", o->intercept,
               "fit b = A x + c, by centring the columns; else nothing is centred");
  app.add_option("--way", o->way,
                 "normal: refined normal equations; orthogonal: QR and SVD; auto: the first while "
                 "it converges")
      .check(Check::one_of({"auto", "normal", "orthogonal"}))
      .show_default();
  app.add_help(
      "x is the shortest of all minimisers of |A x - b|: x = V S^-1 U^T b for A = U S V^T,\n"
      "with the inverse of S (V S U^T would be the transpose of A). Writes x.npy,\n"
      "standard_errors.npy (full rank, no ridge) and summary.json.");
  return [o] { return solve(*o); };
}

}  // namespace

Command lstsq_command() {
  return {"lstsq", "least squares of any rank: x with A x nearest to b",
          "mpirun -np 2 hadal lstsq A.npy b.npy --out fit", declare};
}

}  // namespace hadal::launcher
