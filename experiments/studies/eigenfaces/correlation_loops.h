// The kernels of correlation_kernels.h in vectors of sixteen floats, which the compiler turns into
// what the including file is compiled for.
#pragma once

#include "experiments/studies/eigenfaces/correlation_kernels.h"

namespace hadal::eigenfaces {
namespace {

// may_alias: laid over the floats of a LaneComplex.
typedef float Lanes __attribute__((vector_size(64), may_alias));
typedef float UnalignedLanes __attribute__((vector_size(64), aligned(4), may_alias));

struct Value {
  Lanes re, im;
};

#define HADAL_INLINE __attribute__((always_inline)) inline

HADAL_INLINE void load(const LaneComplex& x, Value& v) {
  v.re = *reinterpret_cast<const Lanes*>(x.re);
  v.im = *reinterpret_cast<const Lanes*>(x.im);
}

HADAL_INLINE void store(const Value& v, LaneComplex& x) {
  *reinterpret_cast<Lanes*>(x.re) = v.re;
  *reinterpret_cast<Lanes*>(x.im) = v.im;
}

// v (c + i s), or v (c - i s).
template <bool kConjugate>
HADAL_INLINE void turn(Value& v, float c, float s) {
  const Lanes re = kConjugate ? v.re * c + v.im * s : v.re * c - v.im * s;
  v.im = kConjugate ? v.im * c - v.re * s : v.im * c + v.re * s;
  v.re = re;
}

// a - i b and a + i b, or the other way round.
template <bool kForward>
HADAL_INLINE void cross(const Value& a, const Value& b, Value& first, Value& second) {
  Value& minus = kForward ? first : second;
  Value& plus = kForward ? second : first;
  minus.re = a.re + b.im;
  minus.im = a.im - b.re;
  plus.re = a.re - b.im;
  plus.im = a.im + b.re;
}

HADAL_INLINE void sum(const Value& a, const Value& b, Value& to) {
  to.re = a.re + b.re;
  to.im = a.im + b.im;
}

HADAL_INLINE void difference(const Value& a, const Value& b, Value& to) {
  to.re = a.re - b.re;
  to.im = a.im - b.im;
}

// a + s b + t c.
HADAL_INLINE void mix(const Value& a, float s, const Value& b, float t, const Value& c, Value& to) {
  to.re = a.re + b.re * s + c.re * t;
  to.im = a.im + b.im * s + c.im * t;
}

// The Fourier transform of kRadix points, exp(-2 pi i / kRadix) when forward.
template <int kRadix, bool kForward>
HADAL_INLINE void points(Value* x) {
  if constexpr (kRadix == 2) {
    Value s, d;
    sum(x[0], x[1], s);
    difference(x[0], x[1], d);
    x[0] = s;
    x[1] = d;
  } else if constexpr (kRadix == 3) {
    constexpr float kSin = 0.86602540378443864676f;  // sin(2 pi / 3)
    Value s, d, middle;
    sum(x[1], x[2], s);
    difference(x[1], x[2], d);
    d.re = d.re * kSin;
    d.im = d.im * kSin;
    middle.re = x[0].re - s.re * 0.5f;
    middle.im = x[0].im - s.im * 0.5f;
    sum(x[0], s, x[0]);
    cross<kForward>(middle, d, x[1], x[2]);
  } else if constexpr (kRadix == 4) {
    Value s02, d02, s13, d13;
    sum(x[0], x[2], s02);
    difference(x[0], x[2], d02);
    sum(x[1], x[3], s13);
    difference(x[1], x[3], d13);
    sum(s02, s13, x[0]);
    difference(s02, s13, x[2]);
    cross<kForward>(d02, d13, x[1], x[3]);
  } else {
    static_assert(kRadix == 5);
    constexpr float kCos1 = 0.30901699437494742410f, kSin1 = 0.95105651629515357212f;
    constexpr float kCos2 = -0.80901699437494742410f, kSin2 = 0.58778525229247312917f;
    Value s14, d14, s23, d23, even, odd;
    const Value none{Lanes{}, Lanes{}}, first = x[0];
    sum(x[1], x[4], s14);
    difference(x[1], x[4], d14);
    sum(x[2], x[3], s23);
    difference(x[2], x[3], d23);
    mix(first, 1, s14, 1, s23, x[0]);
    mix(first, kCos1, s14, kCos2, s23, even);
    mix(none, kSin1, d14, kSin2, d23, odd);
    cross<kForward>(even, odd, x[1], x[4]);
    mix(first, kCos2, s14, kCos1, s23, even);
    mix(none, kSin2, d14, -kSin1, d23, odd);
    cross<kForward>(even, odd, x[2], x[3]);
  }
}

template <int kRadix, bool kForward>
HADAL_INLINE void butterfly(LaneComplex* x, int span, const float* twiddles) {
  Value v[kRadix];
  for (int q = 0; q < kRadix; ++q) load(x[q * span], v[q]);
  if constexpr (!kForward)
    for (int q = 1; q < kRadix; ++q) turn<false>(v[q], twiddles[2 * q - 2], twiddles[2 * q - 1]);
  points<kRadix, kForward>(v);
  if constexpr (kForward)
    for (int q = 1; q < kRadix; ++q) turn<true>(v[q], twiddles[2 * q - 2], twiddles[2 * q - 1]);
  for (int q = 0; q < kRadix; ++q) store(v[q], x[q * span]);
}

// Without turning: the twiddles of span 1 are all 1.
template <int kRadix, bool kForward>
HADAL_INLINE void plain_butterfly(LaneComplex* x) {
  Value v[kRadix];
  for (int q = 0; q < kRadix; ++q) load(x[q], v[q]);
  points<kRadix, kForward>(v);
  for (int q = 0; q < kRadix; ++q) store(v[q], x[q]);
}

template <int kRadix, bool kForward>
void stage_of(const TransformStage& stage, LaneComplex* x) {
  for (int block = 0; block < stage.blocks; ++block, x += kRadix * stage.span) {
    if (stage.span == 1) {
      plain_butterfly<kRadix, kForward>(x);
      continue;
    }
    for (int j = 0; j < stage.span; ++j)
      butterfly<kRadix, kForward>(x + j, stage.span, stage.twiddles + 2 * (kRadix - 1) * j);
  }
}

template <bool kForward>
void run_stage(const TransformStage& stage, LaneComplex* x) {
  switch (stage.radix) {
    case 2:
      return stage_of<2, kForward>(stage, x);
    case 3:
      return stage_of<3, kForward>(stage, x);
    case 4:
      return stage_of<4, kForward>(stage, x);
    default:
      return stage_of<5, kForward>(stage, x);
  }
}

void forward(const TransformStages& stages, LaneComplex* x) {
  for (int i = 0; i < stages.count; ++i) run_stage<true>(stages.first[i], x);
}

void inverse(const TransformStages& stages, LaneComplex* x) {
  for (int i = stages.count - 1; i >= 0; --i) run_stage<false>(stages.first[i], x);
}

void inverse_of_product(const TransformStages& stages, const LaneComplex* g, const float* p,
                        LaneComplex* x) {
  for (int i = 0; i < stages.length; ++i) {
    Value v;
    load(g[i], v);
    turn<false>(v, p[2 * i], p[2 * i + 1]);
    store(v, x[i]);
  }
  inverse(stages, x);
}

void weighted_norms(const LaneComplex* x, int count, const float* gains, float* sums) {
  const Lanes weights = *reinterpret_cast<const UnalignedLanes*>(gains);
  for (int i = 0; i < count; ++i) {
    Value v;
    load(x[i], v);
    alignas(64) float norms[kLanes];
    *reinterpret_cast<Lanes*>(norms) = weights * (v.re * v.re + v.im * v.im);
    for (int half = kLanes / 2; half > 0; half /= 2)
      for (int l = 0; l < half; ++l) norms[l] += norms[l + half];
    sums[i] = norms[0];
  }
}

void direct(const float* picture, int stride, const float* templates, int height, int width,
            float* results) {
  Lanes sums[kDirectTemplates] = {};
  for (int r = 0; r < height; ++r, picture += stride)
    for (int c = 0; c < width; ++c, templates += kDirectTemplates) {
      const Lanes window = *reinterpret_cast<const UnalignedLanes*>(picture + c);
      for (int t = 0; t < kDirectTemplates; ++t) sums[t] = sums[t] + window * templates[t];
    }
  for (int t = 0; t < kDirectTemplates; ++t)
    *reinterpret_cast<UnalignedLanes*>(results + t * kLanes) = sums[t];
}

#undef HADAL_INLINE

constexpr CorrelationKernels kKernels = {.forward = forward,
                                         .inverse = inverse,
                                         .inverse_of_product = inverse_of_product,
                                         .weighted_norms = weighted_norms,
                                         .direct = direct};

}  // namespace
}  // namespace hadal::eigenfaces
