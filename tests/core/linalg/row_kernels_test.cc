// The kernels are judged by plain loops in float64 on the values of the block. Blocks lie in memory
// with a gap after each row that holds NaN (255 for pixels), and outputs are followed by NaN that
// must stay.
#include "core/linalg/row_kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/linalg/gaussian.h"
#include "core/linalg/mixed_kernels.h"

namespace hadal::linalg {
namespace {

using matrix::Element;

constexpr std::int64_t kGap = 3;

// Rows in memory with gaps, and the same as float64.
struct Block {
  std::vector<std::uint8_t> pixels;
  std::vector<float> floats;
  std::vector<double> doubles;
  DenseMatrix values;
  RowBlock rows;
};

Block make_block(std::int64_t rows, std::int64_t cols, Element element) {
  Block b;
  b.values = gaussian_matrix({static_cast<std::uint64_t>(100 * rows + cols)}, rows, cols);
  const std::int64_t stride = cols + kGap;
  const auto size = static_cast<std::size_t>(rows * stride);
  b.pixels.assign(size, 255);
  b.floats.assign(size, std::numeric_limits<float>::quiet_NaN());
  b.doubles.assign(size, std::numeric_limits<double>::quiet_NaN());
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < cols; ++j) {
      double& v = b.values(i, j);
      const auto at = static_cast<std::size_t>(i * stride + j);
      if (element == Element::kU8) v = std::clamp(std::round(128 + 80 * v), 0.0, 255.0);
      if (element == Element::kF32) v = static_cast<float>(v);
      b.pixels[at] = static_cast<std::uint8_t>(element == Element::kU8 ? v : 0);
      b.floats[at] = static_cast<float>(v);
      b.doubles[at] = v;
    }
  const void* data = element == Element::kU8    ? static_cast<const void*>(b.pixels.data())
                     : element == Element::kF32 ? static_cast<const void*>(b.floats.data())
                                                : static_cast<const void*>(b.doubles.data());
  b.rows = {data, element, rows, cols, stride};
  return b;
}

std::string name_of(Element e) {
  return e == Element::kU8 ? "u8" : e == Element::kF32 ? "f32" : "f64";
}
std::string name_of(Isa isa) {
  return isa == Isa::kScalar ? "scalar" : isa == Isa::kAvx2 ? "avx2" : "avx512";
}

struct Shape {
  std::int64_t rows, cols, l;
};
const std::vector<Shape> kShapes = {{1, 1, 1},     {1, 65, 7},    {256, 1, 60},   {2, 3, 16},
                                    {7, 64, 17},   {64, 100, 64}, {65, 33, 60},   {257, 40, 5},
                                    {255, 97, 33}, {256, 48, 49}, {12, 200, 130}, {13, 131, 48},
                                    {30, 61, 9}};  // with the gap 256 bytes of float32 a row
const std::vector<Element> kElements = {Element::kU8, Element::kF32, Element::kF64};

std::vector<Isa> isas() {
  std::vector<Isa> all;
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512})
    if (isa <= best_isa()) all.push_back(isa);
  return all;
}

template <typename Real>
std::vector<Real> guarded(std::int64_t size) {
  return std::vector<Real>(static_cast<std::size_t>(size + 64),
                           std::numeric_limits<Real>::quiet_NaN());
}

// Error of a chain of `terms` products whose magnitudes add up to `magnitude`.
template <typename Real>
double chain_error(std::int64_t terms, double magnitude) {
  return (static_cast<double>(terms) + 2) * std::numeric_limits<Real>::epsilon() / 2 * magnitude;
}

template <typename Real>
class RowKernelsTest : public testing::Test {
 public:
  static constexpr int kLimbs = sizeof(Real) == 4 ? 1 : 2;

  // Rows [0, 256) of a block.
  static RowBlock group(const RowBlock& t) {
    RowBlock g = t;
    g.rows = std::min<std::int64_t>(t.rows, kGroupRows);
    return g;
  }
  static DenseMatrix rounded(DenseMatrix x) {
    for (double& v : x.values) v = static_cast<Real>(v);
    return x;
  }
};

using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(RowKernelsTest, Reals);

// |actual - sum| <= error of a chain, for t (m x n), x (n x l), and -c.
template <typename Real>
void expect_product(const DenseMatrix& t, const DenseMatrix& x, const std::vector<double>& c,
                    const Real* actual, const std::string& what) {
  for (std::int64_t i = 0; i < t.rows; ++i)
    for (std::int64_t j = 0; j < x.cols; ++j) {
      double sum = -c[static_cast<std::size_t>(j)], magnitude = std::abs(sum);
      for (std::int64_t k = 0; k < x.rows; ++k) {
        sum += t(i, k) * x(k, j);
        magnitude += std::abs(t(i, k) * x(k, j));
      }
      ASSERT_NEAR(static_cast<double>(actual[i * x.cols + j]), sum,
                  2 * chain_error<Real>(x.rows, magnitude))
          << what << " at " << i << "," << j;
    }
}

TYPED_TEST(RowKernelsTest, ApplyAndFusedAreRightOnOddShapesAndTheSameOnEveryInstructionSet) {
  using Real = TypeParam;
  for (const auto& [rows, n, l] : kShapes)
    for (const Element element : kElements) {
      const std::string what = fmt::format("{}x{} {}, l {}", rows, n, name_of(element), l);
      const Block b = make_block(rows, n, element);
      const DenseMatrix x = this->rounded(gaussian_matrix({2}, n, l));
      std::vector<double> c(static_cast<std::size_t>(l));
      gaussian_row({3}, 0, 0, c);
      for (double& v : c) v = static_cast<Real>(v);
      const PackedMatrix<Real> packed(x, c);
      const RowBlock group = this->group(b.rows);
      std::vector<Real> first_y;
      std::vector<std::int64_t> first_s;
      for (const Isa isa : isas()) {
        RowKernels<Real> kernels(n, {}, isa);
        auto y = guarded<Real>(rows * l), fused_y = guarded<Real>(group.rows * l);
        kernels.apply(b.rows, packed, y.data());
        FixedPointSum s(n * l, -30, this->kLimbs);
        kernels.fused(group, packed, s, fused_y.data());
        for (std::size_t i = y.size() - 64; i < y.size(); ++i) ASSERT_TRUE(std::isnan(y[i]));
        for (std::size_t i = fused_y.size() - 64; i < fused_y.size(); ++i)
          ASSERT_TRUE(std::isnan(fused_y[i]));
        y.resize(static_cast<std::size_t>(rows * l));
        for (std::int64_t i = 0; i < group.rows * l; ++i)
          ASSERT_EQ(fused_y[static_cast<std::size_t>(i)], y[static_cast<std::size_t>(i)]) << what;
        const std::vector<std::int64_t> words(s.words().begin(), s.words().end());
        if (isa == Isa::kScalar) {
          expect_product(b.values, x, c, y.data(), what);
          for (std::int64_t k = 0; k < n; ++k)
            for (std::int64_t j = 0; j < l; ++j) {
              double sum = 0, magnitude = 0;
              for (std::int64_t i = 0; i < group.rows; ++i) {
                const double term =
                    b.values(i, k) * static_cast<double>(y[static_cast<std::size_t>(i * l + j)]);
                sum += term;
                magnitude += std::abs(term);
              }
              ASSERT_NEAR(s.value(k * l + j), sum,
                          0x1p-31 + 2 * chain_error<Real>(group.rows, magnitude))
                  << what << " at " << k << "," << j;
            }
          first_y = y;
          first_s = words;
        }
        ASSERT_EQ(y, first_y) << what << " " << name_of(isa);
        ASSERT_EQ(words, first_s) << what << " " << name_of(isa);
      }
    }
}

TYPED_TEST(RowKernelsTest, ARowOfYDoesNotDependOnTheBlockItComesIn) {
  using Real = TypeParam;
  const Block b = make_block(257, 97, Element::kF32);
  const PackedMatrix<Real> x(gaussian_matrix({5}, 97, 60));
  RowKernels<Real> kernels(97);
  std::vector<Real> whole(257 * 60), part(257 * 60);
  kernels.apply(b.rows, x, whole.data());
  for (const std::int64_t rows : {1, 5, 64, 100})
    for (const std::int64_t first : {0, 1, 77, 157}) {
      RowBlock some = b.rows;
      some.data = b.floats.data() + first * some.stride;
      some.rows = rows;
      kernels.apply(some, x, part.data());
      for (std::int64_t i = 0; i < rows * 60; ++i)
        ASSERT_EQ(part[static_cast<std::size_t>(i)],
                  whole[static_cast<std::size_t>(first * 60 + i)]);
    }
}

TYPED_TEST(RowKernelsTest, GramsAreRightOnOddShapesAndTheSameOnEveryInstructionSet) {
  using Real = TypeParam;
  for (const auto& [rows, n, l] : kShapes)
    for (const Element element : kElements) {
      const std::string what = fmt::format("{}x{} {}", rows, n, name_of(element));
      const Block b = make_block(rows, n, element);
      const RowBlock group = this->group(b.rows);
      // As a panel of all rows, its columns being the group.
      const Block p = make_block(n, group.rows, element);
      const int exponent = element == Element::kU8 ? 0 : -30;
      std::vector<std::int64_t> first_g, first_p;
      for (const Isa isa : isas()) {
        RowKernels<Real> kernels(n, {}, isa), panel_kernels(group.rows, {}, isa);
        FixedPointSum g(packed_size(n), exponent, this->kLimbs),
            of_rows(packed_size(n), exponent, this->kLimbs);
        kernels.gram(group, g);
        panel_kernels.row_gram(p.rows, of_rows);
        if (isa == Isa::kScalar)
          for (std::int64_t i = 0; i < n; ++i)
            for (std::int64_t j = i; j < n; ++j) {
              double sum = 0, magnitude = 0, row_sum = 0, row_magnitude = 0;
              for (std::int64_t k = 0; k < group.rows; ++k) {
                sum += b.values(k, i) * b.values(k, j);
                magnitude += std::abs(b.values(k, i) * b.values(k, j));
                row_sum += p.values(i, k) * p.values(j, k);
                row_magnitude += std::abs(p.values(i, k) * p.values(j, k));
              }
              const bool exact = element == Element::kU8;
              const double half_unit = exact ? 0 : 0x1p-31;
              ASSERT_NEAR(g.value(packed_index(n, i, j)), sum,
                          half_unit + (exact ? 0 : 2 * chain_error<Real>(group.rows, magnitude)))
                  << what << " at " << i << "," << j;
              ASSERT_NEAR(
                  of_rows.value(packed_index(n, i, j)), row_sum,
                  half_unit + (exact ? 0 : 2 * chain_error<Real>(group.rows, row_magnitude)))
                  << what << " at " << i << "," << j;
            }
        const std::vector<std::int64_t> words(g.words().begin(), g.words().end()),
            panel_words(of_rows.words().begin(), of_rows.words().end());
        if (isa == Isa::kScalar) first_g = words, first_p = panel_words;
        ASSERT_EQ(words, first_g) << what << " " << name_of(isa);
        ASSERT_EQ(panel_words, first_p) << what << " " << name_of(isa);
      }
    }
}

// From units so large that most terms are zero to units of which 2^52 are less than most terms.
TYPED_TEST(RowKernelsTest, TermsOfAnyMagnitudeAreRoundedAlikeOnEveryInstructionSet) {
  const Block b = make_block(256, 97, Element::kF32);
  for (int exponent = 8; exponent > -54; --exponent) {
    std::vector<std::int64_t> first;
    for (const Isa isa : isas()) {
      FixedPointSum g(packed_size(97), exponent, this->kLimbs);
      RowKernels<TypeParam>(97, {}, isa).gram(b.rows, g);
      const std::vector<std::int64_t> words(g.words().begin(), g.words().end());
      if (isa == Isa::kScalar) first = words;
      ASSERT_EQ(words, first) << "2^" << exponent << " " << name_of(isa);
    }
  }
}

TYPED_TEST(RowKernelsTest, ColumnsAreShiftedAndScaledBeforeAnythingElse) {
  using Real = TypeParam;
  for (const Element element : kElements) {
    const Block b = make_block(70, 37, element);
    ColumnMap map;
    DenseMatrix mapped = b.values;
    for (std::int64_t j = 0; j < 37; ++j) {
      map.shift.push_back(static_cast<double>(j) / 4);
      map.factor.push_back(j % 2 == 0 ? 0.5 : 2);
      // Exact in float: shifts are quarters of small integers where values are pixels.
      for (std::int64_t i = 0; i < 70; ++i)
        mapped(i, j) = (b.values(i, j) - map.shift.back()) * map.factor.back();
    }
    const DenseMatrix x = this->rounded(gaussian_matrix({5}, 37, 9));
    const std::vector<double> c(9);
    for (const Isa isa : isas()) {
      RowKernels<Real> kernels(37, map, isa);
      std::vector<Real> y(70 * 9);
      kernels.apply(b.rows, PackedMatrix<Real>(x), y.data());
      expect_product(mapped, x, c, y.data(), name_of(element));
      FixedPointSum g(packed_size(37), -30, this->kLimbs);
      kernels.gram(b.rows, g);
      double sum = 0, magnitude = 0;
      for (std::int64_t i = 0; i < 70; ++i) {
        sum += mapped(i, 3) * mapped(i, 36);
        magnitude += std::abs(mapped(i, 3) * mapped(i, 36));
      }
      EXPECT_NEAR(g.value(packed_index(37, 3, 36)), sum, 4 * chain_error<Real>(70, magnitude));
    }
  }
}

TYPED_TEST(RowKernelsTest, MomentsOfPixelsAreExact) {
  const Block b = make_block(255, 97, Element::kU8);
  for (const Isa isa : isas()) {
    FixedPointSum sums(97, 0), squares(97, 0);
    RowKernels<TypeParam>(97, {}, isa).moments(b.rows, sums, squares);
    for (std::int64_t j = 0; j < 97; ++j) {
      double sum = 0, square = 0;
      for (std::int64_t i = 0; i < 255; ++i) {
        sum += b.values(i, j);
        square += b.values(i, j) * b.values(i, j);
      }
      ASSERT_EQ(sums.value(j), sum);
      ASSERT_EQ(squares.value(j), square);
    }
  }
}

TYPED_TEST(RowKernelsTest, MomentsOfRealsAreRightAndTheSameOnEveryInstructionSet) {
  const Block b = make_block(200, 65, Element::kF64);
  std::vector<std::int64_t> first;
  for (const Isa isa : isas()) {
    FixedPointSum sums(65, -50), squares(65, -50);
    RowKernels<TypeParam>(65, {}, isa).moments(b.rows, sums, squares);
    for (std::int64_t j = 0; j < 65; ++j) {
      double sum = 0, square = 0;
      for (std::int64_t i = 0; i < 200; ++i) {
        const double v = static_cast<TypeParam>(b.values(i, j));
        sum += v;
        square += v * v;
      }
      ASSERT_NEAR(sums.value(j), sum, 1e-12);
      ASSERT_NEAR(squares.value(j), square, 1e-12);
    }
    const std::vector<std::int64_t> words(squares.words().begin(), squares.words().end());
    if (isa == Isa::kScalar) first = words;
    ASSERT_EQ(words, first);
    FixedPointSum alone(65, -50);
    RowKernels<TypeParam>(65, {}, isa).squares(b.rows, alone);
    ASSERT_TRUE(std::ranges::equal(alone.words(), words));
  }
}

TYPED_TEST(RowKernelsTest, AnOverflowOfTheUnitIsSeen) {
  const Block b = make_block(10, 5, Element::kF32);
  for (const Isa isa : isas()) {
    RowKernels<TypeParam> kernels(5, {}, isa);
    FixedPointSum g(packed_size(5), -100, this->kLimbs), s(5 * 3, -100, this->kLimbs);
    kernels.gram(b.rows, g);
    kernels.fused(b.rows, PackedMatrix<TypeParam>(gaussian_matrix({5}, 5, 3)), s);
    EXPECT_TRUE(g.overflowed());
    EXPECT_TRUE(s.overflowed());
  }
}

TYPED_TEST(RowKernelsTest, ManyRowsOfPixelsAreSummedExactlyInOneGo) {
  const Block b = make_block(1500, 50, Element::kU8), p = make_block(50, 1500, Element::kU8);
  for (const Isa isa : isas()) {
    FixedPointSum g(packed_size(50), 0), of_rows(packed_size(50), 0);
    RowKernels<TypeParam>(50, {}, isa).gram(b.rows, g);
    RowKernels<TypeParam>(1500, {}, isa).row_gram(p.rows, of_rows);
    for (std::int64_t i = 0; i < 50; ++i)
      for (std::int64_t j = i; j < 50; ++j) {
        double sum = 0, row_sum = 0;
        for (std::int64_t k = 0; k < 1500; ++k) {
          sum += b.values(k, i) * b.values(k, j);
          row_sum += p.values(i, k) * p.values(j, k);
        }
        ASSERT_EQ(g.value(packed_index(50, i, j)), sum) << name_of(isa);
        ASSERT_EQ(of_rows.value(packed_index(50, i, j)), row_sum) << name_of(isa);
      }
  }
}

double to_bf16(double x) {
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(x));
  return std::bit_cast<float>((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000);
}

// The definition of mixed_kernels.h: chains of float, odd before even.
std::vector<double> mixed_by_definition(const DenseMatrix& t, const DenseMatrix& x,
                                        const std::vector<double>& c, std::int64_t rows,
                                        int exponent) {
  const auto chain = [](std::int64_t depth, float sum, const auto& left, const auto& right) {
    for (std::int64_t q = 0; q < depth; q += 2)
      for (const std::int64_t k : {q + 1, q})
        if (k < depth)
          sum = std::fma(static_cast<float>(to_bf16(left(k))),
                         static_cast<float>(to_bf16(right(k))), sum);
    return sum;
  };
  DenseMatrix y(rows, x.cols);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < x.cols; ++j)
      y(i, j) = chain(
          t.cols, static_cast<float>(-c[static_cast<std::size_t>(j)]),
          [&](std::int64_t k) { return t(i, k); }, [&](std::int64_t k) { return x(k, j); });
  std::vector<double> s;
  for (std::int64_t k = 0; k < t.cols; ++k)
    for (std::int64_t j = 0; j < x.cols; ++j)
      s.push_back(std::ldexp(
          std::nearbyint(std::ldexp(static_cast<double>(chain(
                                        rows, 0.f, [&](std::int64_t i) { return t(i, k); },
                                        [&](std::int64_t i) { return y(i, j); })),
                                    -exponent)),
          exponent));
  return s;
}

TEST(MixedKernels, FollowTheDefinitionToTheLastBitWithAndWithoutPairs) {
  std::vector<Shape> shapes = kShapes;
  shapes.push_back({256, 1500, 3});  // several tiles
  for (const auto& [rows, n, l] : shapes)
    for (const Element element : kElements) {
      const Block b = make_block(rows, n, element);
      RowBlock group = b.rows;
      group.rows = std::min<std::int64_t>(rows, kGroupRows);
      const DenseMatrix x = gaussian_matrix({2}, n, l);
      std::vector<double> c(static_cast<std::size_t>(l));
      gaussian_row({3}, 0, 0, c);
      const std::vector<double> expected = mixed_by_definition(b.values, x, c, group.rows, -20);
      for (const bool pairs : {false, true}) {
        if (pairs && !has_bf16()) continue;
        FixedPointSum s(n * l, -20);
        MixedKernels(n, {}, pairs).fused(group, MixedMatrix(x, c, pairs), s);
        ASSERT_EQ(s.values(), expected)
            << fmt::format("{}x{} {}, l {}, pairs {}", rows, n, name_of(element), l, pairs);
      }
    }
}

TEST(RowKernels, TheFirstValueThatIsNotFiniteIsFound) {
  for (const Element element : {Element::kF32, Element::kF64})
    for (const double bad :
         {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()}) {
      Block b = make_block(20, 37, element);
      EXPECT_FALSE(first_not_finite(b.rows).has_value());
      for (const auto& [i, j] : {std::pair{19, 0}, {7, 36}, {7, 5}}) {
        const auto at = static_cast<std::size_t>(i * b.rows.stride + j);
        b.floats[at] = static_cast<float>(bad);
        b.doubles[at] = bad;
        const auto found = first_not_finite(b.rows);
        ASSERT_TRUE(found.has_value());
        EXPECT_EQ(found->row, i);
        EXPECT_EQ(found->col, j);
      }
    }
  EXPECT_FALSE(first_not_finite(make_block(2, 3, Element::kU8).rows).has_value());
}

TEST(RowKernels, SizesThatDoNotFitAreRefused) {
  const Block b = make_block(4, 5, Element::kF32);
  std::vector<float> y(100);
  EXPECT_THROW(RowKernels<float>(5, {.shift = {1, 2}}), ShapeError);
  EXPECT_THROW(PackedMatrix<float>(DenseMatrix(5, 2), std::vector<double>{1}), ShapeError);
  RowKernels<float> kernels(5), other(6);
  EXPECT_THROW(kernels.apply(b.rows, PackedMatrix<float>(DenseMatrix(6, 2)), y.data()), ShapeError);
  EXPECT_THROW(other.apply(b.rows, PackedMatrix<float>(DenseMatrix(6, 2)), y.data()), ShapeError);
}

}  // namespace
}  // namespace hadal::linalg
