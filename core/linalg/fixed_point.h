// Sums whose bits do not depend on the order of their terms: every term is rounded once to a whole
// number of units 2^exponent, and whole numbers are added. Groups of rows may be summed in any
// order, by any thread or rank, and the words of two sums may be added by MPI_SUM on int64.
//
//   one limb    the sum is hi * 2^exponent: 62 bits for the whole sum, meant for float32 terms
//   two limbs   hi * 2^exponent + lo * 2^(exponent - 36): 98 bits, meant for float64 terms
//
// Sums of integers (exponent 0, pixels) are exact.
//
// Whether a sum has overflowed is known without an order too: a histogram of the magnitudes of the
// terms rides in the last words, and bounds what any order of addition can have met.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hadal::linalg {

/// The smallest unit whose 2^61 multiples reach `bound`, a bound on sum |term| for every element:
/// ilogb(bound) - 60. For S = A^T A X, with columns of X no longer than 1, |A|_F^2 is one. A bound
/// found from a sample of the rows wants headroom: a factor of 2^10 leaves 51 bits below it.
/// bound = 0 promises that every term is zero. Throws ConfigError when bound is not finite or
/// negative.
int unit_exponent(double bound);

class FixedPointSum {
 public:
  /// Below the terms' words: the histogram. Bin b counts terms of magnitude below 2^b units (and
  /// not below 2^(b-1) unless b = 0); the last bin holds what is larger still, and NaN.
  static constexpr int kBins = 128;
  static constexpr int kLowBits = 36;

  /// `size` elements in units of 2^exponent, all zero; limbs: 1 or 2.
  FixedPointSum(std::int64_t size, int exponent, int limbs = 1);

  std::int64_t size() const { return size_; }
  int exponent() const { return exponent_; }
  int limbs() const { return limbs_; }

  /// Adds terms to elements [first, first + terms.size()). One term is noted in the histogram: the
  /// largest. So that the verdict has no order either, a caller adds by the same portions always.
  void add(std::int64_t first, std::span<const float> terms);
  void add(std::int64_t first, std::span<const double> terms);

  /// For kernels that add to the words themselves: hi of element i is words()[i], lo is
  /// words()[size() + i]. note() enters the largest |term| of a portion in the histogram.
  void note(double largest);

  /// Adds another sum of the same size, unit and limbs.
  void merge(const FixedPointSum& other);
  void clear();

  /// size() * limbs() + kBins words; what an all-reduce adds.
  std::span<std::int64_t> words() { return words_; }
  std::span<const std::int64_t> words() const { return words_; }

  /// Whether some element can have passed 2^62 units, or was NaN: then all of it is void, and the
  /// pass must be done again with the unit of needed_exponent().
  bool overflowed() const;
  /// An exponent that the terms seen would not overflow, with 4 bits to spare. At least exponent().
  int needed_exponent() const;

  double value(std::int64_t i) const;
  std::vector<double> values() const;

 private:
  template <typename Real>
  void add_terms(std::int64_t first, std::span<const Real> terms);
  std::span<const std::int64_t> bins() const;

  std::int64_t size_;
  int exponent_, limbs_;
  std::vector<std::int64_t> words_;  // hi, lo if there are two limbs, bins
};

/// A symmetric n x n sum keeps its upper triangle, row after row: elements (i, i) .. (i, n - 1) of
/// row i follow those of row i - 1.
constexpr std::int64_t packed_size(std::int64_t n) { return n * (n + 1) / 2; }
/// Where element (i, j), i <= j, is.
constexpr std::int64_t packed_index(std::int64_t n, std::int64_t i, std::int64_t j) {
  return i * (2 * n - i - 1) / 2 + j;
}

}  // namespace hadal::linalg
