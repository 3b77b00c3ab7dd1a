#include "dist/linalg/svd.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/linalg/dense.h"
#include "core/linalg/gaussian.h"
#include "core/linalg/leading_eigen.h"
#include "dist/linalg/certificate.h"
#include "dist/linalg/ritz.h"
#include "dist/linalg/row_pass.h"
#include "dist/linalg/svd_delivery.h"
#include "dist/linalg/svd_planner.h"
#include "dist/linalg/svd_state.h"
#include "dist/linalg/svd_streams.h"
#include "dist/linalg/tall_matrix.h"

namespace hadal::dist {
namespace {

using linalg::DenseMatrix;

constexpr int kColumnStep = 16;  // kernels work on so many columns at once

/// Krylov stops when no wanted eigenvalue of T^T T can still gain more than this share of itself:
/// singular values are right to half of it, the subspace to its root.
double gain_allowed(Precision precision) {
  // Factors of 8 bits blur what a further pass would gain; the finish is in float32.
  if (precision == Precision::kMixed) return 1e-4;
  return precision == Precision::kFloat64 ? 1e-10 : 1e-6;
}

/// A spectrum is flat when two passes leave so much to gain: on sigma_j = j^(-1/2) 0.3, on one that
/// falls by 10^(-1/20) a step 0.001.
constexpr double kFlat = 0.05;

constexpr std::size_t kKrylovState = 6;  // matrices, three of them statistics

DenseMatrix column_matrix(const std::vector<double>& values) {
  DenseMatrix column(static_cast<std::int64_t>(values.size()), 1);
  column.values = values;
  return column;
}

double epsilon(Precision precision) {
  return precision == Precision::kFloat64 ? std::numeric_limits<double>::epsilon()
                                          : std::numeric_limits<float>::epsilon();
}

/// Passes done when a state was saved.
int passes_of(const SvdState& state) { return static_cast<int>(state[0](1, 0)); }

/// The eigenvalues of T^T T as they are known so far, and vectors for the first of them.
struct Spectrum {
  std::vector<double> values;  // descending
  DenseMatrix vectors;         // w x b
};

class SvdRun {
 public:
  SvdRun(Communicator& comm, const matrix::RowSource& a, const SvdOptions& options)
      : comm_(comm),
        a_(a),
        options_(options),
        plan_(plan_svd(a, options)),
        state_(comm, a, options) {
    if (plan_.memory_bytes == 0) plan_.memory_bytes = half_of_free_memory();
    plan_.predicted_seconds = predicted_seconds(comm, a, options, plan_);
    if (options_.on_plan) options_.on_plan(plan_);
    TallOptions tall;
    tall.centre = options.centre;
    tall.scale = options.scale;
    tall.turned = plan_.short_side_rows;
    tall.float64 = options.precision == Precision::kFloat64;
    tall.mixed = options.precision == Precision::kMixed;
    tall.threads = options.threads;
    tall.memory_bytes = plan_.memory_bytes;
    tall.on_progress = [this](std::int64_t done) { tell(done); };
    t_ = make_tall_matrix(comm, a, tall);
  }

  SvdResult run(ScoreSink* sink);

 private:
  void tell(std::int64_t done);
  template <typename F>
  auto timed(double& seconds, F&& work) {
    const double start = clock_.now_s();
    auto result = work();
    seconds += clock_.now_s() - start;
    return result;
  }

  Spectrum by_gram();
  Spectrum by_krylov();
  bool sample_is_flat(const DenseMatrix& start);
  Spectrum switch_to_gram(int passes, const char* why);
  std::size_t resume(const SvdState& state);
  Spectrum by_one_pass();
  DenseMatrix extended(const Spectrum& spectrum, std::int64_t columns) const;
  int rank_for_target(const std::vector<double>& values) const;
  bool finish(const Spectrum& spectrum, std::int64_t columns, bool keep);
  void certify(const TallMatrix::Projection& projection, const DenseMatrix& basis);
  void deliver(ScoreSink* sink);
  double least_sigma() const;
  void save(std::vector<const DenseMatrix*> matrices);
  std::vector<double> gathered(const std::vector<double>& own) const;
  void count();

  Communicator& comm_;
  const matrix::RowSource& a_;
  const SvdOptions& options_;
  const SystemClock clock_;
  const double started_ = clock_.now_s();
  SvdPlan plan_;
  SvdStateFile state_;
  std::optional<SvdState> saved_;  // by the run before
  std::unique_ptr<TallMatrix> t_;

  int pass_ = 1;            // under way
  int resumed_passes_ = 0;  // done by the run before
  int bounds_looked_at_ = 0;
  double small_seconds_ = 0, certificate_seconds_ = 0;
  SvdResult result_;
  DenseMatrix v_;              // w x b: Ritz vectors of the finish, first k are wanted
  std::vector<double> sigma_;  // b
  DenseMatrix combination_;    // b x k: T v = Y combination
  DenseMatrix g_;              // T^T T where it was worked out: no read need take probes along
};

void SvdRun::tell(std::int64_t done) {
  if (!options_.on_progress) return;
  const TallCounters counters = t_->counters();
  const double seconds = clock_.now_s() - started_;
  const std::int64_t rows = std::max<std::int64_t>(t_->count(), 1);
  const double bytes =
      static_cast<double>(t_->width()) * static_cast<double>(matrix::bytes_of(a_.element()));
  const double so_far =
      static_cast<double>(counters.bytes_read) + static_cast<double>(done) * bytes;
  const double passes_done =
      pass_ - 1 - resumed_passes_ + static_cast<double>(done) / static_cast<double>(rows);
  SvdProgress progress;
  progress.pass = pass_;
  progress.passes = std::max(plan_.passes, pass_);
  progress.rows_done = done;
  progress.rows = rows;
  progress.bytes_per_s = seconds > 0 ? so_far / seconds : 0;
  progress.seconds_left =
      passes_done > 0 ? seconds * (progress.passes - resumed_passes_ - passes_done) / passes_done
                      : 0;
  options_.on_progress(progress);
}

/// Statistics ride along; turned, every read works them out anew.
void SvdRun::save(std::vector<const DenseMatrix*> matrices) {
  if (!state_.keeps()) return;
  const ColumnStatistics& s = t_->statistics();
  SvdState state = {column_matrix({s.frobenius_squared, static_cast<double>(pass_ - 1)}),
                    plan_.short_side_rows ? DenseMatrix() : column_matrix(s.mean),
                    plan_.short_side_rows ? DenseMatrix() : column_matrix(s.deviation)};
  for (const DenseMatrix* each : matrices) state.push_back(*each);
  state_.save(state);
}

int SvdRun::rank_for_target(const std::vector<double>& values) const {
  const RankTarget& target = options_.target;
  if (target.components) return *target.components;
  const auto all = static_cast<int>(values.size());
  if (target.explained) {
    const double wanted = *target.explained * t_->statistics().frobenius_squared;
    double sum = 0;
    for (int i = 0; i < all; ++i)
      // All of it, up to the rounding of as many sums.
      if ((sum += std::max(values[static_cast<std::size_t>(i)], 0.0)) >=
          wanted * (1 - 4 * epsilon(options_.precision)))
        return i + 1;
    return all + 1;  // not among these
  }
  const double least = std::pow(*target.tolerance, 2) * values.front();
  for (int i = 1; i < all; ++i)
    if (values[static_cast<std::size_t>(i)] <= least) return i;
  return all == t_->width() ? all : all + 1;
}

/// Takes up the statistics and the count of passes; how many matrices follow.
std::size_t SvdRun::resume(const SvdState& state) {
  t_->resume({state[1].values, state[2].values, state[0](0, 0)});
  resumed_passes_ = passes_of(state);
  pass_ = resumed_passes_ + 1;
  return state.size() - 3;
}

/// What Krylov would gain after two passes, asked of a small sample of the rows.
bool SvdRun::sample_is_flat(const DenseMatrix& start) {
  if (options_.passes > 0 || !options_.target.components ||
      !gram_beats_patience(a_, options_, plan_))
    return false;
  const auto first = t_->multiply_sample(start);
  if (!first) return false;
  const DenseMatrix next = timed(small_seconds_, [&] {
    return linalg::orthonormalise(outside_of(linalg::orthonormalise(first->x), first->z));
  });
  const auto second = t_->multiply_sample(next);
  if (!second) return false;
  return timed(small_seconds_, [&] {
    const Ritz ritz = rayleigh_ritz(linalg::beside(first->x, second->x),
                                    linalg::beside(first->z, second->z), plan_.block);
    const auto found = static_cast<int>(ritz.values.size());
    return *options_.target.components < found &&
           gain_left(ritz, *options_.target.components, plan_.block) > kFlat;
  });
}

Spectrum SvdRun::switch_to_gram(int passes, const char* why) {
  plan_.path = SvdPath::kGram;
  plan_.passes = passes;
  plan_.reason += why;
  return by_gram();
}

Spectrum SvdRun::by_gram() {
  if (saved_ && resume(*saved_) == 1) {
    g_ = std::move(saved_->back());
  } else {
    g_ = t_->gram();
    ++pass_;
    save({&g_});
  }
  return timed(small_seconds_, [&]() -> Spectrum {
    const std::int64_t w = t_->width();
    if (!options_.target.components) {
      linalg::SymmetricEigen all = linalg::symmetric_eigen(g_);
      return {std::move(all.values), std::move(all.vectors)};
    }
    const std::int64_t wanted =
        std::min<std::int64_t>(w, *options_.target.components + 1 + kColumnStep);
    // G is right to the kernels' precision.
    linalg::SymmetricEigen leading =
        linalg::leading_eigen(g_, wanted, {.tolerance = 1e-2 * epsilon(options_.precision)});
    return {std::move(leading.values), std::move(leading.vectors)};
  });
}

Spectrum SvdRun::by_krylov() {
  const std::int64_t w = t_->width();
  const std::int64_t block = plan_.block;
  const int most = options_.passes > 0 ? std::max(1, options_.passes - 1) : kMostKrylovPasses;
  DenseMatrix k(w, 0), z(w, 0);
  DenseMatrix next = timed(small_seconds_, [&] {
    return linalg::orthonormalise(linalg::gaussian_matrix({options_.seed, kStartStream}, w, block));
  });
  constexpr const char* kAtOnce = "; the spectrum of a sample is flat: the Gram matrix instead";
  constexpr const char* kAfterTwo = "; the spectrum is flat: its Gram matrix after two";
  if (saved_ && saved_->size() < kKrylovState)
    return passes_of(*saved_) < 2 ? switch_to_gram(2, kAtOnce) : switch_to_gram(4, kAfterTwo);
  if (!saved_ && sample_is_flat(next)) return switch_to_gram(2, kAtOnce);
  if (saved_) {
    resume(*saved_);
    k = std::move((*saved_)[3]);
    z = std::move((*saved_)[4]);
    next = std::move((*saved_)[5]);
  }
  for (;;) {
    const TallMatrix::Product product = t_->multiply(next);
    ++pass_;
    k = linalg::beside(k, product.x);
    z = linalg::beside(z, product.z);
    const double start = clock_.now_s();
    const std::int64_t enough = options_.target.components ? block : w;
    const Ritz ritz = rayleigh_ritz(k, z, enough);
    const int passes = static_cast<int>(k.cols / block);
    const int rank = rank_for_target(ritz.values);
    const bool known = rank < static_cast<int>(ritz.values.size());
    const double gain = known ? gain_left(ritz, rank, block) : 1;
    const bool converged = options_.passes == 0 && gain <= gain_allowed(options_.precision);
    const bool full = k.cols + block > w;
    const bool flat =
        options_.passes == 0 && passes == 2 && options_.target.components && gain > kFlat;
    if (flat && gram_beats_patience(a_, options_, plan_)) {
      save({});
      saved_.reset();
      return switch_to_gram(4, kAfterTwo);
    }
    if (converged || passes >= most || full) {
      small_seconds_ += clock_.now_s() - start;
      return {ritz.values, ritz.vectors};
    }
    next = linalg::orthonormalise(outside_of(ritz.q, linalg::columns(z, z.cols - block, block)));
    small_seconds_ += clock_.now_s() - start;
    save({&k, &z, &next});
  }
}

// Nystrom: T^T T ~ Z (X^T Z)^-1 Z^T from Z = T^T T X alone, shifted for stability (Tropp,
// Yurtsever, Udell, Cevher 2017). Its values are sigma^2, its vectors V.
Spectrum SvdRun::by_one_pass() {
  const TallMatrix::Product product = t_->multiply(timed(small_seconds_, [&] {
    return linalg::orthonormalise(
        linalg::gaussian_matrix({options_.seed, kStartStream}, t_->width(), plan_.block));
  }));
  ++pass_;
  return timed(small_seconds_, [&]() -> Spectrum {
    const double shift = std::sqrt(static_cast<double>(t_->width())) * epsilon(options_.precision) *
                         linalg::frobenius_norm(product.z);
    DenseMatrix z = product.z;
    for (std::size_t i = 0; i < z.values.size(); ++i) z.values[i] += shift * product.x.values[i];
    DenseMatrix core = linalg::multiply_transposed_left(product.x, z);
    for (std::int64_t i = 0; i < core.rows; ++i)
      for (std::int64_t j = i; j < core.cols; ++j)
        core(i, j) = core(j, i) = 0.5 * (core(i, j) + core(j, i));
    const auto root = linalg::cholesky(core);
    if (!root)
      throw ConfigError(
          "svd: the sketch of one pass is not positive definite to working precision; take two "
          "passes or --precision float64");
    const linalg::DenseSvd svd = linalg::dense_svd(linalg::solve_upper_right(z, *root));
    std::vector<double> values;
    for (const double sigma : svd.sigma) values.push_back(std::max(0.0, sigma * sigma - shift));
    return {std::move(values), svd.u};
  });
}

/// The first `columns` vectors, random ones outside of them where there are not as many.
DenseMatrix SvdRun::extended(const Spectrum& spectrum, std::int64_t columns) const {
  if (columns <= spectrum.vectors.cols) return linalg::columns(spectrum.vectors, 0, columns);
  const DenseMatrix random = linalg::gaussian_matrix({options_.seed, kMoreStream}, t_->width(),
                                                     columns - spectrum.vectors.cols);
  return linalg::orthonormalise(
      linalg::beside(spectrum.vectors, outside_of(spectrum.vectors, random)));
}

/// Projects on the leading `columns` vectors: values, vectors and certificate to working precision.
/// True when the target is met.
bool SvdRun::finish(const Spectrum& spectrum, std::int64_t columns, bool keep) {
  const DenseMatrix basis = timed(small_seconds_, [&] { return extended(spectrum, columns); });
  const bool whole = columns == t_->width();
  const DenseMatrix probes = timed(certificate_seconds_, [&] {
    const int r = whole ? 0 : options_.probes;
    return outside_of(basis,
                      linalg::gaussian_matrix({options_.seed, kProbeStream}, t_->width(), r));
  });
  const bool by_gram = g_.rows > 0;
  TallMatrix::Projection projection =
      t_->project(basis, by_gram ? DenseMatrix(t_->width(), 0) : probes, keep);
  ++pass_;
  if (by_gram)
    projection.z = timed(certificate_seconds_, [&] { return linalg::multiply(g_, probes); });
  const double start = clock_.now_s();
  // X was rounded: H w = lambda X^T X w.
  const auto root = linalg::cholesky(linalg::self_product(projection.x));
  HADAL_CHECK(root.has_value());
  const DenseMatrix left = linalg::solve_upper_transposed(*root, projection.h);
  const linalg::SymmetricEigen eigen =
      linalg::symmetric_eigen(linalg::solve_upper_right(left, *root));
  combination_ = linalg::solve_upper(*root, eigen.vectors);
  v_ = linalg::multiply(projection.x, combination_);
  sigma_.clear();
  for (const double value : eigen.values) sigma_.push_back(std::sqrt(std::max(value, 0.0)));
  small_seconds_ += clock_.now_s() - start;

  std::vector<double> values = eigen.values;
  const int rank = rank_for_target(values);
  const bool found = rank <= static_cast<int>(values.size());
  result_.k = std::min(rank, static_cast<int>(values.size()));
  certify(projection, linalg::columns(v_, 0, columns));
  if (options_.target.tolerance && options_.probes > 0)
    return found && result_.certificate.error_bound <= *options_.target.tolerance * sigma_.front();
  return found;
}

void SvdRun::certify(const TallMatrix::Projection& projection, const DenseMatrix& basis) {
  const double start = clock_.now_s();
  SvdCertificate& c = result_.certificate;
  const auto k = static_cast<std::size_t>(result_.k);
  const double frobenius = t_->statistics().frobenius_squared;
  double kept = 0;
  for (std::size_t i = 0; i < k; ++i) kept += sigma_[i] * sigma_[i];
  c.frobenius_error = std::sqrt(std::max(0.0, frobenius - kept));
  c.failure_probability = options_.failure_probability;
  // A tolerance goes on until the bound is low enough: all bounds it looks at must hold.
  const double failure = options_.target.tolerance
                             ? std::ldexp(options_.failure_probability, -++bounds_looked_at_)
                             : options_.failure_probability;
  const double next = k < sigma_.size() ? sigma_[k] : 0;
  const bool whole = basis.cols == t_->width();
  c.valid = whole || projection.z.cols > 0;
  if (c.valid) {
    const double outside = whole ? 0 : residual_bound(basis, projection.z, failure);
    const double floor = least_sigma();
    c.error_bound = std::sqrt(outside * outside + next * next + floor * floor);
    c.best_possible_least = std::max(0.0, next - floor);
    c.optimum_ratio = c.best_possible_least > 0 ? c.error_bound / c.best_possible_least : 0;
  }
  certificate_seconds_ += clock_.now_s() - start;
}

SvdResult SvdRun::run(ScoreSink* sink) {
  if (plan_.passes == 1 && (sink != nullptr || plan_.short_side_rows))
    throw ConfigError(fmt::format(
        "{}: one pass gives neither scores nor the long vectors of a matrix wider than tall ({} x "
        "{}); take two passes, or leave them to be chosen",
        a_.name(), a_.rows(), a_.cols()));
  saved_ = state_.load();
  Spectrum spectrum;
  switch (plan_.path) {
    case SvdPath::kGram:
      spectrum = by_gram();
      break;
    case SvdPath::kKrylov:
      spectrum = by_krylov();
      break;
    case SvdPath::kOnePass:
      spectrum = by_one_pass();
      break;
  }
  const std::int64_t w = t_->width();
  const int rank = std::min<int>(rank_for_target(spectrum.values), static_cast<int>(w));
  if (plan_.passes == 1) {
    result_.k = std::min<int>(rank, static_cast<int>(spectrum.vectors.cols));
    v_ = spectrum.vectors;
    for (const double value : spectrum.values) sigma_.push_back(std::sqrt(std::max(value, 0.0)));
    certify({}, linalg::columns(v_, 0, std::min<std::int64_t>(v_.cols, w - 1)));
    result_.certificate.valid = false;
  } else {
    // One more than wanted tells what is left out; with the probes that ride along a whole number
    // of kernel blocks.
    const int riding = g_.rows > 0 ? 0 : options_.probes;
    std::int64_t columns =
        (rank + 1 + riding + kColumnStep - 1) / kColumnStep * kColumnStep - riding;
    columns = std::min<std::int64_t>(std::max<std::int64_t>(columns, rank + 1), w);
    while (!finish(spectrum, columns, sink != nullptr || plan_.short_side_rows) && columns < w)
      columns = std::min<std::int64_t>(2 * columns, w);
  }
  deliver(sink);
  state_.remove();
  return std::move(result_);
}

void SvdRun::deliver(ScoreSink* sink) {
  result_.rows = a_.rows();
  result_.cols = a_.cols();
  result_.frobenius_squared = t_->statistics().frobenius_squared;
  const auto k = static_cast<std::size_t>(result_.k);
  result_.singular_values.assign(sigma_.begin(), sigma_.begin() + static_cast<std::ptrdiff_t>(k));
  result_.rank = static_cast<int>(std::ranges::count_if(
      result_.singular_values, [&](double sigma) { return sigma > least_sigma(); }));
  const Factors factors = {.v = v_,
                           .combination = combination_,
                           .sigma = result_.singular_values,
                           .rank = result_.rank,
                           .least_sigma = least_sigma()};
  result_.components = plan_.short_side_rows
                           ? deliver_turned(comm_, a_, *t_, options_, factors, sink)
                           : deliver_standing(*t_, options_, factors, sink);
  if (options_.centre) result_.mean = gathered(t_->statistics().mean);
  if (options_.scale) result_.scale = gathered(t_->statistics().deviation);
  count();
  result_.plan = plan_;
}

/// Products in the kernels' precision cannot see below this.
double SvdRun::least_sigma() const {
  return 4 * epsilon(options_.precision) * std::sqrt(t_->statistics().frobenius_squared);
}

/// Of the columns of A: turned, each rank knows its own.
std::vector<double> SvdRun::gathered(const std::vector<double>& own) const {
  if (!plan_.short_side_rows) return own;
  std::vector<double> all;
  for (const auto& part : comm_.all_gather(std::as_bytes(std::span(own)))) {
    const std::size_t before = all.size();
    all.resize(before + part.size() / sizeof(double));
    if (!part.empty()) std::memcpy(all.data() + before, part.data(), part.size());
  }
  return all;
}

void SvdRun::count() {
  const TallCounters counters = t_->counters();
  SvdCounters& c = result_.counters;
  c.passes = counters.passes + resumed_passes_;
  c.bytes_read = counters.bytes_read;
  c.all_reduce_bytes = counters.all_reduce_bytes;
  c.all_reduce_bytes_per_pass = counters.all_reduce_bytes_of_a_pass;
  c.flops = counters.flops;
  c.seconds = clock_.now_s() - started_;
  c.read_seconds = counters.read_seconds;
  c.kernel_seconds = counters.pass_seconds - counters.read_seconds;
  c.small_seconds = small_seconds_;
  c.certificate_seconds = certificate_seconds_;
  c.peak_memory_bytes = counters.peak_memory_bytes;
}

}  // namespace

SvdResult svd(Communicator& comm, const matrix::RowSource& a, const SvdOptions& options,
              ScoreSink* scores) {
  return SvdRun(comm, a, options).run(scores);
}

}  // namespace hadal::dist
