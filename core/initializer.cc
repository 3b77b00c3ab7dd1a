// The stream of a parameter is (seed, kInitialValue, 0, the low 32 bits of XXH3 of its full name);
// element i of the tensor, in memory order, uses draw i. Draws are made in double and rounded, so
// float and double parameters agree to rounding. The truncated normal tries normals i, i + 2^40,
// i + 2 * 2^40, ... until one is within two deviations: 4.6 % of the elements need a second one.
#include "core/initializer.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/base/hash.h"
#include "core/base/random.h"
#include "core/layers/rbf_codes.h"

namespace hadal {
namespace {

constexpr std::uint64_t kRedrawStride = std::uint64_t{1} << 40;

struct Fans {
  double in, out;
};

Fans fans_of(const Shape& shape, const std::string& name) {
  if (shape.rank() != 2 && shape.rank() != 4)
    throw ShapeError(fmt::format(
        "{}: no fans for a parameter of shape {}, wanted out x in or out x kh x kw x in", name,
        shape.to_string()));
  const auto out = static_cast<double>(shape[0]);
  const auto window = static_cast<double>(shape.rank() == 4 ? shape[1] * shape[2] : 1);
  return {window * static_cast<double>(shape[shape.rank() - 1]), window * out};
}

/// Sets element i to draw(i).
void fill(const TensorView& values, const std::function<double(std::uint64_t)>& draw) {
  const auto count = static_cast<std::uint64_t>(values.shape.elements());
  const auto set = [&]<typename T>(T* to) {
    for (std::uint64_t i = 0; i < count; ++i) to[i] = static_cast<T>(draw(i));
  };
  if (values.type == DType::kFloat64) return set(values.as<double>());
  set(values.as<float>());
}

double truncated_normal(const random::Stream& stream, std::uint64_t i) {
  for (std::uint64_t draw = i;; draw += kRedrawStride) {
    const double z = random::normal(stream, draw);
    if (std::abs(z) <= 2.0) return z;
  }
}

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// Makes the rows of `matrix` (count x length, count <= length) orthonormal by modified
/// Gram-Schmidt, each row projected twice ("twice is enough", Giraud et al. 2005). Every row keeps
/// a positive coefficient on itself, which is the sign choice that makes Q of a Gaussian matrix
/// uniform over the orthogonal matrices (Mezzadri 2007).
void orthonormalize_rows(std::vector<double>& matrix, std::int64_t count, std::int64_t length) {
  const auto row = [&](std::int64_t r) {
    return std::span(matrix).subspan(static_cast<std::size_t>(r * length),
                                     static_cast<std::size_t>(length));
  };
  for (std::int64_t r = 0; r < count; ++r) {
    for (int pass = 0; pass < 2; ++pass)
      for (std::int64_t q = 0; q < r; ++q) {
        const double projection = dot(row(r), row(q));
        for (std::int64_t i = 0; i < length; ++i) row(r)[i] -= projection * row(q)[i];
      }
    const double norm = std::sqrt(dot(row(r), row(r)));
    HADAL_CHECK(norm > 0);
    for (double& value : row(r)) value /= norm;
  }
}

/// Orthonormal rows, or columns where those are fewer, of the first extent x the rest.
void fill_orthogonal(const TensorView& values, double gain, const random::Stream& stream) {
  const std::int64_t rows = values.shape[0];
  const std::int64_t columns = values.shape.elements() / rows;
  const bool transposed = rows > columns;
  const std::int64_t count = transposed ? columns : rows, length = transposed ? rows : columns;
  const auto place = [&](std::int64_t i) {  // of element i in the matrix with the long rows
    return transposed ? i % columns * length + i / columns : i;
  };
  std::vector<double> matrix(static_cast<std::size_t>(rows * columns));
  for (std::int64_t i = 0; i < rows * columns; ++i)
    matrix[place(i)] = random::normal(stream, static_cast<std::uint64_t>(i));
  orthonormalize_rows(matrix, count, length);
  fill(values, [&](std::uint64_t i) { return gain * matrix[place(static_cast<std::int64_t>(i))]; });
}

}  // namespace

void initialize(const TensorView& values, const Initializer& initializer, std::uint64_t seed,
                const std::string& name) {
  if (values.device) {
    const Tensor drawn(values.shape, values.type, values.layout);
    initialize(drawn.view(), initializer, seed, name);
    return copy_converted(drawn.view(), values);
  }
  const random::Stream stream{seed, random::Purpose::kInitialValue, 0, hash64(name) & 0xffffffffu};
  const auto gaussian = [&](double deviation) {
    fill(values, [&](std::uint64_t i) { return deviation * random::normal(stream, i); });
  };
  const auto uniform = [&](double limit) {
    fill(values,
         [&](std::uint64_t i) { return limit * (2 * random::uniform_open(stream, i) - 1); });
  };
  const auto fans = [&] { return fans_of(values.shape, name); };
  const double value = initializer.value;
  switch (initializer.kind) {
    case InitializerKind::kConstant:
      return fill(values, [&](std::uint64_t) { return value; });
    case InitializerKind::kGaussian:
      return gaussian(value);
    case InitializerKind::kTruncatedNormal:
      return fill(values, [&](std::uint64_t i) { return value * truncated_normal(stream, i); });
    case InitializerKind::kUniform:
      return uniform(value);
    case InitializerKind::kHeFanIn:
      return gaussian(std::sqrt(2 / fans().in));
    case InitializerKind::kHeFanOut:
      return gaussian(std::sqrt(2 / fans().out));
    case InitializerKind::kGlorotUniform:
      return uniform(std::sqrt(6 / (fans().in + fans().out)));
    case InitializerKind::kGlorotNormal:
      return gaussian(std::sqrt(2 / (fans().in + fans().out)));
    case InitializerKind::kXavierFanIn:
      return uniform(std::sqrt(3 / fans().in));
    case InitializerKind::kFanInUniform:
      return uniform(value / fans().in);
    case InitializerKind::kOrthogonal:
      return fill_orthogonal(values, value, stream);
    case InitializerKind::kCode:
      return fill(values, [](std::uint64_t i) {
        return rbf_code(static_cast<int>(i / kRbfElements), static_cast<int>(i % kRbfElements));
      });
  }
}

}  // namespace hadal
