// One lane at a time; the compiler's vectors, if any, are of the baseline.
#include <cmath>

#include "core/linalg/block_product.h"
#include "core/linalg/sum_words.h"

#define HADAL_ISA scalar
#define HADAL_TARGET

namespace hadal::linalg::scalar {

constexpr int kMostVectors = 1;
constexpr int rows_at_once(bool /*across*/, int /*vectors*/) { return 1; }

template <typename Real>
struct Vector {
  using Bits = Peak<Real>;
  Real lanes[kLanes<Real>];

  static Vector zero() { return {}; }
  static Vector load(const Real* p) {
    Vector v;
    for (int i = 0; i < kLanes<Real>; ++i) v.lanes[i] = p[i];
    return v;
  }
  static Vector broadcast(Real x) {
    Vector v;
    for (Real& lane : v.lanes) lane = x;
    return v;
  }
  static Vector fma(const Vector& a, const Vector& b, const Vector& c) {
    Vector v;
    for (int i = 0; i < kLanes<Real>; ++i)
      v.lanes[i] = std::fma(a.lanes[i], b.lanes[i], c.lanes[i]);
    return v;
  }
  void store(Real* p) const {
    for (int i = 0; i < kLanes<Real>; ++i) p[i] = lanes[i];
  }
  static Bits bits_of(const Peak<Real>& peak) { return peak; }
  static void keep(const Bits& bits, Peak<Real>& peak) { peak = bits; }
  void add_units(const WordRow& words, std::int64_t at, int first, int last, Bits& largest) const {
    for (int i = first; i < last; ++i) {
      largest.meet(i, lanes[i]);
      linalg::add_units(words, at + i, static_cast<double>(lanes[i]));
    }
  }
};

}  // namespace hadal::linalg::scalar

#include "core/linalg/block_loops.h"

namespace hadal::linalg {

template <typename Real>
const BlockKernels<Real>& scalar_block_kernels() {
  return scalar::block_kernels<Real>();
}
template const BlockKernels<float>& scalar_block_kernels();
template const BlockKernels<double>& scalar_block_kernels();

}  // namespace hadal::linalg
