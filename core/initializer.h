// Initial values of parameters, each a pure function of (seed, parameter name, element).
//
// Fans of a convolution weight out x kh x kw x in: fan_in = kh*kw*in, fan_out = kh*kw*out; of a
// matrix out x in: in and out.
#pragma once

#include <cstdint>
#include <string>

#include "core/tensor.h"

namespace hadal {

enum class InitializerKind {
  kConstant,         // value
  kGaussian,         // N(0, value^2)
  kTruncatedNormal,  // N(0, value^2), redrawn beyond 2 value
  kUniform,          // U(-value, value)
  kHeFanIn,          // N(0, 2 / fan_in)                           He et al. 2015
  kHeFanOut,         // N(0, 2 / fan_out)                          as fb.resnet.torch
  kGlorotUniform,    // U(+-sqrt(6 / (fan_in + fan_out)))          Glorot & Bengio 2010
  kGlorotNormal,     // N(0, 2 / (fan_in + fan_out))
  kXavierFanIn,      // U(+-sqrt(3 / fan_in))                      Caffe's "xavier"
  kFanInUniform,     // U(+-value / fan_in)                        LeCun et al. 1998, value 2.4
  kOrthogonal,       // orthonormal rows or columns (whichever is fewer) of out x rest, times value
  kCode,             // the fixed +-1 codes of LeNet-5's RBF units
};

struct Initializer {
  InitializerKind kind = InitializerKind::kConstant;
  double value = 0.0;

  static Initializer constant(double value) { return {InitializerKind::kConstant, value}; }
  static Initializer gaussian(double deviation) { return {InitializerKind::kGaussian, deviation}; }
  static Initializer truncated_normal(double deviation) {
    return {InitializerKind::kTruncatedNormal, deviation};
  }
  static Initializer uniform(double limit) { return {InitializerKind::kUniform, limit}; }
  static Initializer he_fan_in() { return {InitializerKind::kHeFanIn, 0}; }
  static Initializer he_fan_out() { return {InitializerKind::kHeFanOut, 0}; }
  static Initializer glorot_uniform() { return {InitializerKind::kGlorotUniform, 0}; }
  static Initializer glorot_normal() { return {InitializerKind::kGlorotNormal, 0}; }
  static Initializer xavier_fan_in() { return {InitializerKind::kXavierFanIn, 0}; }
  static Initializer fan_in_uniform(double scale) {
    return {InitializerKind::kFanInUniform, scale};
  }
  static Initializer orthogonal(double gain = 1.0) { return {InitializerKind::kOrthogonal, gain}; }
  static Initializer code() { return {InitializerKind::kCode, 0}; }
};

/// Fills `values` (float32 or float64, the same draws). `name` is the parameter's full name; it
/// selects the stream, so a parameter's values do not depend on which others exist.
void initialize(const TensorView& values, const Initializer& initializer, std::uint64_t seed,
                const std::string& name);

}  // namespace hadal
