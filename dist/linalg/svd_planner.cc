#include "dist/linalg/svd_planner.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/linalg/row_kernels.h"

namespace hadal::dist {
namespace {

constexpr std::int64_t kLongestGram = 20000;  // 3.2 GB of sums: what --exact may ask for
constexpr std::int64_t kLongestChosenGram = 4096;
constexpr int kBlockStep = 16;     // kernels work on so many columns at once
constexpr int kUnknownBlock = 64;  // where the rank is yet to be found
constexpr int kUsualKrylovPasses = 4;
constexpr int kPatience = 5;  // further passes of a flat spectrum after two

// Rates in multiply-adds, relative to the fused kernel on float32 (tests/bench/README.md). Pixels
// are multiplied 3.2 times as fast with AVX-512's products of bytes, no faster than float32 with
// AVX2; the choice must be the same on both, so this lies between.
constexpr double kGramRate = 0.85, kPixelGramRate = 2;
constexpr double kEigenCost = 60 * 8;  // multiply-adds per entry of G for its leading eigenpairs

int round_up(int value) { return (value + kBlockStep - 1) / kBlockStep * kBlockStep; }

void require_sense(const matrix::RowSource& a, const SvdOptions& o) {
  const std::int64_t least = std::min(a.rows(), a.cols());
  if (least == 0)
    throw ConfigError(
        fmt::format("{}: {} x {} has no elements to factorise", a.name(), a.rows(), a.cols()));
  const int targets = o.target.components.has_value() + o.target.explained.has_value() +
                      o.target.tolerance.has_value();
  if (targets != 1)
    throw ConfigError(
        "svd: exactly one of the number of components, the explained share and the tolerance is "
        "wanted");
  if (const auto k = o.target.components; k && (*k < 1 || *k > least))
    throw ConfigError(fmt::format("{}: {} components of a {} x {} matrix; wanted 1 to {}", a.name(),
                                  *k, a.rows(), a.cols(), least));
  for (const auto& share : {o.target.explained, o.target.tolerance})
    if (share && !(*share > 0 && *share <= 1))
      throw ConfigError(fmt::format(
          "svd: an explained share or tolerance of {}; wanted above 0 and at most 1", *share));
  if (o.passes < 0 || o.passes > kMostKrylovPasses + 1)
    throw ConfigError(fmt::format("svd: {} passes; wanted 1 to {}, or 0 to let it be chosen",
                                  o.passes, kMostKrylovPasses + 1));
  if (o.oversample < 0 || o.probes < 0)
    throw ConfigError("svd: oversampling and probes count columns; wanted 0 or more");
  if (!(o.failure_probability > 0 && o.failure_probability < 1))
    throw ConfigError(fmt::format("svd: a failure probability of {}; wanted between 0 and 1",
                                  o.failure_probability));
  if (o.threads < 1) throw ConfigError("svd: wanted at least one thread");
  if (o.exact && o.passes == 1)
    throw ConfigError("svd: --exact reads the matrix twice; leave --passes out");
  if (o.exact && least > kLongestGram)
    throw ConfigError(fmt::format(
        "{}: --exact keeps a matrix of {} x {} on every rank; wanted a shorter side of at most {}",
        a.name(), least, least, kLongestGram));
}

double gram_rate(const matrix::RowSource& a, const SvdOptions& o) {
  const bool pixels = a.element() == matrix::Element::kU8 && a.rows() >= a.cols() &&
                      o.precision != Precision::kFloat64;
  return pixels ? kPixelGramRate : kGramRate;
}

struct Costs {
  double gram = 0, krylov = 0;  // multiply-adds of the fused kernel
};

Costs costs(const matrix::RowSource& a, const SvdOptions& o, std::int64_t width, double block) {
  const auto length = static_cast<double>(std::max(a.rows(), a.cols()));
  const auto w = static_cast<double>(width);
  const double finish = length * w * (block + 2 * kBlockStep);
  const int passes = o.passes > 0 ? std::max(1, o.passes - 1) : kUsualKrylovPasses;
  return {.gram = length * w * w / 2 / gram_rate(a, o) + finish +
                  std::min(kEigenCost * w * w, 4 * w * w * w),
          .krylov = passes * 2 * length * w * block + finish +
                    2 * w * block * block * passes * passes * passes};
}

}  // namespace

SvdPlan plan_svd(const matrix::RowSource& a, const SvdOptions& o) {
  require_sense(a, o);
  SvdPlan plan;
  plan.short_side_rows = a.rows() < a.cols();
  const std::int64_t width = std::min(a.rows(), a.cols());
  plan.block = o.target.components ? round_up(*o.target.components + std::max(o.oversample, 1))
                                   : kUnknownBlock;
  plan.block = static_cast<int>(std::min<std::int64_t>(plan.block, width));
  plan.memory_bytes = o.memory_bytes;
  const Costs cost = costs(a, o, width, plan.block);
  const bool short_enough = width <= kLongestChosenGram;
  const char* const side = plan.short_side_rows ? "rows" : "columns";
  if (o.passes == 1 && !short_enough) {
    plan.path = SvdPath::kOnePass;
    plan.passes = 1;
    plan.reason = fmt::format("one pass: a sketch of {} columns, no second look", plan.block);
  } else if (o.exact || o.passes == 1 || 3 * plan.block >= width ||
             (short_enough && cost.gram <= cost.krylov)) {
    plan.path = SvdPath::kGram;
    plan.passes = o.passes == 1 ? 1 : 2;
    plan.reason = fmt::format("Gram matrix of {} {}, {} pass{}", format_count(width), side,
                              plan.passes, plan.passes == 1 ? "" : "es");
  } else {
    plan.path = SvdPath::kKrylov;
    plan.passes = o.passes > 0 ? o.passes : kUsualKrylovPasses + 1;
    plan.reason = fmt::format("block Krylov on {} {}, {} columns at a time, {} {} passes",
                              format_count(width), side, plan.block, o.passes > 0 ? "" : "about",
                              plan.passes);
  }
  if (o.precision == Precision::kMixed && plan.path == SvdPath::kKrylov && !linalg::has_bf16())
    plan.reason += "; this machine has no products of bfloat16: mixed is no faster than float32";
  return plan;
}

bool gram_beats_patience(const matrix::RowSource& a, const SvdOptions& o, const SvdPlan& plan) {
  const auto width = static_cast<double>(std::min(a.rows(), a.cols()));
  return width <= kLongestChosenGram && width / 2 / gram_rate(a, o) < 2.0 * kPatience * plan.block;
}

double predicted_seconds(Communicator& comm, const matrix::RowSource& a, const SvdOptions& o,
                         const SvdPlan& plan) {
  // A few rows of this width, through the fused kernel.
  constexpr std::int64_t kRows = 48;
  const std::int64_t width = std::min(a.rows(), a.cols());
  const std::int64_t cols = std::min<std::int64_t>(width, 1024), l = std::min(64, plan.block);
  std::vector<float> tile(static_cast<std::size_t>(kRows * cols), 0.5f);
  linalg::DenseMatrix x(cols, l);
  std::fill(x.values.begin(), x.values.end(), 0.25);
  const linalg::PackedMatrix<float> packed(x);
  linalg::RowKernels<float> kernels(cols);
  linalg::FixedPointSum sum(cols * l, -20);
  const SystemClock clock;
  double best = 1e9;
  for (int turn = 0; turn < 3; ++turn) {
    const double start = clock.now_s();
    kernels.fused({tile.data(), matrix::Element::kF32, kRows, cols, cols}, packed, sum);
    best = std::min(best, clock.now_s() - start);
  }
  const double rate = 2.0 * kRows * static_cast<double>(cols * l) / best;
  const Costs cost = costs(a, o, width, plan.block);
  const double work = plan.path == SvdPath::kGram ? cost.gram : cost.krylov;
  const double slower = o.precision == Precision::kFloat64 ? 2 : 1;
  const double seconds = slower * work / rate / (comm.size() * o.threads);
  return comm.all_reduce(seconds, ReduceOp::kMax);
}

}  // namespace hadal::dist
