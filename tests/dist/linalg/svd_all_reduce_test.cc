// What the ranks of an SVD send each other: nothing that grows with the rows or the ranks.
#include <gtest/gtest.h>

#include "core/linalg/fixed_point.h"
#include "dist/linalg/svd.h"
#include "dist/thread_communicator.h"
#include "tests/dist/linalg/made_matrix.h"

namespace hadal::dist {
namespace {

constexpr std::int64_t kCols = 400;
constexpr std::int64_t kWord = sizeof(std::int64_t), kBins = linalg::FixedPointSum::kBins;

/// The counters of every rank, which must not differ.
SvdCounters counters_of(const matrix::RowSource& a, int ranks, const SvdOptions& options) {
  std::vector<SvdCounters> all(static_cast<std::size_t>(ranks));
  run_ranks(ranks, [&](Communicator& comm) {
    all[static_cast<std::size_t>(comm.rank())] = svd(comm, a, options).counters;
  });
  for (const SvdCounters& each : all) {
    EXPECT_EQ(each.all_reduce_bytes, all.front().all_reduce_bytes);
    EXPECT_EQ(each.all_reduce_bytes_per_pass, all.front().all_reduce_bytes_per_pass);
  }
  return all.front();
}

TEST(SvdAllReduce, OfAKrylovPassIsAWordForEveryEntryOfTheBlockWhateverRowsAndRanks) {
  SvdOptions options;
  options.target.components = 20;
  options.passes = 3;  // two of Krylov, the finish
  constexpr std::int64_t kBlock = 32;
  // The block and its histogram; in the first pass the squares of all entries, in two words.
  constexpr std::int64_t kPass = kWord * (kCols * kBlock + kBins);
  constexpr std::int64_t kFirst = kPass + kWord * (2 + kBins);
  // The finish: Y^T Y of 22 columns, its diagonal once more in two words, ten probes.
  constexpr std::int64_t kFinish =
      kWord * (22 * 23 / 2 + kBins + 22 * 2 + kBins + kCols * 10 + kBins);
  for (const std::int64_t rows : {1500, 4000}) {
    const matrix::MemoryRows a = float_rows_of(normal_matrix(rows, kCols, 1));
    for (const int ranks : {1, 2, 4}) {
      const SvdCounters found = counters_of(a, ranks, options);
      EXPECT_EQ(found.all_reduce_bytes_per_pass, ranks == 1 ? 0 : kFirst)
          << rows << " rows, " << ranks << " ranks";
      EXPECT_EQ(found.all_reduce_bytes, ranks == 1 ? 0 : kFirst + kPass + kFinish);
    }
  }
}

TEST(SvdAllReduce, OfAGramMatrixIsAWordForEveryEntryOfItsTriangleWhateverRowsAndRanks) {
  SvdOptions options;
  options.target.components = 20;
  options.exact = true;
  constexpr std::int64_t kGram = kWord * (kCols * (kCols + 1) / 2 + kBins);
  // No probes: T^T T is known.
  constexpr std::int64_t kFinish = kWord * (32 * 33 / 2 + kBins + 32 * 2 + kBins);
  for (const std::int64_t rows : {1500, 4000}) {
    const matrix::MemoryRows a = float_rows_of(normal_matrix(rows, kCols, 1));
    for (const int ranks : {1, 2, 4}) {
      const SvdCounters found = counters_of(a, ranks, options);
      EXPECT_EQ(found.all_reduce_bytes_per_pass, ranks == 1 ? 0 : kGram)
          << rows << " rows, " << ranks << " ranks";
      EXPECT_EQ(found.all_reduce_bytes, ranks == 1 ? 0 : kGram + kFinish);
    }
  }
}

}  // namespace
}  // namespace hadal::dist
