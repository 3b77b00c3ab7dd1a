#include "experiments/studies/eigenfaces/sparse_code.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>

#include "core/base/random.h"
#include "core/linalg/dense.h"

namespace hadal::eigenfaces {
namespace {

using linalg::DenseMatrix;
using ::testing::DoubleNear;
using ::testing::IsEmpty;
using ::testing::Pointwise;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// p random unit vectors of n values.
DenseMatrix made_atoms(int p, int n) {
  DenseMatrix atoms(p, n);
  for (std::int64_t j = 0; j < p; ++j) {
    double squared = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      atoms(j, i) =
          random::normal({3, random::Purpose::kTest, 1}, static_cast<std::uint64_t>(j * n + i));
      squared += atoms(j, i) * atoms(j, i);
    }
    for (double& value : atoms.row(j)) value /= std::sqrt(squared);
  }
  return atoms;
}

std::vector<double> correlations_of(const SparseCoder& coder, const std::vector<double>& x) {
  DenseMatrix signal(1, static_cast<std::int64_t>(x.size()));
  signal.values = x;
  return coder.correlations(signal).values;
}

class SparseCodes : public testing::Test {
 protected:
  const DenseMatrix atoms = made_atoms(80, 50);
  const SparseCoder coder{atoms};
  const SparseCode truth{.atoms = {3, 41, 77, 12}, .values = {2, -1.5, 1, 0.8}};
  const std::vector<double> x = coder.decode(truth);
  const std::vector<double> c = correlations_of(coder, x);

  // Value of every atom.
  std::vector<double> spread(const SparseCode& code) const {
    std::vector<double> all(80);
    for (std::size_t i = 0; i < code.atoms.size(); ++i)
      all[static_cast<std::size_t>(code.atoms[i])] = code.values[i];
    return all;
  }
};

TEST_F(SparseCodes, OmpRecoversASparseCode) {
  const SparseCode code = coder.omp(c, 4);
  EXPECT_THAT(code.atoms, UnorderedElementsAre(3, 41, 77, 12));
  EXPECT_THAT(spread(code), Pointwise(DoubleNear(1e-12), spread(truth)));
}

TEST_F(SparseCodes, OmpStopsWhereNothingIsLeft) {
  EXPECT_THAT(coder.omp(c, 50).atoms, SizeIs(4));
  EXPECT_THAT(coder.omp(std::vector<double>(80), 5).atoms, IsEmpty());
}

TEST_F(SparseCodes, WhatOmpLeavesIsOrthogonalToTheAtomsTaken) {
  std::vector<double> y = x;
  for (std::size_t i = 0; i < y.size(); ++i)
    y[i] += 0.3 * random::normal({4, random::Purpose::kTest, 2}, i);
  const SparseCode code = coder.omp(correlations_of(coder, y), 6);
  std::vector<double> left = y;
  const std::vector<double> decoded = coder.decode(code);
  for (std::size_t i = 0; i < left.size(); ++i) left[i] -= decoded[i];
  const std::vector<double> still = correlations_of(coder, left);
  for (const int atom : code.atoms) EXPECT_NEAR(still[static_cast<std::size_t>(atom)], 0, 1e-12);
}

TEST_F(SparseCodes, TheLassoMeetsItsOptimalityConditions) {
  // |d_j . left| <= lambda, with equality and the sign of a_j where a_j is not 0.
  for (const double lambda : {1.0, 0.5, 0.2, 0.05, 0.01}) {
    const SparseCode code = coder.lasso(c, lambda, 80);
    std::vector<double> left = x;
    const std::vector<double> decoded = coder.decode(code);
    for (std::size_t i = 0; i < left.size(); ++i) left[i] -= decoded[i];
    const std::vector<double> still = correlations_of(coder, left);
    for (const double s : still) EXPECT_LE(std::abs(s), lambda + 1e-9);
    for (std::size_t i = 0; i < code.atoms.size(); ++i)
      EXPECT_NEAR(still[static_cast<std::size_t>(code.atoms[i])],
                  code.values[i] > 0 ? lambda : -lambda, 1e-9);
  }
}

TEST_F(SparseCodes, TheLassoOfOrthonormalAtomsShrinksCorrelations) {
  const DenseMatrix identity = linalg::identity(6);
  const SparseCoder axes(identity);
  const std::vector<double> y{3, -2, 0.5, 0, 1.5, -0.9};
  const SparseCode code = axes.lasso(y, 1, 6);
  std::vector<double> all(6);
  for (std::size_t i = 0; i < code.atoms.size(); ++i)
    all[static_cast<std::size_t>(code.atoms[i])] = code.values[i];
  EXPECT_THAT(all, Pointwise(DoubleNear(1e-12), std::vector<double>{2, -1, 0, 0, 0.5, 0}));
}

TEST_F(SparseCodes, TheLassoKeepsToItsNumberOfAtoms) {
  for (int nonzeros = 0; nonzeros < 6; ++nonzeros)
    EXPECT_LE(static_cast<int>(coder.lasso(c, 0, nonzeros).atoms.size()), nonzeros);
  // Refitted, the four atoms of the truth give it back.
  const SparseCode code = coder.refitted(coder.lasso(c, 0, 4), c);
  EXPECT_THAT(spread(code), Pointwise(DoubleNear(1e-9), spread(truth)));
}

TEST_F(SparseCodes, AboveTheLargestCorrelationTheLassoIsNothing) {
  const double most =
      std::abs(*std::ranges::max_element(c, {}, [](double v) { return std::abs(v); }));
  EXPECT_THAT(coder.lasso(c, most * 1.001, 80).atoms, IsEmpty());
  EXPECT_THAT(coder.lasso(c, most * 0.999, 80).atoms, SizeIs(1));
}

}  // namespace
}  // namespace hadal::eigenfaces
