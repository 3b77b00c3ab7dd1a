// The largest eigenvalue of a symmetric operator that is known by what it does to a vector.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace hadal::linalg {

struct EigenPair {
  double value = 0;
  std::vector<double> vector;  // of length one
};

/// The largest eigenvalue of a symmetric positive semidefinite operator on n > 0 entries: Lanczos
/// with full reorthogonalisation from a fixed random start, min(n, steps) products. The value comes
/// from below: min(n, steps) = n gives it to working precision, 30 steps to a small part of the
/// spread of the spectrum.
EigenPair largest_eigen(
    std::int64_t n, const std::function<std::vector<double>(const std::vector<double>&)>& multiply,
    int steps = 30);

}  // namespace hadal::linalg
