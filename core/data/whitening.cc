#include "core/data/whitening.h"

#include <cmath>

#include <cblas.h>
#include <fmt/format.h>

#include "core/base/error.h"
#include "core/linalg/one_blas_thread.h"

// LAPACK: eigenvalues and eigenvectors of a symmetric matrix by divide and conquer.
extern "C" void dsyevd_(const char* job, const char* triangle, const int* n, double* a,
                        const int* lda, double* eigenvalues, double* work, const int* work_size,
                        int* integer_work, const int* integer_work_size, int* info);

namespace hadal::data {
namespace {

// a: n x n, one triangle given; becomes the eigenvectors, one per column-major column.
std::vector<double> eigen_decompose(int n, std::vector<double>& a) {
  std::vector<double> eigenvalues(static_cast<std::size_t>(n)), work(1);
  std::vector<int> integer_work(1);
  int info = 0;
  const auto call = [&](int work_size, int integer_work_size) {
    // Column-major "L" is the upper triangle of the row-major matrix.
    dsyevd_("V", "L", &n, a.data(), &n, eigenvalues.data(), work.data(), &work_size,
            integer_work.data(), &integer_work_size, &info);
    HADAL_CHECK(info == 0);
  };
  call(-1, -1);
  const int work_size = static_cast<int>(work[0]), integer_work_size = integer_work[0];
  work.resize(static_cast<std::size_t>(work_size));
  integer_work.resize(static_cast<std::size_t>(integer_work_size));
  call(work_size, integer_work_size);
  return eigenvalues;
}

}  // namespace

SecondMoments::SecondMoments(std::int64_t dimension)
    : dimension_(dimension), sum_(static_cast<std::size_t>(dimension * dimension)) {}

void SecondMoments::add(const float* values, std::int64_t count, const std::vector<double>& mean) {
  const int d = static_cast<int>(dimension_);
  centred_.resize(static_cast<std::size_t>(count * dimension_));
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t e = 0; e < dimension_; ++e)
      centred_[static_cast<std::size_t>(i * dimension_ + e)] =
          values[i * dimension_ + e] - mean[static_cast<std::size_t>(e)];
  const linalg::OneBlasThread one;
  cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, d, static_cast<int>(count), 1.0,
              centred_.data(), d, 1.0, sum_.data(), d);
  count_ += count;
}

std::vector<float> SecondMoments::whitening_matrix(double bias) const {
  const linalg::OneBlasThread one;
  const int d = static_cast<int>(dimension_);
  const auto n = static_cast<std::size_t>(dimension_);
  std::vector<double> vectors = sum_;
  for (double& v : vectors) v /= static_cast<double>(count_);
  for (std::size_t e = 0; e < n; ++e) vectors[e * n + e] += bias;
  const std::vector<double> eigenvalues = eigen_decompose(d, vectors);
  // Rows of the row-major view are eigenvectors; scaled by eigenvalue^(-1/4), P = V^T V.
  for (std::size_t k = 0; k < n; ++k) {
    if (!(eigenvalues[k] > 0))
      throw ConfigError(fmt::format(
          "preprocessing: zca with bias {} meets an eigenvalue of {}; wanted a larger bias", bias,
          eigenvalues[k]));
    const double factor = std::pow(eigenvalues[k], -0.25);
    for (std::size_t e = 0; e < n; ++e) vectors[k * n + e] *= factor;
  }
  std::vector<double> product(n * n);
  cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, d, d, 1.0, vectors.data(), d, 0.0,
              product.data(), d);
  std::vector<float> matrix(n * n);
  for (std::size_t r = 0; r < n; ++r)
    for (std::size_t c = r; c < n; ++c)
      matrix[r * n + c] = matrix[c * n + r] = static_cast<float>(product[r * n + c]);
  return matrix;
}

}  // namespace hadal::data
