// Randomized SVD and PCA of a matrix whose rows are spread over ranks.
//
//   A (m x n), optionally centred and scaled by column, is approximated by U diag(sigma) V^T with k
//   columns. Only short things are replicated (n x l); the long side is read in passes over blocks
//   of rows, each pass one fused product S += T^T (T X) while a tile T is in cache.
//
// The same bits for any number of ranks, threads, memory limits and splits into files: rows are cut
// into groups by their global index, and sums over groups are sums of integers.
//
// Sources: Halko, Martinsson, Tropp 2011 (the randomized range finder); Musco, Musco 2015 (block
// Krylov); the certificate is derived in certificate.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/linalg/dense_matrix.h"
#include "core/matrix/row_source.h"
#include "dist/communicator.h"

namespace hadal::dist {

enum class SvdPath { kGram, kKrylov, kOnePass };
enum class Precision { kFloat32, kFloat64, kMixed };

/// The chosen way and what it was expected to cost.
struct SvdPlan {
  SvdPath path = SvdPath::kKrylov;
  bool short_side_rows = false;  // Gram matrix of rows (m < n) instead of columns
  int passes = 0;
  int block = 0;  // l = k + oversample, columns of X
  std::int64_t memory_bytes = 0;
  double predicted_seconds = 0;
  std::string reason;  // one line for people
};

/// What decides the rank: exactly one is set.
struct RankTarget {
  std::optional<int> components{};    // k
  std::optional<double> explained{};  // smallest k with sum sigma_i^2 >= explained * |A|_F^2
  std::optional<double> tolerance{};  // smallest k with certified |A - A_k|_2 <= tolerance * |A|_2
};

struct SvdProgress {
  int pass = 0, passes = 0;
  std::int64_t rows_done = 0, rows = 0;  // of this rank in this pass
  double bytes_per_s = 0;
  double seconds_left = 0;
};

struct SvdOptions {
  RankTarget target{};
  bool centre = false;  // subtract the column means: PCA
  bool scale = false;   // divide columns by their standard deviation; zero ones stay zero
  int passes = 0;       // reads of A; 0: the planner decides
  int oversample = 10;
  bool exact = false;  // Gram path to working precision whatever its cost
  Precision precision = Precision::kFloat32;
  std::uint64_t seed = 1;
  int threads = 1;                // of this rank
  std::int64_t memory_bytes = 0;  // what this rank may hold; 0: half of what the machine has free
  int probes = 10;                // of the certificate; 0: none
  double failure_probability = 1e-6;
  /// U wanted orthonormal to working precision also where sigma_k << sigma_1.
  bool orthonormal_u = false;
  /// A folder for the state after each whole pass; empty: none is kept. A run that finds its own
  /// state there goes on from it.
  std::filesystem::path checkpoint{};
  /// Told once, on every rank, when the way is chosen.
  std::function<void(const SvdPlan&)> on_plan{};
  std::function<void(const SvdProgress&)> on_progress{};
};

/// Takes the rows of U diag(sigma) (the scores) and of U as they become known: this rank's rows, in
/// blocks, ascending within a thread but not across threads; calls never overlap in rows.
class ScoreSink {
 public:
  virtual ~ScoreSink() = default;
  /// `scores`: rows x k, float32 or float64 by the precision; U is scores / sigma by column.
  virtual void take(std::int64_t first_row, std::int64_t rows, int k, const float* scores) = 0;
  virtual void take(std::int64_t first_row, std::int64_t rows, int k, const double* scores) = 0;
};

/// A bound that holds with probability >= 1 - failure_probability over the probes.
struct SvdCertificate {
  bool valid = false;
  double failure_probability = 0;
  double error_bound = 0;          // |A - A_k|_2 <= error_bound
  double frobenius_error = 0;      // |A - A_k|_F, exact up to rounding
  double best_possible_least = 0;  // sigma_{k+1} >= this: no rank-k matrix is nearer than it
  double optimum_ratio = 0;        // error_bound / best_possible_least
};

struct SvdCounters {
  int passes = 0;               // reads of A done, resumed ones included
  std::int64_t bytes_read = 0;  // by this rank
  /// Payload handed to all-reduces by this rank, and the most of it in one pass: 0 for one rank;
  /// else, with n the short side, whatever the long one and the number of ranks, 8 n l + O(l^2) for
  /// Krylov on blocks of l columns and 4 n^2 + O(n) for a Gram matrix. Twice that in float64.
  std::int64_t all_reduce_bytes = 0, all_reduce_bytes_per_pass = 0;
  double flops = 0;  // of this rank
  double seconds = 0, read_seconds = 0, kernel_seconds = 0, small_seconds = 0,
         certificate_seconds = 0;
  std::int64_t peak_memory_bytes = 0;  // beyond the matrix
};

struct SvdResult {
  std::int64_t rows = 0, cols = 0;
  int k = 0;
  /// Of the k singular values, those above 4 eps |A|_F, eps of the precision. Components
  /// beyond it span nothing of A: they are orthonormal with the rest, and any such rows would do.
  int rank = 0;
  linalg::DenseMatrix components;       // k x n: row i is the i-th right singular vector; see svd()
  std::vector<double> singular_values;  // k, descending
  std::vector<double> mean;             // n; empty unless centred
  std::vector<double> scale;            // n; empty unless scaled
  double frobenius_squared = 0;         // of the (centred, scaled) matrix
  SvdCertificate certificate;
  SvdPlan plan;
  SvdCounters counters;
};

/// Collective. The same result, bit for bit, on every rank and for any split of the work.
/// Signs: the entry of largest magnitude of every component is positive (the first of equals).
/// `scores` may be null. Throws ConfigError (rank above min(m, n), k = 0, targets that contradict
/// each other, memory too small, values whose products float32 cannot hold), NotFiniteError naming
/// the first row and column that is not finite, and what reading throws.
SvdResult svd(Communicator& comm, const matrix::RowSource& a, const SvdOptions& options,
              ScoreSink* scores = nullptr);

}  // namespace hadal::dist
