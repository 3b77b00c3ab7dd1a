// What svd() gives, against LAPACK on matrices of known spectrum.
#include "dist/linalg/svd.h"

#include <cmath>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/linalg/dense.h"
#include "core/matrix/memory_rows.h"
#include "dist/self_communicator.h"
#include "tests/dist/linalg/kept_scores.h"
#include "tests/dist/linalg/made_matrix.h"

namespace hadal::dist {
namespace {

using linalg::DenseMatrix;
using matrix::MemoryRows;
using testing::HasSubstr;

struct Whole {
  SvdResult result;
  DenseMatrix scores;  // U diag(sigma)

  DenseMatrix product() const { return linalg::multiply(scores, result.components); }
  DenseMatrix u() const {
    DenseMatrix u = scores;
    for (std::int64_t i = 0; i < u.rows; ++i)
      for (std::int64_t j = 0; j < u.cols; ++j)
        u(i, j) /= result.singular_values[static_cast<std::size_t>(j)];
    return u;
  }
};

Whole factorise(const matrix::RowSource& a, const SvdOptions& options) {
  const auto comm = make_self_communicator();
  KeptScores kept(
      a.rows(), options.target.components.value_or(static_cast<int>(std::min(a.rows(), a.cols()))));
  Whole whole;
  whole.result = svd(*comm, a, options, &kept);
  whole.scores = DenseMatrix(a.rows(), whole.result.k);
  // k is what the sink was handed, row by row.
  whole.scores.values.assign(kept.scores.values.begin(),
                             kept.scores.values.begin() + a.rows() * whole.result.k);
  return whole;
}

SvdOptions of(int k) {
  SvdOptions options;
  options.target.components = k;
  return options;
}

double from_identity(const DenseMatrix& q) {
  const DenseMatrix product = linalg::self_product(q);
  double largest = 0;
  for (std::int64_t i = 0; i < product.rows; ++i)
    for (std::int64_t j = 0; j < product.cols; ++j)
      largest = std::max(largest, std::abs(product(i, j) - (i == j ? 1 : 0)));
  return largest;
}

void expect_as_good_as_possible(const MemoryRows& a, const DenseMatrix& exact,
                                const std::vector<double>& sigma, const SvdOptions& options,
                                double sigma_tolerance, double orthogonality) {
  const int k = *options.target.components;
  const Whole found = factorise(a, options);
  ASSERT_EQ(found.result.k, k);
  const double best =
      static_cast<std::size_t>(k) < sigma.size() ? sigma[static_cast<std::size_t>(k)] : 0;
  EXPECT_LE(spectral_distance(exact, found.product()), 1.001 * best + 2e-6 * sigma[0]);
  for (std::size_t i = 0; i < static_cast<std::size_t>(k); ++i)
    if (sigma[i] >= 3e-3 * sigma[0]) {
      EXPECT_NEAR(found.result.singular_values[i] / sigma[i], 1, sigma_tolerance) << i;
    }
  EXPECT_LE(from_identity(found.u()), orthogonality);
  EXPECT_LE(from_identity(linalg::transpose(found.result.components)), orthogonality);
  EXPECT_TRUE(found.result.certificate.valid);
  // The bound holds, and what is called the best possible is below it.
  EXPECT_GE(found.result.certificate.error_bound * (1 + 1e-6),
            spectral_distance(exact, found.product()) - 2e-6 * sigma[0]);
  EXPECT_LE(found.result.certificate.best_possible_least, best * (1 + 1e-6));
}

class SvdOfKnownSpectrum : public testing::TestWithParam<bool> {
 protected:
  static std::vector<double> spectrum(std::int64_t n) {
    return GetParam() ? fast_spectrum(n) : slow_spectrum(n);
  }
};
INSTANTIATE_TEST_SUITE_P(, SvdOfKnownSpectrum, testing::Bool(),
                         [](const auto& info) { return info.param ? "Fast" : "Slow"; });

TEST_P(SvdOfKnownSpectrum, ByTheGramMatrixInFloat32) {
  const auto sigma = spectrum(150);
  const DenseMatrix a = matrix_of_spectrum(900, 150, sigma, 1);
  SvdOptions options = of(50);
  options.exact = true;
  // float32 rounds the matrix by 6e-8 an entry, and k chains of products likewise.
  expect_as_good_as_possible(float_rows_of(a), a, sigma, options, 1e-6, 2e-6);
}

TEST_P(SvdOfKnownSpectrum, ByTheGramMatrixInFloat64) {
  const auto sigma = spectrum(150);
  const DenseMatrix a = matrix_of_spectrum(900, 150, sigma, 1);
  SvdOptions options = of(50);
  options.exact = true;
  options.precision = Precision::kFloat64;
  expect_as_good_as_possible(MemoryRows(a.values, 900, 150), a, sigma, options, 1e-10, 1e-10);
}

TEST_P(SvdOfKnownSpectrum, ByBlockKrylov) {
  const auto sigma = spectrum(400);
  const DenseMatrix a = matrix_of_spectrum(1000, 400, sigma, 2);
  SvdOptions options = of(20);
  const MemoryRows rows = float_rows_of(a);
  const Whole found = factorise(rows, options);
  // A flat spectrum is given up on after two passes while a Gram matrix is cheap.
  EXPECT_EQ(found.result.plan.path, GetParam() ? SvdPath::kKrylov : SvdPath::kGram);
  expect_as_good_as_possible(rows, a, sigma, options, 1e-6, 2e-6);
}

/// The sine of the largest angle between the spans of two sets of orthonormal columns.
double largest_sine(const DenseMatrix& q, const DenseMatrix& of) {
  const DenseMatrix inside = linalg::multiply(q, linalg::multiply_transposed_left(q, of));
  DenseMatrix outside = of;
  for (std::size_t i = 0; i < outside.values.size(); ++i) outside.values[i] -= inside.values[i];
  return linalg::dense_svd(outside).sigma[0];
}

/// |B X - Y diag(sigma)|
double residual_norm(const DenseMatrix& b, const DenseMatrix& x, const DenseMatrix& y,
                     const std::vector<double>& sigma) {
  DenseMatrix r = linalg::multiply(b, x);
  for (std::int64_t i = 0; i < r.rows; ++i)
    for (std::int64_t j = 0; j < r.cols; ++j)
      r(i, j) -= y(i, j) * sigma[static_cast<std::size_t>(j)];
  return linalg::dense_svd(r).sigma[0];
}

// Wedin 1972: with R = A V' - U' S', Q = A^T U' - V' S' and a gap between the smallest of S' and
// the first singular value left out, sin of the angles of U and V <= max(|R|, |Q|) / gap.
TEST_P(SvdOfKnownSpectrum, TheAnglesOfItsSubspacesAreWithinResidualOverGap) {
  constexpr int k = 20;
  for (const bool exact : {true, false}) {
    const DenseMatrix made = matrix_of_spectrum(900, 300, spectrum(300), 4);
    const MemoryRows rows = float_rows_of(made);
    DenseMatrix a = made;  // as it was rounded
    for (double& value : a.values) value = static_cast<float>(value);
    SvdOptions options = of(k);
    options.exact = exact;
    if (!exact) options.passes = 4;
    const Whole found = factorise(rows, options);
    EXPECT_EQ(found.result.plan.path, exact ? SvdPath::kGram : SvdPath::kKrylov);
    const DenseMatrix u = found.u(), v = linalg::transpose(found.result.components);
    const std::vector<double>& sigma = found.result.singular_values;
    const linalg::DenseSvd truth = linalg::dense_svd(a);
    const double bound =
        std::max(residual_norm(a, v, u, sigma), residual_norm(linalg::transpose(a), u, v, sigma)) /
        (sigma.back() - truth.sigma[k]);
    // Columns are orthonormal up to 2e-6.
    EXPECT_LE(largest_sine(linalg::columns(truth.u, 0, k), u), bound + 2e-6);
    EXPECT_LE(largest_sine(linalg::columns(truth.v, 0, k), v), bound + 2e-6);
    // Exact: float32 leaves some 1e-7 of sigma_1, over a gap of 5e-3. A flat spectrum after four
    // passes has residuals like its gap, and only that they bound the angle can be said.
    if (exact || GetParam()) {
      EXPECT_LE(bound, 2e-4);
    }
  }
}

TEST_P(SvdOfKnownSpectrum, ByBlockKrylovWithFactorsOfEightBits) {
  const auto sigma = spectrum(400);
  const DenseMatrix a = matrix_of_spectrum(1000, 400, sigma, 2);
  SvdOptions options = of(20);
  options.precision = Precision::kMixed;
  // The finish is in float32: what is found is orthonormal, and its values are right to the square
  // of the angle that the passes before leave.
  expect_as_good_as_possible(float_rows_of(a), a, sigma, options, 1e-4, 2e-6);
}

TEST_P(SvdOfKnownSpectrum, OfAMatrixWiderThanTall) {
  const auto sigma = spectrum(120);
  const DenseMatrix a = matrix_of_spectrum(120, 1100, sigma, 3);
  expect_as_good_as_possible(float_rows_of(a), a, sigma, of(30), 1e-6, 2e-6);
}

TEST(Svd, OfPixelsIsExactInTheGramMatrix) {
  std::vector<std::uint8_t> pixels;
  for (int i = 0; i < 700 * 64; ++i)
    pixels.push_back(static_cast<std::uint8_t>((i * 7919 + i / 64 * 31) % 251));
  DenseMatrix a(700, 64);
  a.values.assign(pixels.begin(), pixels.end());
  const auto sigma = linalg::dense_svd(a).sigma;
  expect_as_good_as_possible(MemoryRows(pixels, 700, 64), a, sigma, of(10), 1e-6, 2e-6);
}

TEST(Svd, CentresWithoutCancellation) {
  // Means a thousand times the deviations.
  DenseMatrix a = matrix_of_spectrum(2000, 40, slow_spectrum(40), 4);
  DenseMatrix centred = a;
  for (std::int64_t j = 0; j < 40; ++j) {
    double mean = 0;
    for (std::int64_t i = 0; i < 2000; ++i) mean += a(i, j) / 2000;
    for (std::int64_t i = 0; i < 2000; ++i) {
      centred(i, j) -= mean;
      a(i, j) += 20 + static_cast<double>(j);
    }
  }
  const auto sigma = linalg::dense_svd(centred).sigma;
  for (const bool wide_precision : {false, true}) {
    SvdOptions options = of(10);
    options.centre = true;
    options.precision = wide_precision ? Precision::kFloat64 : Precision::kFloat32;
    const auto found = factorise(MemoryRows(a.values, 2000, 40), options).result;
    ASSERT_EQ(found.mean.size(), 40u);
    for (std::size_t i = 0; i < 10; ++i)
      EXPECT_NEAR(found.singular_values[i] / sigma[i], 1, wide_precision ? 1e-10 : 1e-5);
  }
}

TEST(Svd, ScalesColumnsToDeviationOneAndLeavesConstantOnesAtZero) {
  DenseMatrix a = matrix_of_spectrum(600, 30, slow_spectrum(30), 5);
  for (std::int64_t i = 0; i < 600; ++i) {
    a(i, 3) = 7;
    a(i, 4) *= 1000;
  }
  DenseMatrix scaled = a;
  for (std::int64_t j = 0; j < 30; ++j) {
    double mean = 0, square = 0;
    for (std::int64_t i = 0; i < 600; ++i) mean += a(i, j) / 600;
    for (std::int64_t i = 0; i < 600; ++i) square += (a(i, j) - mean) * (a(i, j) - mean);
    for (std::int64_t i = 0; i < 600; ++i)
      scaled(i, j) = square > 1e-20 ? (a(i, j) - mean) / std::sqrt(square / 599) : 0;
  }
  const auto sigma = linalg::dense_svd(scaled).sigma;
  SvdOptions options = of(8);
  options.centre = options.scale = true;
  for (const bool wide : {false, true}) {
    options.precision = wide ? Precision::kFloat64 : Precision::kFloat32;
    const SvdResult found = factorise(MemoryRows(a.values, 600, 30), options).result;
    for (std::size_t i = 0; i < 8; ++i)
      EXPECT_NEAR(found.singular_values[i] / sigma[i], 1, wide ? 1e-9 : 1e-5) << i;
    EXPECT_EQ(found.scale[3], 0);
    // Vectors are orthonormal to the rounding of float64.
    for (std::int64_t i = 0; i < 8; ++i) EXPECT_NEAR(found.components(i, 3), 0, 1e-14);
  }
}

TEST(Svd, AConstantColumnThatFloat32DoesNotHoldIsConstant) {
  DenseMatrix a = normal_matrix(600, 30, 5);
  for (std::int64_t i = 0; i < 600; ++i) a(i, 3) = 0.3;
  SvdOptions options = of(8);
  options.precision = Precision::kFloat64;
  options.scale = true;
  for (const bool centre : {false, true}) {
    options.centre = centre;
    const SvdResult found = factorise(MemoryRows(a.values, 600, 30), options).result;
    EXPECT_EQ(found.scale[3], 0);
    EXPECT_NEAR(found.frobenius_squared, 29.0 * 599, centre ? 1e-8 : 200);
  }
}

// Means a million deviations from zero: sums of squares about zero would leave four digits.
TEST(Svd, DeviationsOfColumnsThatAreNotCentredKeepTheirDigits) {
  constexpr std::int64_t kLong = 3000, kWide = 30;
  DenseMatrix a = normal_matrix(kLong, kWide, 5);
  for (double& value : a.values) value += 1e6;
  SvdOptions options = of(3);
  options.precision = Precision::kFloat64;
  options.scale = true;
  const SvdResult found = factorise(MemoryRows(a.values, kLong, kWide), options).result;
  double frobenius = 0;
  for (std::int64_t j = 0; j < kWide; ++j) {
    double mean = 0, centred = 0, square = 0;
    for (std::int64_t i = 0; i < kLong; ++i) mean += (a(i, j) - 1e6) / kLong;
    for (std::int64_t i = 0; i < kLong; ++i) {
      centred += std::pow(a(i, j) - 1e6 - mean, 2);
      square += a(i, j) * a(i, j);
    }
    const double deviation = std::sqrt(centred / (kLong - 1));
    EXPECT_NEAR(found.scale[static_cast<std::size_t>(j)] / deviation, 1, 1e-10) << j;
    frobenius += square / (deviation * deviation);
  }
  EXPECT_NEAR(found.frobenius_squared / frobenius, 1, 1e-10);
}

// 240 columns: Krylov is tried first, unless the spectrum is known to be flat.
TEST(Svd, ASampleOfTheRowsTellsAFlatSpectrumBeforeTheFirstPass) {
  constexpr std::int64_t kLong = 80 * 256;
  const DenseMatrix noise = normal_matrix(kLong, 240, 9);
  const Whole flat = factorise(float_rows_of(noise), of(5));
  EXPECT_EQ(flat.result.plan.path, SvdPath::kGram);
  EXPECT_THAT(flat.result.plan.reason, HasSubstr("sample"));
  EXPECT_EQ(flat.result.counters.passes, 2);

  DenseMatrix left(kLong, 8);
  std::copy_n(noise.values.begin(), left.values.size(), left.values.begin());
  const Whole steep =
      factorise(float_rows_of(linalg::multiply(left, normal_matrix(8, 240, 10))), of(5));
  EXPECT_EQ(steep.result.plan.path, SvdPath::kKrylov);
}

TEST(Svd, ARankBelowWhatIsAskedForHasSingularValuesOfZero) {
  const DenseMatrix a = matrix_of_spectrum(500, 60, {3, 2, 1}, 6);
  const SvdResult found = factorise(MemoryRows(a.values, 500, 60), of(5)).result;
  EXPECT_NEAR(found.singular_values[2], 1, 1e-6);
  EXPECT_LE(found.singular_values[3], 1e-6);
  EXPECT_LE(found.certificate.frobenius_error, 1e-3);
}

// Lying down, the components are A^T u / sigma, which says nothing where sigma is 0.
TEST(Svd, BeyondTheRankComponentsAreOrthonormalAllTheSame) {
  const DenseMatrix a = matrix_of_spectrum(60, 500, {3, 2, 1}, 6);
  for (const DenseMatrix& each : {a, linalg::transpose(a)}) {
    const Whole found = factorise(MemoryRows(each.values, each.rows, each.cols), of(5));
    EXPECT_EQ(found.result.rank, 3);
    EXPECT_LE(from_identity(linalg::transpose(found.result.components)), 2e-6);
    // eps of float32, of sigma_1 and some.
    EXPECT_LE(spectral_distance(each, found.product()), 2e-6);
  }
  const DenseMatrix nothing(4, 9);
  const SvdResult zero = factorise(MemoryRows(nothing.values, 4, 9), of(4)).result;
  EXPECT_EQ(zero.rank, 0);
  EXPECT_LE(from_identity(linalg::transpose(zero.components)), 1e-12);
}

TEST(Svd, OfTheSmallestMatrices) {
  EXPECT_NEAR(factorise(MemoryRows(std::vector<float>{-3}, 1, 1), of(1)).result.singular_values[0],
              3, 1e-6);
  EXPECT_NEAR(
      factorise(MemoryRows(std::vector<float>{3, 4}, 2, 1), of(1)).result.singular_values[0], 5,
      1e-6);
  EXPECT_NEAR(
      factorise(MemoryRows(std::vector<float>{3, 4}, 1, 2), of(1)).result.singular_values[0], 5,
      1e-6);
  EXPECT_EQ(factorise(MemoryRows(std::vector<float>(12), 4, 3), of(2)).result.singular_values[0],
            0);
}

TEST(Svd, TheLargestEntryOfAComponentIsPositive) {
  const DenseMatrix a = matrix_of_spectrum(400, 50, fast_spectrum(50), 7);
  for (const bool wide : {false, true}) {
    const DenseMatrix& m = wide ? linalg::transpose(a) : a;
    const SvdResult found = factorise(float_rows_of(m), of(6)).result;
    for (std::int64_t i = 0; i < 6; ++i) {
      double largest = 0;
      for (const double value : found.components.row(i))
        if (std::abs(value) > std::abs(largest)) largest = value;
      EXPECT_GT(largest, 0);
    }
  }
}

TEST(Svd, FindsTheRankThatExplainsAShare) {
  const auto sigma = slow_spectrum(80);
  double all = 0, sum = 0;
  for (const double s : sigma) all += s * s;
  int wanted = 0;
  while (sum < 0.8 * all) sum += std::pow(sigma[static_cast<std::size_t>(wanted++)], 2);
  const DenseMatrix a = matrix_of_spectrum(700, 80, sigma, 8);
  SvdOptions options;
  options.target.explained = 0.8;
  EXPECT_EQ(factorise(float_rows_of(a), options).result.k, wanted);
  options.target.explained = 1.0;
  EXPECT_EQ(factorise(float_rows_of(a), options).result.k, 80);
}

TEST(Svd, FindsTheRankOfATolerance) {
  const auto sigma = fast_spectrum(120);  // below 0.05 from the 28th on
  const DenseMatrix a = matrix_of_spectrum(700, 120, sigma, 9);
  SvdOptions options;
  options.target.tolerance = 0.05;
  const Whole found = factorise(float_rows_of(a), options);
  EXPECT_LE(found.result.certificate.error_bound, 0.05 * sigma[0]);
  EXPECT_LE(spectral_distance(a, found.product()), 0.05 * sigma[0]);
  EXPECT_GE(found.result.k, 27);
  EXPECT_LE(found.result.k, 30);
}

TEST(Svd, UCanBeOrthonormalWhereItsColumnsBelongToTinyValues) {
  std::vector<double> sigma;
  for (int j = 0; j < 30; ++j) sigma.push_back(std::pow(10.0, -j / 6.0));
  const DenseMatrix a = matrix_of_spectrum(900, 30, sigma, 10);
  SvdOptions options = of(25);
  options.orthonormal_u = true;
  EXPECT_LE(from_identity(factorise(float_rows_of(a), options).u()), 2e-6);
}

TEST(Svd, EveryReadIsCountedOnceAlsoWhereAStateIsKept) {
  const TemporaryFolder folder;
  SvdOptions options = of(5);
  options.checkpoint = folder.path();
  const DenseMatrix flat = matrix_of_spectrum(900, 200, slow_spectrum(200), 12);
  // Two of Krylov, which gives the spectrum up, the Gram matrix, and the finish.
  EXPECT_EQ(factorise(float_rows_of(flat), options).result.counters.passes, 4);
}

TEST(Svd, OnePassGivesFromGramWhatTwoGive) {
  const auto sigma = slow_spectrum(60);
  const MemoryRows a = float_rows_of(matrix_of_spectrum(500, 60, sigma, 11));
  SvdOptions options = of(10);
  options.passes = 1;
  const auto comm = make_self_communicator();
  const SvdResult found = svd(*comm, a, options);
  EXPECT_EQ(found.counters.passes, 1);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_NEAR(found.singular_values[i] / sigma[i], 1, 1e-5);
}

TEST(Svd, SeesWhatLiesOutsideTheRowsItSamples) {
  // Units of sums follow from four groups of 256 rows; here those are zero, the others tiny.
  const std::int64_t rows = 4096, cols = 40;
  DenseMatrix a = matrix_of_spectrum(rows, cols, slow_spectrum(cols), 12);
  for (std::int64_t i = 0; i < rows; ++i)
    for (double& value : a.row(i)) value = i % 1024 < 256 ? 0 : 1e-6f * static_cast<float>(value);
  const auto sigma = linalg::dense_svd(a).sigma;
  for (const bool wide : {false, true})
    for (const bool centre : {false, true}) {
      SvdOptions options = of(10);
      options.centre = centre && !wide;
      const MemoryRows tall = float_rows_of(wide ? linalg::transpose(a) : a);
      const Whole found = factorise(tall, options);
      for (std::size_t i = 0; i < 10 && !options.centre; ++i)
        EXPECT_NEAR(found.result.singular_values[i] / sigma[i], 1, 1e-6) << i;
      EXPECT_LE(spectral_distance(a, wide ? linalg::transpose(found.product()) : found.product()),
                1.1 * sigma[10]);
    }
}

void expect_refusal(const matrix::RowSource& a, const SvdOptions& options,
                    const std::string& text) {
  try {
    factorise(a, options);
    ADD_FAILURE() << "accepted; wanted: " << text;
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(text));
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("\n")));
  }
}

TEST(Svd, OnePassOfManyColumnsSketches) {
  // Rank three, and too many columns for a Gram matrix.
  constexpr std::int64_t kRows = 4300, kCols = 4200;
  std::vector<float> values(kRows * kCols);
  const DenseMatrix u = linalg::orthonormalise(normal_matrix(kRows, 3, 13));
  const DenseMatrix v = linalg::orthonormalise(normal_matrix(kCols, 3, 14));
  for (std::int64_t i = 0; i < kRows; ++i)
    for (std::int64_t j = 0; j < kCols; ++j)
      values[static_cast<std::size_t>(i * kCols + j)] =
          static_cast<float>(4 * u(i, 0) * v(j, 0) + 2 * u(i, 1) * v(j, 1) + u(i, 2) * v(j, 2));
  SvdOptions options = of(3);
  options.passes = 1;
  const auto comm = make_self_communicator();
  const SvdResult found = svd(*comm, MemoryRows(std::move(values), kRows, kCols), options);
  EXPECT_EQ(found.plan.path, SvdPath::kOnePass);
  EXPECT_EQ(found.counters.passes, 1);
  EXPECT_FALSE(found.certificate.valid);
  // 16 random columns of 4,200 see sigma^2 16 / 4200 = 4e-3 sigma^2, shifted by sqrt(n) eps |Z| =
  // 8e-6: sigma^2 = 1 is known to 2e-3, sigma to half of it.
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_NEAR(found.singular_values[i] / std::pow(2.0, 2.0 - static_cast<double>(i)), 1, 1e-3);
}

TEST(Svd, RefusesWhatHasNoMeaningInOneLine) {
  const MemoryRows a(std::vector<float>(20, 1.0f), 5, 4, "a.npy");
  expect_refusal(a, of(0), "a.npy: 0 components of a 5 x 4 matrix; wanted 1 to 4");
  expect_refusal(a, of(5), "wanted 1 to 4");
  expect_refusal(a, {}, "exactly one of");
  expect_refusal(MemoryRows(std::vector<float>{}, 0, 4), of(1), "no elements");
  SvdOptions once = of(1);
  once.passes = 1;
  expect_refusal(a, once, "one pass gives neither scores");
  const auto comm = make_self_communicator();
  EXPECT_THROW(svd(*comm, MemoryRows(std::vector<float>(20, 1.0f), 4, 5), once), ConfigError);
}

TEST(Svd, RefusesValuesWhoseProductsFloat32CannotHold) {
  const auto sigma = slow_spectrum(20);
  for (const double unit : {1e-26, 1e26}) {
    DenseMatrix a = matrix_of_spectrum(600, 20, sigma, 13);
    for (double& value : a.values) value *= unit;
    SvdOptions options = of(5);
    expect_refusal(float_rows_of(a), options, "take --precision float64, or other units");
    options.precision = Precision::kFloat64;
    EXPECT_NEAR(factorise(rows_of(a), options).result.singular_values[4] / unit, sigma[4], 1e-12);
  }
}

TEST(Svd, NamesTheFirstEntryThatIsNotFinite) {
  for (const bool wide : {false, true})
    for (const float odd : {NAN, INFINITY}) {
      std::vector<float> values(3000, 0.5f);
      values[1234] = odd;
      values[2500] = odd;
      if (wide)
        expect_refusal(MemoryRows(values, 3, 1000), of(2), "row 1, column 234 ");
      else
        expect_refusal(MemoryRows(values, 1000, 3), of(2), "row 411, column 1 ");
    }
}

}  // namespace
}  // namespace hadal::dist
