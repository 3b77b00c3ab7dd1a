// The inner loops of a face map: Fourier transforms of sixteen complex sequences side by side, and
// direct correlation with a few templates at once. They are compiled twice from
// correlation_loops.h, for AVX-512 and for any machine; correlation_kernels() picks.
//
// Plain pointers only: a file compiled for AVX-512 must not bring inline functions of the standard
// library, which the linker could then use for code that runs on every machine.
#pragma once

namespace hadal::eigenfaces {

inline constexpr int kLanes = 16;
/// Templates side by side in a direct correlation.
inline constexpr int kDirectTemplates = 8;

/// One element of sixteen complex sequences.
struct alignas(64) LaneComplex {
  float re[kLanes], im[kLanes];
};

/// `blocks` times: transforms of `radix` (2, 3, 4, 5) points that are `span` apart.
struct TransformStage {
  int radix, span, blocks;
  const float* twiddles;  // span x (radix - 1) pairs (cos, sin) of 2 pi j q / (radix span)
};

struct TransformStages {
  int length, count;
  const TransformStage* first;
};

struct CorrelationKernels {
  /// In place, X[f] = sum_i x[i] exp(-2 pi i f / length); natural order in, an order of frequencies
  /// out that only inverse() knows. Products of two spectra need no other.
  /// Source: Gentleman, Sande 1966 (decimation in frequency), run backwards for the inverse.
  void (*forward)(const TransformStages& stages, LaneComplex* x);
  /// In place, back from that order to the natural one, without 1 / length.
  void (*inverse)(const TransformStages& stages, LaneComplex* x);
  /// x[i] = g[i] p[i] with p as pairs (re, im), then inverse() of x.
  void (*inverse_of_product)(const TransformStages& stages, const LaneComplex* g, const float* p,
                             LaneComplex* x);
  /// sums[i] = sum over lanes of gains[lane] |x[i]|^2, in a fixed order.
  void (*weighted_norms)(const LaneComplex* x, int count, const float* gains, float* sums);
  /// For sixteen windows of height x width one after another in a row of the picture, `stride`
  /// values a row: results[t kLanes + i] = sum_{r,c} templates[(r width + c) kDirectTemplates + t]
  /// picture[r stride + c + i].
  void (*direct)(const float* picture, int stride, const float* templates, int height, int width,
                 float* results);
};

const CorrelationKernels& portable_kernels();
const CorrelationKernels& avx512_kernels();
/// Those of AVX-512 where the machine has it.
const CorrelationKernels& correlation_kernels();

}  // namespace hadal::eigenfaces
