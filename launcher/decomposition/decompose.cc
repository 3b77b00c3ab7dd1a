#include "launcher/decomposition/decompose.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <optional>

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"
#include "experiments/status_line.h"
#include "launcher/decomposition/left_vectors.h"
#include "launcher/decomposition/output.h"
#include "launcher/decomposition/scores_file.h"
#include "launcher/formats/format.h"
#include "launcher/progress_view.h"
#include "launcher/shared_folder.h"
#include "launcher/stop_signals.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

constexpr int kDefaultComponents = 50;
constexpr int kLinesShown = 12;  // of the table on the terminal

fs::path checkpoint_of(const DecomposeOptions& o) {
  if (!o.checkpoint.empty()) return o.checkpoint;
  return o.out.empty() ? fs::path() : fs::path(without_trailing_slash(o.out) + ".unfinished");
}

dist::RankTarget target_of(const DecomposeOptions& o, const matrix::RowSource& a) {
  dist::RankTarget target;
  if (o.explained > 0) target.explained = o.explained;
  if (o.tolerance > 0) target.tolerance = o.tolerance;
  if (o.components != 0) target.components = o.components;
  if (!target.explained && !target.tolerance && !target.components)
    target.components =
        static_cast<int>(std::min<std::int64_t>(kDefaultComponents, std::min(a.rows(), a.cols())));
  return target;
}

dist::SvdOptions svd_options(const DecomposeOptions& o, const matrix::RowSource& a, int threads) {
  dist::SvdOptions svd;
  svd.target = target_of(o, a);
  svd.centre = o.command == "pca";
  svd.scale = o.scale;
  svd.passes = o.passes;
  svd.oversample = o.oversample;
  svd.exact = o.exact;
  svd.precision = o.precision == "float64" ? dist::Precision::kFloat64
                  : o.precision == "mixed" ? dist::Precision::kMixed
                                           : dist::Precision::kFloat32;
  svd.seed = o.seed;
  svd.threads = threads;
  svd.memory_bytes = memory_bytes(o.matrix);
  svd.probes = o.probes;
  svd.failure_probability = o.failure_probability;
  svd.orthonormal_u = o.orthonormal_u;
  svd.checkpoint = checkpoint_of(o);
  return svd;
}

// The words that matter of the command, for the page and the summary.
std::string command_line(const DecomposeOptions& o, const dist::RankTarget& target) {
  std::string line = fmt::format("hadal {} {}", o.command, join(o.matrix.files, " "));
  if (target.components) line += fmt::format(" --components {}", *target.components);
  if (target.explained) line += fmt::format(" --explained {}", *target.explained);
  if (target.tolerance) line += fmt::format(" --tolerance {}", *target.tolerance);
  if (o.scale) line += " --scale";
  if (o.exact) line += " --exact";
  if (o.precision != "float32") line += " --precision " + o.precision;
  if (o.seed != 1) line += fmt::format(" --seed {}", o.seed);
  return line;
}

/// One run on one rank.
class Run {
 public:
  Run(const DecomposeOptions& o, dist::World& world)
      : o_(o),
        world_(world),
        comm_(world.communicator()),
        line_(clock_, o.quiet || comm_.rank() != 0,
              ::isatty(STDOUT_FILENO) == 1 && comm_.size() == 1),
        a_(open_matrix(o.matrix, comm_.rank() == 0)),
        options_(svd_options(o, *a_, threads_of(o.matrix.threads, world))) {
    options_.on_plan = [this](const dist::SvdPlan& plan) {
      line_.say("plan   " + plan_line(plan, *a_, comm_.size(), options_.threads));
    };
    options_.on_progress = [this](const dist::SvdProgress& p) { progress(p); };
  }

  void without_folder() { report(compute(nullptr)); }

  void into_folder() {
    if (o_.restart && is_root()) fs::remove(options_.checkpoint / "svd.state");
    comm_.barrier();
    const fs::path out = without_trailing_slash(o_.out);
    if (is_root()) require_free(out, o_.overwrite);
    std::optional<Decomposition> d;
    write_shared_folder(
        comm_, {.out = out, .replace = o_.overwrite},
        [&](const fs::path& folder) { d.emplace(fill(folder)); },
        [&](const fs::path& folder) {
          write_output(folder, *d);
          report(*d);
        });
    if (!is_root()) return;
    // The state is gone; the folder goes too unless somebody keeps other things there.
    std::error_code not_empty;
    fs::remove(options_.checkpoint, not_empty);
    line_.say(fmt::format("wrote  {} (for people: report.html)  {}", o_.out,
                          format_duration(clock_.now_s() - started_)));
  }

 private:
  bool is_root() const { return comm_.rank() == 0; }

  Decomposition fill(const fs::path& folder) {
    if (!o_.scores && !o_.u) return compute(nullptr);
    ScoresFile scores(folder / "scores.npy", a_->rows());
    Decomposition d = compute(&scores);
    scores.finish(comm_);
    if (o_.u) write_left_vectors(comm_, folder, d.result.singular_values);
    comm_.barrier();
    if (!o_.scores && is_root()) fs::remove(folder / "scores.npy");
    return d;
  }

  Decomposition compute(dist::ScoreSink* scores) {
    const double start = clock_.now_s();
    Decomposition d{.command = o_.command,
                    .command_line = command_line(o_, options_.target),
                    .a = *a_,
                    .options = options_,
                    .result = dist::svd(comm_, *a_, options_, scores),
                    .ranks = comm_.size()};
    d.seconds = clock_.now_s() - start;
    d.bytes_read = comm_.all_reduce(d.result.counters.bytes_read, dist::ReduceOp::kSum);
    return d;
  }

  void progress(const dist::SvdProgress& p) {
    world_.heartbeat().beat();
    if (signals_.count() > 0) throw interrupted(p);
    if (!line_.is_due()) return;
    line_.show(fmt::format("pass {}/{}  {:.0f} %  {}/s  {} left", p.pass, p.passes,
                           100.0 * static_cast<double>(p.rows_done) /
                               static_cast<double>(std::max<std::int64_t>(p.rows, 1)),
                           format_bytes(p.bytes_per_s), format_duration(p.seconds_left)));
  }

  Error interrupted(const dist::SvdProgress& p) const {
    const bool by_hand = signals_.last() == SIGINT;
    const bool kept = !options_.checkpoint.empty() && p.pass > 1;
    return {by_hand ? ExitCode::kInterrupted : ExitCode::kDrained,
            fmt::format("{}: stopped by {} in pass {} of {}; {}", o_.command,
                        by_hand ? "Ctrl-C" : "a signal", p.pass, p.passes,
                        kept ? "the same command goes on after the last whole pass"
                             : "nothing was written")};
  }

  void report(const Decomposition& d) {
    if (!is_root() || o_.quiet) return;
    const int width = terminal_width(STDOUT_FILENO);
    const bool color = width > 0 && comm_.size() == 1;
    std::string table = text_of(components_sheet(d, kLinesShown, true),
                                {.width = color ? width : 100, .color = color});
    table.pop_back();  // say() ends the line
    line_.say(table);
    line_.say(fmt::format("error  {}", certificate_sentence(d)));
    line_.say(fmt::format(
        "kept   {:.2f} % of the {} by {} components; {}, {}/s, {} passes; hash {}", 100 * d.kept(),
        d.options.centre ? "variance" : "squared norm", d.result.k, format_duration(d.seconds),
        format_bytes(static_cast<double>(d.bytes_read) / d.seconds), d.result.counters.passes,
        d.hash()));
    if (d.result.rank < d.result.k)
      line_.say(fmt::format(
          "rank   {} to working precision: the components after it span nothing of the matrix",
          d.result.rank));
    if (o_.out.empty()) line_.say("nothing was written; --out FOLDER keeps it");
  }

  const DecomposeOptions& o_;
  dist::World& world_;
  dist::Communicator& comm_;
  SystemClock clock_;
  const double started_ = clock_.now_s();
  const StopSignals signals_;
  experiments::StatusLine line_;
  std::unique_ptr<matrix::RowSource> a_;
  dist::SvdOptions options_;
};

void require_sound(const DecomposeOptions& o) {
  const auto given = [&](const char* option) { return fmt::format("{}: {}", o.command, option); };
  if ((o.components != 0) + (o.explained != 0) + (o.tolerance != 0) > 1)
    throw UsageError(
        given("--components, --explained and --tolerance each decide the rank; give "
              "one of them"));
  if ((o.scores || o.u) && o.out.empty())
    throw UsageError(given("--scores and --u need a folder; add --out"));
  if (o.matrix.files.empty())
    throw UsageError(given("no files given; name those that hold the matrix"));
  if (o.out.empty() && !o.checkpoint.empty())
    throw UsageError(
        given("--checkpoint without --out keeps state for a result that is not kept; "
              "add --out"));
}

}  // namespace

void declare_decomposition(Arguments& app, DecomposeOptions& o) {
  declare_matrix(app, o.matrix);
  app.add_option("--components", o.components, "how many (default: 50, or all if there are less)")
      .check(Check::by(
          [](const std::string& text) -> std::string {
            return parse_int(text, "--components") >= 1 ? ""
                                                        : fmt::format("{}; wanted 1 or more", text);
          },
          "INT >= 1"));
  app.add_option("--explained", o.explained,
                 o.command == "pca" ? "as many as explain this share of the variance, as 0.95"
                                    : "as many as hold this share of the squared norm, as 0.95")
      .check(Check::between(1e-9, 1.0));
  app.add_option("--tolerance", o.tolerance,
                 "as many as bring the certified error below this share of the largest singular "
                 "value, as 0.01")
      .check(Check::between(1e-15, 1.0));
  app.add_option("--passes", o.passes, "reads of the matrix (default: the planner decides)")
      .check(Check::between(1, 1000));
  app.add_option("--oversample", o.oversample, "columns beyond those wanted")
      .show_default()
      .check(Check::between(0, 100000));
  app.add_flag("--exact", o.exact, "to working precision, by the Gram matrix, at any cost");
  app.add_option("--precision", o.precision, "of the products: float32, float64 or mixed")
      .show_default()
      .check(Check::one_of({"float32", "float64", "mixed"}));
  app.add_flag("--scale", o.scale, "divide columns by their standard deviation");
  app.add_option("--seed", o.seed, "of the random test matrix").show_default();
  app.add_option("--probes", o.probes, "of the certificate; 0: none")
      .show_default()
      .check(Check::between(0, 1000));
  app.add_option("--failure-probability", o.failure_probability, "of the certificate")
      .show_default()
      .check(Check::between(1e-12, 0.5));
  app.add_flag("--orthonormal-u", o.orthonormal_u,
               "left vectors orthonormal to working precision also where singular values are tiny");
  app.add_flag("--scores", o.scores,
               "write scores.npy, U diag(sigma), one row for each of the matrix");
  app.add_option("--out", o.out, "folder to make; without it nothing is written");
  app.add_flag("--overwrite", o.overwrite, "replace the folder if an earlier run made it");
  app.add_option("--checkpoint", o.checkpoint,
                 "folder for the state of an interrupted run (default: OUT.unfinished)");
  app.add_flag("--restart", o.restart, "throw away the state of an interrupted run");
  app.add_flag("--quiet", o.quiet, "no progress and no table");
}

int decompose(const DecomposeOptions& o) {
  require_sound(o);
  if (!o.out.empty()) require_free(without_trailing_slash(o.out), o.overwrite);
  dist::World world;
  Run run(o, world);
  if (o.out.empty())
    run.without_folder();
  else
    run.into_folder();
  world.finish();
  return 0;
}

}  // namespace hadal::launcher
