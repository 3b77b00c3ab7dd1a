// oneDNN as this folder uses it. Versions 2 and 3 differ in how a primitive is described (operation
// descriptors went away, dilations and padding stayed); that difference lives here and nowhere
// else.
#pragma once

#include <cstdint>
#include <unordered_map>

#include <dnnl.hpp>

namespace hadal::cpu {

/// The CPU engine and its stream; one per backend.
struct DnnlEngine {
  DnnlEngine();
  dnnl::engine engine;
  dnnl::stream stream;
};

/// oneDNN runs on OpenMP; a process has one thread for compute. The setting belongs to the calling
/// thread, so every entry into oneDNN makes sure of it.
void use_one_thread();

/// Everything that fixes one convolution; descriptors may have format `any`. `bias` is empty for a
/// convolution without one.
struct ConvolutionShape {
  dnnl::memory::desc src, weights, bias, dst;
  dnnl::memory::dims strides, dilations, padding_before, padding_after;  // dilations: 0 is dense
};

dnnl::convolution_forward::primitive_desc describe_forward(const DnnlEngine& dnnl,
                                                           const ConvolutionShape& shape,
                                                           bool training);

dnnl::convolution_backward_data::primitive_desc describe_backward_data(
    const DnnlEngine& dnnl, const ConvolutionShape& shape,
    const dnnl::convolution_forward::primitive_desc& forward);

dnnl::convolution_backward_weights::primitive_desc describe_backward_weights(
    const DnnlEngine& dnnl, const ConvolutionShape& shape,
    const dnnl::convolution_forward::primitive_desc& forward);

/// A dense descriptor with the given strides.
dnnl::memory::desc strided(const dnnl::memory::dims& dims, const dnnl::memory::dims& strides);

/// The same extents, in whatever order the library likes best.
dnnl::memory::desc any_order(const dnnl::memory::desc& desc);

/// c = op(a) op(b) + beta c; row-major, op(a) is m x k, op(b) is k x n, rows packed.
void sgemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
           const float* a, const float* b, float beta, float* c);

}  // namespace hadal::cpu
