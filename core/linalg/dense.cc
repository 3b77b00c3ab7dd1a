#include "core/linalg/dense.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <cblas.h>
#include <fmt/format.h>

#include "core/base/error.h"
#include "core/linalg/one_blas_thread.h"
#include "core/linalg/tridiagonal.h"

// LAPACK is column-major: a row-major matrix, handed over, is its transpose.
extern "C" {
void dgelqf_(const int* m, const int* n, double* a, const int* lda, double* tau, double* work,
             const int* work_size, int* info);
void dorglq_(const int* m, const int* n, const int* k, double* a, const int* lda, const double* tau,
             double* work, const int* work_size, int* info);
void dsyevd_(const char* job, const char* triangle, const int* n, double* a, const int* lda,
             double* eigenvalues, double* work, const int* work_size, int* integer_work,
             const int* integer_work_size, int* info);
void dsytrd_(const char* triangle, const int* n, double* a, const int* lda, double* diagonal,
             double* beside, double* tau, double* work, const int* work_size, int* info);
void dstemr_(const char* job, const char* range, const int* n, double* diagonal, double* beside,
             const double* low, const double* high, const int* first, const int* last, int* found,
             double* eigenvalues, double* vectors, const int* ldv, const int* columns, int* support,
             int* try_accuracy, double* work, const int* work_size, int* integer_work,
             const int* integer_work_size, int* info);
void dormtr_(const char* side, const char* triangle, const char* turn, const int* m, const int* n,
             const double* a, const int* lda, const double* tau, double* c, const int* ldc,
             double* work, const int* work_size, int* info);
void dgesdd_(const char* job, const int* m, const int* n, double* a, const int* lda, double* sigma,
             double* u, const int* ldu, double* vt, const int* ldvt, double* work,
             const int* work_size, int* integer_work, int* info);
void dpotrf_(const char* triangle, const int* n, double* a, const int* lda, int* info);
}

namespace hadal::linalg {
namespace {

int to_int(std::int64_t n) { return static_cast<int>(n); }
// A leading dimension, which LAPACK wants positive also where there is nothing.
int leading(std::int64_t n) { return static_cast<int>(std::max<std::int64_t>(n, 1)); }

// Calls a LAPACK routine twice: to ask for its workspace, and to work.
template <typename Call>
void with_workspace(const char* routine, const Call& call) {
  std::vector<double> work(1);
  std::vector<int> integer_work(1);
  int info = call(work.data(), -1, integer_work.data(), -1);
  HADAL_CHECK(info == 0);
  const int size = static_cast<int>(work[0]), integer_size = integer_work[0];
  work.resize(static_cast<std::size_t>(std::max(size, 1)));
  integer_work.resize(static_cast<std::size_t>(std::max(integer_size, 1)));
  info = call(work.data(), size, integer_work.data(), integer_size);
  if (info != 0)
    throw NotFiniteError(fmt::format(
        "{} did not converge (info {}); wanted a matrix of finite values", routine, info));
}

void want_square(const DenseMatrix& a, const char* who) {
  if (a.rows != a.cols)
    throw ShapeError(fmt::format("{}: matrix is {}x{}, wanted a square one", who, a.rows, a.cols));
}

void want_inner(std::int64_t left, std::int64_t right, const DenseMatrix& a, const DenseMatrix& b,
                const char* who) {
  if (left != right)
    throw ShapeError(
        fmt::format("{}: {}x{} and {}x{} do not fit", who, a.rows, a.cols, b.rows, b.cols));
}

DenseMatrix product(CBLAS_TRANSPOSE turn_a, const DenseMatrix& a, CBLAS_TRANSPOSE turn_b,
                    const DenseMatrix& b) {
  const bool ta = turn_a == CblasTrans, tb = turn_b == CblasTrans;
  const std::int64_t inner = ta ? a.rows : a.cols;
  want_inner(inner, tb ? b.cols : b.rows, a, b, "matrix product");
  DenseMatrix c(ta ? a.cols : a.rows, tb ? b.rows : b.cols);
  if (c.values.empty() || inner == 0) return c;
  const OneBlasThread one;
  cblas_dgemm(CblasRowMajor, turn_a, turn_b, to_int(c.rows), to_int(c.cols), to_int(inner), 1.0,
              a.values.data(), leading(a.cols), b.values.data(), leading(b.cols), 0.0,
              c.values.data(), leading(c.cols));
  return c;
}

DenseMatrix triangular(CBLAS_SIDE side, CBLAS_TRANSPOSE turn, const DenseMatrix& r, DenseMatrix b) {
  want_square(r, "triangular solve");
  want_inner(r.rows, side == CblasLeft ? b.rows : b.cols, r, b, "triangular solve");
  if (b.values.empty()) return b;
  const OneBlasThread one;
  cblas_dtrsm(CblasRowMajor, side, CblasUpper, turn, CblasNonUnit, to_int(b.rows), to_int(b.cols),
              1.0, r.values.data(), leading(r.cols), b.values.data(), leading(b.cols));
  return b;
}

// The k largest of the tridiagonal matrix with n elements in `diagonal` and n - 1, and room for one
// more, in `beside`; both are overwritten.
TridiagonalEigen leading_by_dstemr(std::vector<double>& diagonal, std::vector<double>& beside,
                                   std::int64_t k) {
  const int n = to_int(static_cast<std::int64_t>(diagonal.size())), wanted = to_int(k),
            first = n - wanted + 1;
  const double unused = 0;
  int found = 0, try_accuracy = 1;
  std::vector<int> support(2 * static_cast<std::size_t>(k));
  std::vector<double> ascending(diagonal.size());
  DenseMatrix rows(k, n);
  with_workspace("dstemr", [&](double* work, int work_size, int* integer_work, int integer_size) {
    int info = 0;
    dstemr_("V", "I", &n, diagonal.data(), beside.data(), &unused, &unused, &first, &n, &found,
            ascending.data(), rows.values.data(), &n, &wanted, support.data(), &try_accuracy, work,
            &work_size, integer_work, &integer_size, &info);
    return info;
  });
  if (found != k) throw NotFiniteError(fmt::format("dstemr found {} of {} eigenvalues", found, k));
  TridiagonalEigen eigen{{ascending.rend() - k, ascending.rend()}, DenseMatrix(k, n)};
  for (std::int64_t i = 0; i < k; ++i)
    std::ranges::copy(rows.row(k - 1 - i), eigen.vectors.row(i).begin());
  return eigen;
}

}  // namespace

DenseMatrix identity(std::int64_t n) {
  DenseMatrix a(n, n);
  for (std::int64_t i = 0; i < n; ++i) a(i, i) = 1;
  return a;
}

DenseMatrix transpose(const DenseMatrix& a) {
  DenseMatrix t(a.cols, a.rows);
  constexpr std::int64_t kSide = 16;  // squares that stay in the nearest cache
  for (std::int64_t i0 = 0; i0 < a.rows; i0 += kSide)
    for (std::int64_t j0 = 0; j0 < a.cols; j0 += kSide)
      for (std::int64_t i = i0; i < std::min(i0 + kSide, a.rows); ++i)
        for (std::int64_t j = j0; j < std::min(j0 + kSide, a.cols); ++j) t(j, i) = a(i, j);
  return t;
}

DenseMatrix multiply(const DenseMatrix& a, const DenseMatrix& b) {
  return product(CblasNoTrans, a, CblasNoTrans, b);
}
DenseMatrix multiply_transposed_left(const DenseMatrix& a, const DenseMatrix& b) {
  return product(CblasTrans, a, CblasNoTrans, b);
}
DenseMatrix multiply_transposed_right(const DenseMatrix& a, const DenseMatrix& b) {
  return product(CblasNoTrans, a, CblasTrans, b);
}

DenseMatrix self_product(const DenseMatrix& a) {
  DenseMatrix g(a.cols, a.cols);
  if (a.values.empty()) return g;
  const OneBlasThread one;
  cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, to_int(a.cols), to_int(a.rows), 1.0,
              a.values.data(), leading(a.cols), 0.0, g.values.data(), leading(g.cols));
  for (std::int64_t i = 0; i < g.rows; ++i)
    for (std::int64_t j = 0; j < i; ++j) g(i, j) = g(j, i);
  return g;
}

DenseMatrix columns(const DenseMatrix& a, std::int64_t first, std::int64_t count) {
  HADAL_CHECK(first >= 0 && count >= 0 && first + count <= a.cols);
  DenseMatrix part(a.rows, count);
  for (std::int64_t i = 0; i < a.rows; ++i)
    std::copy_n(a.row(i).begin() + first, count, part.row(i).begin());
  return part;
}

DenseMatrix beside(const DenseMatrix& a, const DenseMatrix& b) {
  want_inner(a.rows, b.rows, a, b, "matrices side by side");
  DenseMatrix both(a.rows, a.cols + b.cols);
  for (std::int64_t i = 0; i < a.rows; ++i) {
    std::ranges::copy(a.row(i), both.row(i).begin());
    std::ranges::copy(b.row(i), both.row(i).begin() + a.cols);
  }
  return both;
}

double frobenius_norm(const DenseMatrix& a) {
  if (a.values.empty()) return 0;
  const OneBlasThread one;
  return cblas_dnrm2(to_int(static_cast<std::int64_t>(a.values.size())), a.values.data(), 1);
}

QrFactors qr(const DenseMatrix& a) {
  if (a.rows < a.cols)
    throw ShapeError(fmt::format("QR: matrix is {}x{}, wanted at least as many rows as columns",
                                 a.rows, a.cols));
  QrFactors factors{a, DenseMatrix(a.cols, a.cols)};
  if (a.values.empty()) return factors;
  const OneBlasThread one;
  // A^T = L Q', so A = Q'^T L^T.
  const int m = to_int(a.cols), n = to_int(a.rows);
  double* const q = factors.q.values.data();
  std::vector<double> tau(static_cast<std::size_t>(m));
  with_workspace("dgelqf", [&](double* work, int size, int*, int) {
    int info = 0;
    dgelqf_(&m, &n, q, &m, tau.data(), work, &size, &info);
    return info;
  });
  for (std::int64_t i = 0; i < a.cols; ++i)
    for (std::int64_t j = i; j < a.cols; ++j) factors.r(i, j) = factors.q(i, j);
  with_workspace("dorglq", [&](double* work, int size, int*, int) {
    int info = 0;
    dorglq_(&m, &n, &m, q, &m, tau.data(), work, &size, &info);
    return info;
  });
  return factors;
}

DenseMatrix orthonormalise(const DenseMatrix& a) { return qr(a).q; }

SymmetricEigen symmetric_eigen(const DenseMatrix& a) {
  want_square(a, "eigenvalues");
  const int n = to_int(a.rows);
  DenseMatrix rows = a;  // becomes the eigenvectors, one a row, ascending
  std::vector<double> ascending(static_cast<std::size_t>(n));
  if (n > 0) {
    const OneBlasThread one;
    with_workspace("dsyevd", [&](double* work, int size, int* integer_work, int integer_size) {
      int info = 0;
      dsyevd_("V", "L", &n, rows.values.data(), &n, ascending.data(), work, &size, integer_work,
              &integer_size, &info);
      return info;
    });
  }
  SymmetricEigen eigen{{ascending.rbegin(), ascending.rend()}, DenseMatrix(n, n)};
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) eigen.vectors(i, j) = rows(n - 1 - j, i);
  return eigen;
}

SymmetricEigen symmetric_eigen(const DenseMatrix& a, std::int64_t k) {
  want_square(a, "leading eigenvalues");
  if (k < 0 || k > a.rows)
    throw ShapeError(
        fmt::format("leading eigenvalues: {} wanted of a {}x{} matrix", k, a.rows, a.cols));
  if (k == 0) return {{}, DenseMatrix(a.rows, 0)};
  const OneBlasThread one;
  const int n = to_int(a.rows), wanted = to_int(k);
  const auto size = static_cast<std::size_t>(n);
  // A = Q T Q^T with T tridiagonal; some eigenvectors of T; back by Q.
  DenseMatrix reflections = a;
  std::vector<double> diagonal(size), beside(size), tau(size);
  with_workspace("dsytrd", [&](double* work, int work_size, int*, int) {
    int info = 0;
    dsytrd_("L", &n, reflections.values.data(), &n, diagonal.data(), beside.data(), tau.data(),
            work, &work_size, &info);
    return info;
  });
  std::optional<TridiagonalEigen> few =
      leading_tridiagonal(diagonal, std::span(beside).first(size - 1), k);
  if (!few) few = leading_by_dstemr(diagonal, beside, k);
  with_workspace("dormtr", [&](double* work, int work_size, int*, int) {
    int info = 0;
    dormtr_("L", "L", "N", &n, &wanted, reflections.values.data(), &n, tau.data(),
            few->vectors.values.data(), &n, work, &work_size, &info);
    return info;
  });
  return {std::move(few->values), transpose(few->vectors)};
}

DenseSvd dense_svd(const DenseMatrix& a) {
  const std::int64_t r = std::min(a.rows, a.cols);
  DenseSvd svd{DenseMatrix(a.rows, r), std::vector<double>(static_cast<std::size_t>(r)),
               DenseMatrix(a.cols, r)};
  if (r == 0) return svd;
  const OneBlasThread one;
  // A^T = V sigma U^T: LAPACK's u is V, column-major, its vt is U^T, which row-major is U.
  const int m = to_int(a.cols), n = to_int(a.rows), rank = to_int(r);
  DenseMatrix work_copy = a, v_rows(r, a.cols);
  std::vector<int> integers(8 * static_cast<std::size_t>(r));
  with_workspace("dgesdd", [&](double* work, int size, int*, int) {
    int info = 0;
    dgesdd_("S", &m, &n, work_copy.values.data(), &m, svd.sigma.data(), v_rows.values.data(), &m,
            svd.u.values.data(), &rank, work, &size, integers.data(), &info);
    return info;
  });
  svd.v = transpose(v_rows);
  return svd;
}

std::optional<DenseMatrix> cholesky(const DenseMatrix& a) {
  want_square(a, "Cholesky");
  DenseMatrix r(a.rows, a.cols);
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t j = i; j < a.cols; ++j) r(i, j) = a(i, j);
  if (a.rows == 0) return r;
  const OneBlasThread one;
  const int n = to_int(a.rows);
  int info = 0;
  dpotrf_("L", &n, r.values.data(), &n, &info);
  if (info != 0) return std::nullopt;
  return r;
}

DenseMatrix solve_upper(const DenseMatrix& r, const DenseMatrix& b) {
  return triangular(CblasLeft, CblasNoTrans, r, b);
}
DenseMatrix solve_upper_transposed(const DenseMatrix& r, const DenseMatrix& b) {
  return triangular(CblasLeft, CblasTrans, r, b);
}
DenseMatrix solve_upper_right(const DenseMatrix& b, const DenseMatrix& r) {
  return triangular(CblasRight, CblasNoTrans, r, b);
}

}  // namespace hadal::linalg
