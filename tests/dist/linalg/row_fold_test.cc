#include "dist/linalg/row_fold.h"

#include <atomic>
#include <numeric>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/random.h"
#include "dist/thread_communicator.h"

namespace hadal::dist {
namespace {

double term(std::int64_t row) {
  return random::normal({3, random::Purpose::kTest}, static_cast<std::uint64_t>(row));
}

std::vector<double> sum_of_rows(Communicator& comm, std::int64_t rows, std::int64_t rows_per_leaf,
                                int threads) {
  FoldSteps steps;
  steps.length = 2;
  steps.leaf = [](int, std::int64_t first, std::int64_t count, std::span<double> node) {
    for (std::int64_t i = first; i < first + count; ++i) {
      node[0] += term(i);
      node[1] += 1;
    }
  };
  return fold_leaves(comm, {.rows = rows, .rows_per_leaf = rows_per_leaf}, threads, steps);
}

TEST(RowFold, GivesTheSameBitsForAnyRanksAndThreads) {
  for (const std::int64_t rows : {0, 1, 6, 7, 50, 1001}) {
    std::vector<double> alone;
    run_ranks(1, [&](Communicator& comm) { alone = sum_of_rows(comm, rows, 7, 1); });
    EXPECT_EQ(alone[1], static_cast<double>(rows));
    for (const int ranks : {1, 2, 3, 4, 5, 8})
      for (const int threads : {1, 2, 3})
        run_ranks(ranks, [&](Communicator& comm) {
          const auto sum = sum_of_rows(comm, rows, 7, threads);
          EXPECT_EQ(sum, comm.rank() == 0 ? alone : std::vector<double>())
              << rows << " rows, " << ranks << " ranks, " << threads << " threads";
        });
  }
}

TEST(RowFold, MergesNeighboursOfTheTreeOnly) {
  // A node is the half-open range of leaves it covers.
  for (const int ranks : {1, 2, 3, 4, 8})
    run_ranks(ranks, [&](Communicator& comm) {
      FoldSteps steps;
      steps.length = 2;
      steps.leaf = [](int, std::int64_t first, std::int64_t, std::span<double> node) {
        node[0] = static_cast<double>(first);
        node[1] = static_cast<double>(first + 1);
      };
      steps.merge = [](std::span<double> left, std::span<double> right) {
        EXPECT_EQ(left[1], right[0]);
        const auto first = static_cast<std::int64_t>(left[0]);
        const auto size = static_cast<std::int64_t>(left[1]) - first;
        EXPECT_EQ(size & (size - 1), 0) << "left nodes are whole";
        EXPECT_EQ(first % (2 * size), 0);
        left[1] = right[1];
      };
      const auto root = fold_leaves(comm, {.rows = 23, .rows_per_leaf = 1}, 2, steps);
      EXPECT_EQ(root, comm.rank() == 0 ? std::vector<double>({0, 23}) : std::vector<double>());
    });
}

TEST(RowFold, EveryRowIsVisitedOnceAndTheLeavesOfARankAreItsOwn) {
  for (const int ranks : {1, 3, 8}) {
    std::vector<std::atomic<int>> visits(40);
    run_ranks(ranks, [&](Communicator& comm) {
      const RowLeaves leaves{.rows = 40, .rows_per_leaf = 6};
      for_each_leaf(comm, leaves, 2, [&](int thread, std::int64_t first, std::int64_t rows) {
        EXPECT_TRUE(thread == 0 || thread == 1);
        EXPECT_EQ(leaves.owner_of(first / 6, ranks), comm.rank());
        for (std::int64_t i = first; i < first + rows; ++i) ++visits[static_cast<std::size_t>(i)];
      });
    });
    for (const auto& count : visits) EXPECT_EQ(count, 1);
  }
}

TEST(RowFold, AnErrorOfOneThreadComesOutOnce) {
  run_ranks(1, [](Communicator& comm) {
    EXPECT_THROW(for_each_leaf(comm, {.rows = 100, .rows_per_leaf = 1}, 3,
                               [](int, std::int64_t first, std::int64_t) {
                                 if (first % 10 == 9) throw DataError("row");
                               }),
                 DataError);
  });
}

}  // namespace
}  // namespace hadal::dist
