#include "core/linalg/leading_eigen.h"

namespace hadal::linalg {

SymmetricEigen leading_eigen(const DenseMatrix& g, std::int64_t k, const LeadingEigenOptions&) {
  return symmetric_eigen(g, k);
}

}  // namespace hadal::linalg
