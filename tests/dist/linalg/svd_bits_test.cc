// U, sigma and V are the same bits for any number of ranks and threads, any memory, any split into
// files, and after a run that was ended between two passes.
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/hash.h"
#include "core/matrix/joined_rows.h"
#include "dist/linalg/svd.h"
#include "dist/thread_communicator.h"
#include "tests/dist/linalg/kept_scores.h"
#include "tests/dist/linalg/made_matrix.h"

namespace hadal::dist {
namespace {

using matrix::MemoryRows;
using matrix::RowSource;

constexpr std::int64_t kRows =
    2700;  // eleven groups: the last is short, eight ranks have some each

struct Case {
  const char* name;
  std::int64_t rows, cols;
  bool pixels = false, fast = false;
  SvdOptions options{};
};

SvdOptions options_of(int k, bool centre, bool scale = false) {
  SvdOptions options;
  options.target.components = k;
  options.centre = centre;
  options.scale = scale;
  return options;
}

std::vector<Case> cases() {
  std::vector<Case> all = {
      {.name = "Gram", .rows = kRows, .cols = 40, .options = options_of(6, false)},
      {.name = "GramOfPixelsCentred",
       .rows = kRows,
       .cols = 40,
       .pixels = true,
       .options = options_of(6, true)},
      {.name = "GramScaled", .rows = kRows, .cols = 40, .options = options_of(6, true, true)},
      {.name = "Krylov", .rows = kRows, .cols = 200, .fast = true, .options = options_of(5, false)},
      {.name = "Mixed", .rows = kRows, .cols = 200, .fast = true, .options = options_of(5, true)},
      {.name = "FlatSpectrum", .rows = kRows, .cols = 200, .options = options_of(5, true)},
      {.name = "KrylovScaled", .rows = kRows, .cols = 200, .options = options_of(5, true, true)},
      {.name = "ShortSideRows", .rows = 30, .cols = kRows, .options = options_of(6, true)},
      {.name = "Float64", .rows = kRows, .cols = 40, .options = options_of(6, true)},
  };
  for (Case& each : all) {
    if (each.name == std::string_view("Mixed")) each.options.precision = Precision::kMixed;
    if (each.name == std::string_view("Float64")) each.options.precision = Precision::kFloat64;
  }
  for (Case& each : all) each.options.orthonormal_u = each.cols == 40;
  return all;
}

/// Rows without a place in memory: they must be read.
class ReadRows : public MemoryRows {
 public:
  using MemoryRows::MemoryRows;
  const std::byte* in_place(std::int64_t, std::int64_t) const override { return nullptr; }
  void read(std::int64_t first_row, std::int64_t rows, std::int64_t first_col, std::int64_t cols,
            std::byte* to) const override {
    const std::size_t size = matrix::bytes_of(element());
    const std::byte* from = MemoryRows::in_place(first_row, rows);
    for (std::int64_t i = 0; i < rows; ++i)
      std::memcpy(to + static_cast<std::size_t>(i * cols) * size,
                  from + static_cast<std::size_t>(i * this->cols() + first_col) * size,
                  static_cast<std::size_t>(cols) * size);
  }
};

template <typename Rows>
std::unique_ptr<RowSource> part_of(const linalg::DenseMatrix& a, bool pixels, std::int64_t first,
                                   std::int64_t rows) {
  const auto begin = a.values.begin() + first * a.cols, end = begin + rows * a.cols;
  if (!pixels) return std::make_unique<Rows>(std::vector<float>(begin, end), rows, a.cols);
  std::vector<std::uint8_t> bytes;
  for (auto value = begin; value != end; ++value)
    bytes.push_back(static_cast<std::uint8_t>(static_cast<int>(std::abs(*value) * 1e4) % 256));
  return std::make_unique<Rows>(std::move(bytes), rows, a.cols);
}

std::unique_ptr<RowSource> source_of(const Case& c, int files) {
  const std::int64_t short_side = std::min(c.rows, c.cols);
  const linalg::DenseMatrix a = matrix_of_spectrum(
      c.rows, c.cols, c.fast ? fast_spectrum(short_side) : slow_spectrum(short_side), 3);
  if (files == 1) return part_of<MemoryRows>(a, c.pixels, 0, c.rows);
  std::vector<std::unique_ptr<RowSource>> parts;
  for (int f = 0; f < files; ++f) {
    const std::int64_t first = c.rows * f / files, end = c.rows * (f + 1) / files;
    parts.push_back(part_of<ReadRows>(a, c.pixels, first, end - first));
  }
  return matrix::joined(std::move(parts));
}

/// Of U diag(sigma), sigma, V, the mean and the certificate, which every rank must agree on.
std::string bits_of(const RowSource& a, const SvdOptions& options, int ranks) {
  KeptScores kept(a.rows(), *options.target.components);
  std::vector<std::uint64_t> hashes(static_cast<std::size_t>(ranks));
  run_ranks(ranks, [&](Communicator& comm) {
    const SvdResult r = svd(comm, a, options, &kept);
    std::vector<double> all = r.components.values;
    for (const auto* more : {&r.singular_values, &r.mean, &r.scale})
      all.insert(all.end(), more->begin(), more->end());
    all.push_back(r.certificate.error_bound);
    all.push_back(r.frobenius_squared);
    hashes[static_cast<std::size_t>(comm.rank())] = hash64(all.data(), all.size() * sizeof(double));
  });
  for (const std::uint64_t hash : hashes) EXPECT_EQ(hash, hashes[0]);
  return hex64(hashes[0]) +
         hex64(hash64(kept.scores.values.data(), kept.scores.values.size() * sizeof(double)));
}

class SvdBits : public testing::TestWithParam<Case> {
 protected:
  /// Row groups of 256: just above what a rank needs; some in memory; all.
  std::vector<std::int64_t> memories() const {
    const Case& c = GetParam();
    const std::int64_t group = 256 * std::min(c.rows, c.cols) * (c.pixels ? 1 : 4);
    return {4 * group, 9 * group, 1000 * group};
  }
};
INSTANTIATE_TEST_SUITE_P(, SvdBits, testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.name; });

TEST_P(SvdBits, AreTheSameOnAnyRanksThreadsMemoryAndFiles) {
  const auto whole = source_of(GetParam(), 1), five = source_of(GetParam(), 5);
  SvdOptions options = GetParam().options;
  options.memory_bytes = memories().back();
  const std::string expected = bits_of(*whole, options, 1);
  for (const int ranks : {1, 2, 3, 4, 8})
    for (const int threads : {1, 2})
      for (const std::int64_t memory : memories())
        for (const RowSource* source : {whole.get(), five.get()}) {
          options.threads = threads;
          options.memory_bytes = memory;
          EXPECT_EQ(bits_of(*source, options, ranks), expected)
              << ranks << " ranks, " << threads << " threads, " << memory << " bytes, "
              << (source == whole.get() ? "one file" : "five files");
        }
}

struct Stopped : std::runtime_error {
  Stopped() : std::runtime_error("stopped") {}
};

TEST_P(SvdBits, AreTheSameAfterARunThatEndedBetweenTwoPasses) {
  const auto a = source_of(GetParam(), 1);
  const TemporaryFolder folder;
  SvdOptions options = GetParam().options;
  options.memory_bytes = memories().back();
  const std::string expected = bits_of(*a, options, 1);
  options.checkpoint = folder.path() / "state";
  for (const int pass_of_end : {2, 3}) {
    SvdOptions ended = options;
    bool was_ended = false;
    ended.on_progress = [&](const SvdProgress& now) {
      if (now.pass < pass_of_end) return;
      was_ended = true;
      throw Stopped();
    };
    KeptScores kept(a->rows(), *options.target.components);
    try {
      run_ranks(2, [&](Communicator& comm) { svd(comm, *a, ended, &kept); });
    } catch (const Stopped&) {
    } catch (const CommError&) {
      // The other rank saw it first.
    }
    if (!was_ended) continue;  // the Gram way has two passes
    EXPECT_TRUE(std::filesystem::exists(options.checkpoint / "svd.state"));
    SvdOptions counted = options;
    int first_pass = 0;
    counted.on_progress = [&](const SvdProgress& now) {
      if (first_pass == 0) first_pass = now.pass;
    };
    EXPECT_EQ(bits_of(*a, counted, 1), expected);
    EXPECT_EQ(first_pass, pass_of_end);
    EXPECT_FALSE(std::filesystem::exists(options.checkpoint / "svd.state"));
  }
}

TEST(SvdBitsOfASample, AreTheSameOnAnyRanksAndThreads) {
  const MemoryRows a = float_rows_of(normal_matrix(80 * 256, 240, 9));
  SvdOptions options = options_of(5, true);
  const std::string expected = bits_of(a, options, 1);
  options.threads = 2;
  EXPECT_EQ(bits_of(a, options, 3), expected);
}

}  // namespace
}  // namespace hadal::dist
