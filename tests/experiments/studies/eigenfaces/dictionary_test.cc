#include "experiments/studies/eigenfaces/dictionary.h"

#include <cmath>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/linalg/dense.h"
#include "experiments/studies/eigenfaces/encoding.h"
#include "experiments/studies/eigenfaces/sparse_code.h"
#include "tests/experiments/studies/eigenfaces/made_faces.h"

namespace hadal::eigenfaces {
namespace {

using linalg::DenseMatrix;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

double draw(std::uint64_t what, std::uint64_t index) {
  return random::normal({11, random::Purpose::kTest, what}, index);
}

DenseMatrix true_atoms() {
  DenseMatrix atoms(15, 12);
  for (std::int64_t j = 0; j < atoms.rows; ++j) {
    double squared = 0;
    for (std::int64_t i = 0; i < atoms.cols; ++i) {
      atoms(j, i) = draw(1, static_cast<std::uint64_t>(j * 12 + i));
      squared += atoms(j, i) * atoms(j, i);
    }
    for (double& value : atoms.row(j)) value /= std::sqrt(squared);
  }
  return atoms;
}

// Each the sum of two of the true atoms.
DenseMatrix examples(std::int64_t count) {
  const DenseMatrix atoms = true_atoms();
  DenseMatrix made(count, atoms.cols);
  for (std::int64_t i = 0; i < count; ++i)
    for (std::uint64_t part = 0; part < 2; ++part) {
      const auto index = static_cast<std::uint64_t>(2 * i) + part;
      const std::int64_t atom = random::below({11, random::Purpose::kTest, 2}, 15, index);
      const double value = 1 + std::abs(draw(3, index));
      for (std::int64_t c = 0; c < atoms.cols; ++c) made(i, c) += value * atoms(atom, c);
    }
  return made;
}

void expect_unit_atoms(const Dictionary& dictionary) {
  for (std::int64_t j = 0; j < dictionary.atoms.rows; ++j) {
    double squared = 0;
    for (const double value : dictionary.atoms.row(j)) squared += value * value;
    EXPECT_NEAR(squared, 1, 1e-9) << j;
  }
}

// How many true atoms some learnt atom is nearly parallel to.
int found(const Dictionary& dictionary) {
  const DenseMatrix atoms = true_atoms();
  int count = 0;
  for (std::int64_t j = 0; j < atoms.rows; ++j) {
    double most = 0;
    for (std::int64_t l = 0; l < dictionary.atoms.rows; ++l) {
      double cosine = 0;
      for (std::int64_t c = 0; c < atoms.cols; ++c) cosine += atoms(j, c) * dictionary.atoms(l, c);
      most = std::max(most, std::abs(cosine));
    }
    count += most > 0.99;
  }
  return count;
}

TEST(Ksvd, NeverRaisesTheError) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Dictionary learnt =
        learn_ksvd(examples(300), {.atoms = 15, .nonzeros = 2, .iterations = 25, .seed = seed});
    for (std::size_t i = 1; i < learnt.errors.size(); ++i)
      EXPECT_LE(learnt.errors[i], learnt.errors[i - 1] * (1 + 1e-12)) << "seed " << seed;
    expect_unit_atoms(learnt);
  }
}

TEST(Ksvd, FindsTheAtomsThatExamplesAreMadeOf) {
  // Aharon et al. find 90 % of theirs; local minima keep the rest.
  EXPECT_GE(found(learn_ksvd(examples(600), {.atoms = 15, .nonzeros = 2, .iterations = 40})), 12);
}

TEST(OnlineDictionary, ComesNearerToTheExamples) {
  const Dictionary learnt =
      learn_online(examples(600), {.atoms = 15, .lambda = 0.1, .batch = 32, .epochs = 20});
  // The lasso itself leaves about lambda of each coefficient.
  EXPECT_LT(learnt.errors.back(), 0.7 * learnt.errors.front());
  expect_unit_atoms(learnt);
  EXPECT_GE(found(learnt), 12);
}

TEST(Dictionary, OfMoreAtomsThanExamplesIsRefused) {
  EXPECT_THAT([] { learn_ksvd(examples(10), {.atoms = 11}); },
              ThrowsMessage<ConfigError>(HasSubstr("11 atoms of 10 examples")));
  EXPECT_THROW(learn_online(DenseMatrix(10, 3), {.atoms = 2}), ConfigError);  // all flat
}

TEST(Patches, AndWholePicturesHaveNoMean) {
  const Pictures faces = made_faces(2, 3);
  for (const int side : {0, 5}) {
    const DenseMatrix patches = patches_of(faces, side, 40, 1);
    EXPECT_EQ(patches.rows, side == 0 ? 6 : 40);
    EXPECT_EQ(patches.cols, side == 0 ? 143 : 25);
    for (std::int64_t i = 0; i < patches.rows; ++i) {
      double sum = 0;
      for (const double value : patches.row(i)) sum += value;
      EXPECT_NEAR(sum, 0, 1e-9);
    }
  }
}

TEST(Patches, LargerThanThePicturesAreRefused) {
  EXPECT_THROW(patches_of(made_faces(2, 3), 12, 40, 1), ConfigError);
}

TEST(EncodingError, OfPrincipalAxesIsWhatTheyLeaveOut) {
  const DenseMatrix made = examples(200);
  const PrincipalAxes axes = principal_axes(made, 12);
  DenseMatrix centred = made;
  for (std::int64_t i = 0; i < made.rows; ++i)
    for (std::int64_t c = 0; c < made.cols; ++c)
      centred(i, c) -= axes.mean[static_cast<std::size_t>(c)];
  double before = 1e9;
  for (int kept = 1; kept <= 12; ++kept) {
    const double error = encoding_error(centred, axes, kept, false);
    EXPECT_LT(error, before);
    EXPECT_LE(encoding_error(centred, axes, kept, true),
              error + 1e-12);  // the largest, freely chosen
    before = error;
  }
  EXPECT_NEAR(before, 0, 1e-6);
}

TEST(EncodingError, OfADictionaryThatExamplesAreMadeOfIsNothing) {
  const DenseMatrix atoms = true_atoms();
  EXPECT_LT(encoding_error(examples(50), SparseCoder(atoms), 12, Pursuit::kOmp), 1e-6);
  EXPECT_LT(encoding_error(examples(50), SparseCoder(atoms), 12, Pursuit::kLasso), 1e-6);
}

TEST(PrincipalAxes, AreTheSameFromEitherSide) {
  const DenseMatrix made = examples(10);  // fewer than 12 columns
  const PrincipalAxes few = principal_axes(made, 9);
  const DenseMatrix gram = linalg::multiply_transposed_right(few.axes, few.axes);
  for (std::int64_t i = 0; i < 9; ++i)
    for (std::int64_t j = 0; j < 9; ++j) EXPECT_NEAR(gram(i, j), i == j ? 1 : 0, 1e-9);
}

}  // namespace
}  // namespace hadal::eigenfaces
