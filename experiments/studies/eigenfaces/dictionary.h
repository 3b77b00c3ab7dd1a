// Dictionaries learnt from examples, so that each is near a combination of few atoms.
//
//   K-SVD    codes of all examples by OMP; then every atom in turn, together with its coefficients,
//            becomes the best rank-one fit to what the other atoms leave of the examples that use
//            it. Neither step raises the error: an example keeps its former code where that is
//            nearer, and a step of the power method never makes a rank-one fit worse.
//   online   examples in small batches: codes by the lasso; sums of a a^T and x a^T with a fading
//            memory; atoms one by one to the minimum of the quadratic that these sums make.
//
// Sources: Aharon, Elad, Bruckstein 2006 (K-SVD), with the rank-one step of Rubinstein, Zibulevsky,
// Elad 2008; Mairal, Bach, Ponce, Sapiro 2009, "Online Dictionary Learning for Sparse Coding"
// (algorithms 1 and 2, and the memory of section 3.4).
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/linalg/dense_matrix.h"
#include "experiments/studies/eigenfaces/pictures.h"

namespace hadal::eigenfaces {

/// Atoms in rows of length 1 (p x n), and the root mean squared error of the examples after each
/// iteration: of K-SVD by its own codes, online by the lasso's of a batch before atoms learn from
/// it.
struct Dictionary {
  linalg::DenseMatrix atoms{};
  std::vector<double> errors{};
};

struct KsvdOptions {
  int atoms = 256;
  int nonzeros = 5;
  int iterations = 20;
  std::uint64_t seed = 1;
  std::function<void(int iteration, double error)> on_iteration{};
};

struct OnlineOptions {
  int atoms = 256;
  double lambda = 0;  // of the lasso; 0: half of 1.2 / sqrt(n) of the examples' mean length
  int batch = 256;
  int epochs = 10;
  std::uint64_t seed = 1;
  std::function<void(int epoch, double error)> on_epoch{};
};

/// `examples`: count x n. Starts from examples drawn by the seed. Throws ConfigError for fewer
/// examples than atoms (those of length 0 do not count) or options out of range.
Dictionary learn_ksvd(const linalg::DenseMatrix& examples, const KsvdOptions& options);
Dictionary learn_online(const linalg::DenseMatrix& examples, const OnlineOptions& options);

/// `count` squares of side x side pixels from places drawn by the seed, in rows, each with its mean
/// taken off; side = 0: the whole pictures likewise, all of them. Throws ConfigError for squares
/// larger than the pictures.
linalg::DenseMatrix patches_of(const Pictures& pictures, int side, std::int64_t count,
                               std::uint64_t seed);

}  // namespace hadal::eigenfaces
