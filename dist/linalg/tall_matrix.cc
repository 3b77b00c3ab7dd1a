#include "dist/linalg/tall_matrix.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/linalg/aligned_buffer.h"
#include "core/linalg/dense.h"
#include "core/linalg/fixed_point.h"
#include "core/linalg/mixed_kernels.h"
#include "core/linalg/row_kernels.h"
#include "dist/linalg/column_sample.h"
#include "dist/linalg/element_loops.h"
#include "dist/linalg/row_pass.h"
#include "dist/linalg/summed_pass.h"

namespace hadal::dist {
namespace {

using linalg::DenseMatrix;
using linalg::FixedPointSum;
using linalg::RowBlock;
using matrix::Element;

constexpr int kSampledGroups = 4;
constexpr std::int64_t kSmallShare = 20;  // a sample is at most one in so many groups
// What remains of a constant column's squares is the rounding of a group's 256.
constexpr double kConstant = 1e-13;
constexpr double kSampleHeadroom = 1024;  // a sample may miss the rows that weigh most
// Units that no sum of finite terms needs: 2^40 terms of float32 stay below 2^168.
constexpr int kLargestFloatExponent = 128, kLargestDoubleExponent = 1020;
constexpr double kLeastFloatSquare = 0x1p-120;  // of an entry, so that products keep their bits

template <typename Real>
constexpr Element kElementOf = sizeof(Real) == 4 ? Element::kF32 : Element::kF64;

/// What a thread has of its own.
template <typename Real>
struct Worker {
  std::optional<linalg::RowKernels<Real>> kernels;
  std::optional<linalg::RowKernels<Real>> moments;  // where they are taken about another shift
  std::optional<linalg::MixedKernels> mixed;
  std::optional<linalg::RowKernels<Real>> products;  // of what the kernels gave
  linalg::AlignedBuffer<Real> tile, y, out;
};

template <typename Real>
DenseMatrix rounded(const DenseMatrix& x) {
  DenseMatrix result = x;
  if constexpr (sizeof(Real) == 4)
    for (double& value : result.values) value = static_cast<float>(value);
  return result;
}

/// To the nearest number of 8 bits, ties to even, as the mixed kernels round.
DenseMatrix rounded_to_bfloat16(const DenseMatrix& x) {
  DenseMatrix result = x;
  for (double& value : result.values) {
    auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
    bits = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
    value = std::bit_cast<float>(bits);
  }
  return result;
}

double longest_column(const DenseMatrix& x) {
  std::vector<double> squares(static_cast<std::size_t>(x.cols));
  for (std::int64_t i = 0; i < x.rows; ++i)
    for (std::int64_t j = 0; j < x.cols; ++j)
      squares[static_cast<std::size_t>(j)] += x(i, j) * x(i, j);
  return squares.empty() ? 0 : std::sqrt(*std::max_element(squares.begin(), squares.end()));
}

DenseMatrix unpacked(const std::vector<double>& upper, std::int64_t n) {
  DenseMatrix full(n, n);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = i; j < n; ++j)
      full(i, j) = full(j, i) = upper[static_cast<std::size_t>(linalg::packed_index(n, i, j))];
  return full;
}

DenseMatrix as_matrix(std::vector<double> values, std::int64_t rows, std::int64_t cols) {
  DenseMatrix result;
  result.rows = rows;
  result.cols = cols;
  result.values = std::move(values);
  return result;
}

template <typename Real>
class TallMatrixOf final : public TallMatrix {
 public:
  TallMatrixOf(Communicator& comm, const matrix::RowSource& a, const TallOptions& options);

  std::int64_t first() const override { return pass_.first(); }
  std::int64_t count() const override { return pass_.count(); }
  Product multiply(const DenseMatrix& x) override;
  std::optional<Product> multiply_sample(const DenseMatrix& x) override;
  DenseMatrix gram() override;
  Projection project(const DenseMatrix& x, const DenseMatrix& probes, bool keep) override;
  void emit(const DenseMatrix& c, const Taker& taker) override;
  DenseMatrix gram_of_product(const DenseMatrix& c) override;
  void resume(const ColumnStatistics& statistics) override;
  TallCounters counters() const override;

 private:
  using Sums = SummedPass::Sums;
  using Work =
      std::function<void(Worker<Real>&, const Group&, const RowBlock&, std::span<FixedPointSum>)>;
  static constexpr int kLimbs = sizeof(Real) == 4 ? 1 : 2;

  bool has_map() const { return !options_.turned && (options_.centre || options_.scale); }
  bool needs_moments() const { return has_map() && !measured_; }
  static RowPassOptions pass_options(const TallOptions& options);

  void take_sample();
  Sums read(std::vector<SumShape> shapes, const Work& work);
  void make_workers();
  RowBlock block(Worker<Real>& worker, const Group& group);
  void turn_over(const Group& group, Real* tile);
  template <typename T>
  void measure_columns(const Group& group, const T* a, std::vector<double>& mean,
                       std::vector<double>& factor);
  std::vector<SumShape> measuring_shapes() const;
  void add_measures(Worker<Real>& worker, const RowBlock& t, std::span<FixedPointSum> sums);
  void measured(std::span<const std::vector<double>> sums);
  void use_statistics();
  std::vector<double> offset(const DenseMatrix& x) const;
  void find_not_finite();
  double bound_of_all();
  [[noreturn]] void refuse_infinite_products();
  bool products_vanish() const;
  [[noreturn]] void refuse_vanishing_products() const;
  void with_flops(double per_row) { flops_ += per_row * static_cast<double>(count()); }

  Communicator& comm_;
  const matrix::RowSource& a_;
  const TallOptions options_;
  RowPass pass_;
  SummedPass summed_;
  std::vector<Worker<Real>> workers_;

  linalg::ColumnMap map_;           // standing: what the kernels subtract and multiply with
  std::vector<double> mean_of_t_;   // of T' under that map: what is left to subtract, by column
  std::vector<double> correction_;  // E: T is T' diag(E), until the map has it
  // Columns that are scaled but not centred have their deviation measured about this all the same.
  std::vector<double> moment_shift_;
  bool measured_ = false;
  double bound_ = 0;  // |T|_F^2, or an estimate with headroom before the columns are measured

  DenseMatrix x_;  // of the last project()
  linalg::AlignedBuffer<Real> kept_;
  bool is_kept_ = false;

  std::int64_t held_bytes_ = 0;
  double flops_ = 0;
};

template <typename Real>
RowPassOptions TallMatrixOf<Real>::pass_options(const TallOptions& options) {
  RowPassOptions pass;
  pass.along = options.turned ? Along::kColumns : Along::kRows;
  pass.threads = options.threads;
  pass.memory_bytes = options.memory_bytes / 2;  // the rest: sums, and Y where it is kept
  pass.on_progress = options.on_progress;
  return pass;
}

template <typename Real>
TallMatrixOf<Real>::TallMatrixOf(Communicator& comm, const matrix::RowSource& a,
                                 const TallOptions& options)
    : comm_(comm),
      a_(a),
      options_(options),
      pass_(comm, a, pass_options(options)),
      summed_(comm, pass_) {
  length_ = pass_.length();
  width_ = pass_.width();
  if (options_.turned) {
    statistics_.mean.assign(static_cast<std::size_t>(count()), 0.0);
    statistics_.deviation.assign(static_cast<std::size_t>(count()), 0.0);
  }
  take_sample();
}

template <typename Real>
void TallMatrixOf<Real>::take_sample() {
  const auto columns = static_cast<std::size_t>(width_);
  const auto [seen, sum, square] = sample_columns(comm_, pass_, kSampledGroups, a_.element(),
                                                  options_.turned ? Along::kColumns : Along::kRows);
  double total = 0;
  std::vector<double> shift(columns), factor(columns, 1.0);
  for (std::size_t j = 0; j < columns; ++j) {
    const double mean = seen > 0 ? sum[j] / seen : 0;
    const double centred = std::max(0.0, square[j] - seen * mean * mean);
    shift[j] = static_cast<float>(mean);
    if (options_.scale && centred > kConstant * square[j])
      factor[j] = std::ldexp(1.0, -std::ilogb(std::sqrt(centred / seen)));
    total += (options_.centre && !options_.turned ? centred : square[j]) * factor[j] * factor[j];
  }
  if (!std::isfinite(total)) refuse_infinite_products();
  const double scale = seen > 0 ? static_cast<double>(length_) / seen : 0;
  bound_ = total > 0 ? kSampleHeadroom * total * scale : bound_of_all();
  if (options_.turned && options_.scale)
    bound_ = 2.0 * static_cast<double>(length_) * static_cast<double>(width_);
  if (has_map()) {
    (options_.centre ? map_.shift : moment_shift_) = std::move(shift);
    if (options_.scale) map_.factor = std::move(factor);
  }
}

template <typename Real>
void TallMatrixOf<Real>::make_workers() {
  workers_.clear();
  for (int t = 0; t < options_.threads; ++t) {
    Worker<Real>& worker = workers_.emplace_back();
    worker.kernels.emplace(width_, map_);
    if (!moment_shift_.empty())
      worker.moments.emplace(width_, linalg::ColumnMap{moment_shift_, map_.factor});
    if (options_.mixed) worker.mixed.emplace(width_, map_);
  }
}

// A column of A becomes a row, centred and scaled by figures of its own.
template <typename Real>
void TallMatrixOf<Real>::turn_over(const Group& group, Real* tile) {
  with_elements(group, a_.element(), [&](const auto* a) {
    if (!options_.centre && !options_.scale)
      return turn(
          a, group.stride, width_, group.count, [](auto value, std::size_t) { return value; },
          tile);
    std::vector<double> mean(static_cast<std::size_t>(group.count)), factor(mean.size(), 1.0);
    measure_columns(group, a, mean, factor);
    turn(
        a, group.stride, width_, group.count,
        [&](auto value, std::size_t j) {
          return (static_cast<double>(value) - mean[j]) * factor[j];
        },
        tile);
  });
}

template <typename Real>
template <typename T>
void TallMatrixOf<Real>::measure_columns(const Group& group, const T* a, std::vector<double>& mean,
                                         std::vector<double>& factor) {
  const auto rows = static_cast<double>(width_);
  const auto base = static_cast<std::size_t>(group.first - pass_.first());
  std::vector<double> square(mean.size());
  for (std::int64_t i = 0; i < width_; ++i)
    for (std::size_t j = 0; j < mean.size(); ++j)
      mean[j] += static_cast<double>(a[i * group.stride + static_cast<std::int64_t>(j)]);
  for (double& value : mean) value /= rows;
  for (std::int64_t i = 0; options_.scale && i < width_; ++i)
    for (std::size_t j = 0; j < mean.size(); ++j) {
      const double d =
          static_cast<double>(a[i * group.stride + static_cast<std::int64_t>(j)]) - mean[j];
      square[j] += d * d;
    }
  for (std::size_t j = 0; j < mean.size(); ++j) {
    statistics_.mean[base + j] = options_.centre ? mean[j] : 0;
    if (options_.scale) {
      const double deviation = rows > 1 ? std::sqrt(square[j] / (rows - 1)) : 0;
      statistics_.deviation[base + j] = deviation;
      factor[j] = deviation > 0 ? 1 / deviation : 0;
    }
    if (!options_.centre) mean[j] = 0;
  }
}

template <typename Real>
RowBlock TallMatrixOf<Real>::block(Worker<Real>& worker, const Group& group) {
  if (!options_.turned) return {group.data, a_.element(), group.count, width_, group.stride};
  Real* const tile = worker.tile.reserve(kGroup * width_);
  turn_over(group, tile);
  return {tile, kElementOf<Real>, group.count, width_, width_, false};
}

template <typename Real>
typename TallMatrixOf<Real>::Sums TallMatrixOf<Real>::read(std::vector<SumShape> shapes,
                                                           const Work& work) {
  return summed_.read(
      std::move(shapes), held_bytes_,
      [&](int thread, const Group& group, std::span<FixedPointSum> sums) {
        Worker<Real>& worker = workers_[static_cast<std::size_t>(thread)];
        work(worker, group, block(worker, group), sums);
      },
      [&](std::span<const SumShape> wanted) {
        for (const SumShape& shape : wanted)
          if (shape.exponent > (shape.limbs == 1 ? kLargestFloatExponent : kLargestDoubleExponent))
            refuse_infinite_products();
        find_not_finite();
      });
}

// An entry of A is not finite, or products of finite ones are not.
template <typename Real>
void TallMatrixOf<Real>::refuse_infinite_products() {
  find_not_finite();
  throw ConfigError(fmt::format(
      "{}: products of its values overflow float{}; {}", a_.name(), 8 * sizeof(Real),
      sizeof(Real) == 4 ? "take --precision float64, or other units" : "take other units"));
}

template <typename Real>
bool TallMatrixOf<Real>::products_vanish() const {
  return sizeof(Real) == 4 && statistics_.frobenius_squared < kLeastFloatSquare *
                                                                  static_cast<double>(length_) *
                                                                  static_cast<double>(width_);
}

template <typename Real>
void TallMatrixOf<Real>::refuse_vanishing_products() const {
  throw ConfigError(fmt::format(
      "{}: its values are so small that products of float32 lose their digits; take --precision "
      "float64, or other units",
      a_.name()));
}

// The largest group's sum of squares, as often as there are groups: by another read.
template <typename Real>
double TallMatrixOf<Real>::bound_of_all() {
  std::vector<Worker<Real>> workers(static_cast<std::size_t>(options_.threads));
  double largest = 0;
  std::mutex mutex;
  pass_.run([&](int thread, const Group& group) {
    const RowBlock t = block(workers[static_cast<std::size_t>(thread)], group);
    const double square = square_sum_of(t);
    const std::lock_guard lock(mutex);
    largest = std::max(largest, std::isfinite(square) ? square : INFINITY);
  });
  largest = comm_.all_reduce(largest, ReduceOp::kMax);
  if (!std::isfinite(largest)) refuse_infinite_products();
  return largest * static_cast<double>((length_ + kGroup - 1) / kGroup);
}

template <typename Real>
void TallMatrixOf<Real>::find_not_finite() {
  // Encoded so that the smallest is the first; ranks hold ascending rows (columns, turned).
  std::int64_t found = INT64_MAX;
  std::mutex mutex;
  pass_.run([&](int, const Group& group) {
    const RowBlock rows =
        options_.turned ? RowBlock{group.data, a_.element(), width_, group.count, group.stride}
                        : RowBlock{group.data, a_.element(), group.count, width_, group.stride};
    if (const auto at = linalg::first_not_finite(rows)) {
      const std::int64_t row = at->row + (options_.turned ? 0 : group.first);
      const std::int64_t col = at->col + (options_.turned ? group.first : 0);
      const std::lock_guard lock(mutex);
      found = std::min(found, row * a_.cols() + col);
    }
  });
  found = comm_.all_reduce(found, ReduceOp::kMin);
  if (found == INT64_MAX) return;
  throw NotFiniteError(fmt::format(
      "{}: row {}, column {} (from 0) is not a finite number; remove or fill in what is "
      "missing",
      a_.name(), found / a_.cols(), found % a_.cols()));
}

template <typename Real>
std::vector<SumShape> TallMatrixOf<Real>::measuring_shapes() const {
  if (measured_) return {};
  const int exponent = linalg::unit_exponent(bound_);
  if (!needs_moments()) return {{1, exponent, 2}};
  // |sum of a column| <= sqrt(length) |column|.
  const double sums = std::sqrt(static_cast<double>(length_) * bound_);
  return {{width_, linalg::unit_exponent(sums), 2}, {width_, exponent, 2}};
}

template <typename Real>
void TallMatrixOf<Real>::add_measures(Worker<Real>& worker, const RowBlock& t,
                                      std::span<FixedPointSum> sums) {
  if (measured_) return;
  if (needs_moments())
    return (worker.moments ? *worker.moments : *worker.kernels).moments(t, sums[0], sums[1]);
  const double square = square_sum_of(t);
  sums[0].add(0, std::span<const double>(&square, 1));
}

// From the sums of the first read to the columns of A, and to what later reads subtract.
template <typename Real>
void TallMatrixOf<Real>::measured(std::span<const std::vector<double>> sums) {
  if (!needs_moments()) {
    statistics_.frobenius_squared = sums[0][0];
    measured_ = true;
    bound_ = statistics_.frobenius_squared;
    // The sum may be of squares in float32, so only another read tells a matrix of zeros.
    if (products_vanish() && bound_of_all() > 0) refuse_vanishing_products();
    return;
  }
  const auto rows = static_cast<double>(length_);
  const auto columns = static_cast<std::size_t>(width_);
  statistics_.mean.assign(columns, 0.0);
  statistics_.deviation.assign(columns, 0.0);
  mean_of_t_.assign(columns, 0.0);
  correction_.assign(columns, 1.0);
  double total = 0;
  for (std::size_t j = 0; j < columns; ++j) {
    const double factor = map_.factor.empty() ? 1 : map_.factor[j];
    const double mean = sums[0][j] / rows;  // of T0
    const double centred = std::max(0.0, sums[1][j] - rows * mean * mean);
    const bool constant = centred <= kConstant * sums[1][j];
    const double deviation = rows > 1 && !constant ? std::sqrt(centred / (rows - 1)) : 0;
    if (options_.centre) {
      mean_of_t_[j] = mean;
      statistics_.mean[j] = map_.shift[j] + mean / factor;
    }
    statistics_.deviation[j] = deviation / factor;
    if (options_.scale) correction_[j] = deviation > 0 ? 1 / deviation : 0;
    const double about = moment_shift_.empty() ? 0 : moment_shift_[j] * factor;
    const double square = sums[1][j] + about * (2 * sums[0][j] + rows * about);  // about zero
    total += (options_.centre ? centred : square) * correction_[j] * correction_[j];
  }
  statistics_.frobenius_squared = total;
  measured_ = true;
  bound_ = total;
  if (total > 0 && products_vanish()) refuse_vanishing_products();
}

// Later reads subtract the mean and divide by the deviation at once.
template <typename Real>
void TallMatrixOf<Real>::use_statistics() {
  if (!has_map() || correction_.empty()) return;
  const auto columns = static_cast<std::size_t>(width_);
  mean_of_t_.assign(columns, 0.0);
  for (std::size_t j = 0; j < columns; ++j) {
    const double deviation = statistics_.deviation[j];
    if (options_.scale) map_.factor[j] = deviation > 0 ? 1 / deviation : 0;
    if (!options_.centre) continue;
    map_.shift[j] = statistics_.mean[j];
    // Kernels round the shift to their type, but for elements of float64.
    const double used = a_.element() == Element::kF64
                            ? map_.shift[j]
                            : static_cast<double>(static_cast<Real>(map_.shift[j]));
    const double factor =
        map_.factor.empty() ? 1 : static_cast<double>(static_cast<Real>(map_.factor[j]));
    mean_of_t_[j] = (statistics_.mean[j] - used) * factor;
  }
  correction_.clear();
  make_workers();
}

template <typename Real>
std::vector<double> TallMatrixOf<Real>::offset(const DenseMatrix& x) const {
  if (mean_of_t_.empty() || !options_.centre) return {};
  std::vector<double> c(static_cast<std::size_t>(x.cols));
  for (std::int64_t i = 0; i < x.rows; ++i)
    for (std::int64_t j = 0; j < x.cols; ++j)
      c[static_cast<std::size_t>(j)] += mean_of_t_[static_cast<std::size_t>(i)] * x(i, j);
  return c;
}

template <typename Real>
TallMatrix::Product TallMatrixOf<Real>::multiply(const DenseMatrix& start) {
  if (measured_) use_statistics();
  if (workers_.empty()) make_workers();
  Product product{.x = options_.mixed ? rounded_to_bfloat16(start) : rounded<Real>(start), .z = {}};
  DenseMatrix& x = product.x;
  const bool first = !measured_;
  const std::vector<double> c = first ? std::vector<double>{} : offset(x);
  const linalg::PackedMatrix<Real> packed(x, c);
  std::optional<linalg::MixedMatrix> packed_pairs;
  if (options_.mixed) packed_pairs.emplace(x, c);
  std::vector<SumShape> shapes = {{width_ * x.cols, linalg::unit_exponent(bound_), kLimbs}};
  for (const SumShape& shape : measuring_shapes()) shapes.push_back(shape);
  Sums sums = read(std::move(shapes), [&](Worker<Real>& worker, const Group&, const RowBlock& t,
                                          std::span<FixedPointSum> out) {
    if (options_.mixed)
      worker.mixed->fused(t, *packed_pairs, out[0]);
    else
      worker.kernels->fused(t, packed, out[0]);
    add_measures(worker, t, out.subspan(1));
  });
  with_flops(4.0 * static_cast<double>(width_) * static_cast<double>(x.cols));
  product.z = as_matrix(std::move(sums[0]), width_, x.cols);
  if (first) {
    const bool moments = needs_moments();
    measured(std::span(sums).subspan(1));
    if (moments) {  // z = E (z0 - length d (d^T x)), x = E^-1 x
      const std::vector<double> dx = offset(x);
      for (std::int64_t i = 0; i < width_; ++i) {
        const auto row = static_cast<std::size_t>(i);
        for (std::int64_t j = 0; j < x.cols; ++j) {
          if (!dx.empty())
            product.z(i, j) -=
                static_cast<double>(length_) * mean_of_t_[row] * dx[static_cast<std::size_t>(j)];
          product.z(i, j) *= correction_[row];
          x(i, j) = correction_[row] > 0 ? x(i, j) / correction_[row] : 0;
        }
      }
    }
  }
  return product;
}

template <typename Real>
std::optional<TallMatrix::Product> TallMatrixOf<Real>::multiply_sample(const DenseMatrix& start) {
  if (length_ < kSmallShare * kSampledGroups * kGroup || measured_) return std::nullopt;
  if (workers_.empty()) make_workers();
  Product product{.x = rounded<Real>(start), .z = {}};
  const linalg::PackedMatrix<Real> packed(product.x);
  FixedPointSum sum(width_ * start.cols, linalg::unit_exponent(bound_), kLimbs);
  Worker<Real>& worker = workers_.front();
  pass_.sample(kSampledGroups, [&](int, const Group& group) {
    worker.kernels->fused(block(worker, group), packed, sum);
  });
  summed_.all_reduce(sum);
  if (sum.overflowed()) return std::nullopt;
  product.z = as_matrix(sum.values(), width_, start.cols);
  return product;
}

template <typename Real>
DenseMatrix TallMatrixOf<Real>::gram() {
  if (measured_) use_statistics();
  if (workers_.empty()) make_workers();
  const bool first = !measured_;
  // Whole numbers are summed as they are: no map, no rounding.
  const bool whole = !options_.turned && first && a_.element() == Element::kU8;
  if (whole) {
    if (options_.centre) std::fill(map_.shift.begin(), map_.shift.end(), 0.0);
    if (options_.scale) std::fill(map_.factor.begin(), map_.factor.end(), 1.0);
    moment_shift_.clear();
    bound_ = 65025.0 * static_cast<double>(length_) * static_cast<double>(width_);
    workers_.clear();
    for (int t = 0; t < options_.threads; ++t)
      workers_.emplace_back().kernels.emplace(width_, linalg::ColumnMap{});
  }
  std::vector<SumShape> shapes = {
      {linalg::packed_size(width_), whole ? 0 : linalg::unit_exponent(bound_), whole ? 1 : kLimbs}};
  // The diagonal is the sum of squares already.
  if (needs_moments())
    for (const SumShape& shape : measuring_shapes())
      shapes.push_back(whole ? SumShape{shape.size, 0, 1} : shape);
  Sums sums = read(std::move(shapes), [&](Worker<Real>& worker, const Group&, const RowBlock& t,
                                          std::span<FixedPointSum> out) {
    worker.kernels->gram(t, out[0]);
    if (out.size() > 1) add_measures(worker, t, out.subspan(1));
  });
  with_flops(static_cast<double>(width_) * static_cast<double>(width_ + 1));
  DenseMatrix g = unpacked(sums[0], width_);
  if (!first) return g;
  if (!needs_moments()) {
    double trace = 0;
    for (std::int64_t i = 0; i < width_; ++i) trace += g(i, i);
    measured(std::vector<std::vector<double>>{{trace}});
    return g;
  }
  measured(std::span(sums).subspan(1));
  for (std::int64_t i = 0; i < width_; ++i)
    for (std::int64_t j = 0; j < width_; ++j) {
      const auto row = static_cast<std::size_t>(i), col = static_cast<std::size_t>(j);
      if (options_.centre)
        g(i, j) -= static_cast<double>(length_) * mean_of_t_[row] * mean_of_t_[col];
      g(i, j) *= correction_[row] * correction_[col];
    }
  return g;
}

template <typename Real>
TallMatrix::Projection TallMatrixOf<Real>::project(const DenseMatrix& start,
                                                   const DenseMatrix& probes, bool keep) {
  HADAL_CHECK(measured_);
  use_statistics();
  if (workers_.empty()) make_workers();
  Projection result{.x = rounded<Real>(start), .h = {}, .probes = rounded<Real>(probes), .z = {}};
  x_ = result.x;
  const std::int64_t b = x_.cols, r = probes.cols;
  const std::int64_t y_bytes = count() * b * static_cast<std::int64_t>(sizeof(Real));
  is_kept_ = keep && y_bytes <= options_.memory_bytes / 4;
  Real* const kept = is_kept_ ? kept_.reserve(std::max<std::int64_t>(count() * b, 1)) : nullptr;
  held_bytes_ = is_kept_ ? y_bytes : 0;
  const linalg::PackedMatrix<Real> basis(x_, offset(x_));
  const linalg::PackedMatrix<Real> outside(result.probes, offset(result.probes));
  for (Worker<Real>& worker : workers_) worker.products.emplace(b);

  const double longest = longest_column(result.probes);
  const int exponent = linalg::unit_exponent(2 * bound_ * static_cast<double>(b));
  std::vector<SumShape> shapes = {{linalg::packed_size(b), exponent, kLimbs}, {b, exponent, 2}};
  if (r > 0) shapes.push_back({width_ * r, linalg::unit_exponent(2 * bound_ * longest), kLimbs});
  Sums sums = read(std::move(shapes), [&](Worker<Real>& worker, const Group& group,
                                          const RowBlock& t, std::span<FixedPointSum> out) {
    Real* const y =
        kept != nullptr ? kept + (group.first - first()) * b : worker.y.reserve(kGroup * b);
    worker.kernels->apply(t, basis, y);
    const RowBlock rows{y, kElementOf<Real>, group.count, b, b, false};
    worker.products->gram(rows, out[0]);
    worker.products->squares(rows, out[1]);
    if (r > 0) worker.kernels->fused(t, outside, out[2]);
  });
  with_flops(static_cast<double>(width_) * static_cast<double>(2 * b + 4 * r) +
             static_cast<double>(b * b));
  result.h = unpacked(sums[0], b);
  for (std::int64_t i = 0; i < b; ++i) result.h(i, i) = sums[1][static_cast<std::size_t>(i)];
  result.z = r > 0 ? as_matrix(std::move(sums[2]), width_, r) : DenseMatrix(width_, 0);
  return result;
}

template <typename Real>
void TallMatrixOf<Real>::emit(const DenseMatrix& c, const Taker& taker) {
  HADAL_CHECK(c.rows == x_.cols);
  const linalg::PackedMatrix<Real> combination(c);
  const std::int64_t b = x_.cols;
  const auto give = [&](Worker<Real>& worker, const Group& group, const Real* y) {
    Real* const out = worker.out.reserve(kGroup * c.cols);
    worker.products->apply({y, kElementOf<Real>, group.count, b, b, false}, combination, out);
    taker(group.first, {out, kElementOf<Real>, group.count, c.cols, c.cols, false});
  };
  if (is_kept_) {
    pass_.run_without_rows([&](int thread, const Group& group) {
      give(workers_[static_cast<std::size_t>(thread)], group,
           kept_.data() + (group.first - first()) * b);
    });
    return;
  }
  const linalg::PackedMatrix<Real> basis(x_, offset(x_));
  pass_.run([&](int thread, const Group& group) {
    Worker<Real>& worker = workers_[static_cast<std::size_t>(thread)];
    Real* const y = worker.y.reserve(kGroup * b);
    worker.kernels->apply(block(worker, group), basis, y);
    give(worker, group, y);
  });
}

template <typename Real>
DenseMatrix TallMatrixOf<Real>::gram_of_product(const DenseMatrix& c) {
  // Columns of Y C are no longer than those of T times those of C.
  const double longest = longest_column(c);
  const int exponent = linalg::unit_exponent(
      2 * bound_ * longest * longest * static_cast<double>(c.rows * c.cols) + 1e-300);
  FixedPointSum total(linalg::packed_size(c.cols), exponent, 2);
  std::mutex mutex;
  emit(c, [&](std::int64_t, const RowBlock& rows) {
    linalg::RowKernels<double> kernels(c.cols);
    FixedPointSum part(total.size(), exponent, 2);
    kernels.gram(rows, part);
    const std::lock_guard lock(mutex);
    total.merge(part);
  });
  summed_.all_reduce(total);
  HADAL_CHECK(!total.overflowed());
  return unpacked(total.values(), c.cols);
}

template <typename Real>
void TallMatrixOf<Real>::resume(const ColumnStatistics& statistics) {
  const double frobenius = statistics.frobenius_squared;
  if (!options_.turned) {
    statistics_ = statistics;
    if (has_map()) correction_.assign(static_cast<std::size_t>(width_), 1.0);
  }
  statistics_.frobenius_squared = bound_ = frobenius;
  measured_ = true;
}

template <typename Real>
TallCounters TallMatrixOf<Real>::counters() const {
  const RowPassCounters& pass = pass_.counters();
  return {.passes = pass.passes,
          .bytes_read = pass.bytes_read,
          .peak_memory_bytes = summed_.counters().peak_bytes,
          .all_reduce_bytes = summed_.counters().all_reduce_bytes,
          .all_reduce_bytes_of_a_pass = summed_.counters().all_reduce_bytes_of_a_pass,
          .flops = flops_,
          .pass_seconds = pass.seconds,
          .read_seconds = pass.read_seconds};
}

}  // namespace

std::unique_ptr<TallMatrix> make_tall_matrix(Communicator& comm, const matrix::RowSource& a,
                                             const TallOptions& options) {
  if (options.float64) return std::make_unique<TallMatrixOf<double>>(comm, a, options);
  return std::make_unique<TallMatrixOf<float>>(comm, a, options);
}

}  // namespace hadal::dist
