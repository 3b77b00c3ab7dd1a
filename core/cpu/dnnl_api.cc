#include "core/cpu/dnnl_api.h"

#include <omp.h>

#include "core/base/error.h"

namespace hadal::cpu {
namespace {

using dnnl::algorithm;
using dnnl::prop_kind;

// Scratch memory comes from the plan's arena.
dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

prop_kind kind_of_forward(bool training) {
  return training ? prop_kind::forward_training : prop_kind::forward_inference;
}

}  // namespace

DnnlEngine::DnnlEngine() : engine(dnnl::engine::kind::cpu, 0), stream(engine) { use_one_thread(); }

void use_one_thread() {
  if (omp_get_max_threads() != 1) omp_set_num_threads(1);
}

#if DNNL_VERSION_MAJOR >= 3

dnnl::convolution_forward::primitive_desc describe_forward(const DnnlEngine& dnnl,
                                                           const ConvolutionShape& s,
                                                           bool training) {
  return {dnnl.engine,
          kind_of_forward(training),
          algorithm::convolution_direct,
          s.src,
          s.weights,
          s.bias,
          s.dst,
          s.strides,
          s.dilations,
          s.padding_before,
          s.padding_after,
          user_scratchpad()};
}

dnnl::convolution_backward_data::primitive_desc describe_backward_data(
    const DnnlEngine& dnnl, const ConvolutionShape& s,
    const dnnl::convolution_forward::primitive_desc& forward) {
  return {dnnl.engine,
          algorithm::convolution_direct,
          s.src,
          s.weights,
          s.dst,
          s.strides,
          s.dilations,
          s.padding_before,
          s.padding_after,
          forward,
          user_scratchpad()};
}

dnnl::convolution_backward_weights::primitive_desc describe_backward_weights(
    const DnnlEngine& dnnl, const ConvolutionShape& s,
    const dnnl::convolution_forward::primitive_desc& forward) {
  return {dnnl.engine,
          algorithm::convolution_direct,
          s.src,
          s.weights,
          s.bias,
          s.dst,
          s.strides,
          s.dilations,
          s.padding_before,
          s.padding_after,
          forward,
          user_scratchpad()};
}

#else

dnnl::convolution_forward::primitive_desc describe_forward(const DnnlEngine& dnnl,
                                                           const ConvolutionShape& s,
                                                           bool training) {
  const dnnl::convolution_forward::desc desc(
      kind_of_forward(training), algorithm::convolution_direct, s.src, s.weights, s.bias, s.dst,
      s.strides, s.dilations, s.padding_before, s.padding_after);
  return {desc, user_scratchpad(), dnnl.engine};
}

dnnl::convolution_backward_data::primitive_desc describe_backward_data(
    const DnnlEngine& dnnl, const ConvolutionShape& s,
    const dnnl::convolution_forward::primitive_desc& forward) {
  const dnnl::convolution_backward_data::desc desc(algorithm::convolution_direct, s.src, s.weights,
                                                   s.dst, s.strides, s.dilations, s.padding_before,
                                                   s.padding_after);
  return {desc, user_scratchpad(), dnnl.engine, forward};
}

dnnl::convolution_backward_weights::primitive_desc describe_backward_weights(
    const DnnlEngine& dnnl, const ConvolutionShape& s,
    const dnnl::convolution_forward::primitive_desc& forward) {
  const dnnl::convolution_backward_weights::desc desc(
      algorithm::convolution_direct, s.src, s.weights, s.bias, s.dst, s.strides, s.dilations,
      s.padding_before, s.padding_after);
  return {desc, user_scratchpad(), dnnl.engine, forward};
}

#endif

dnnl::memory::desc strided(const dnnl::memory::dims& dims, const dnnl::memory::dims& strides) {
  return {dims, dnnl::memory::data_type::f32, strides};
}

dnnl::memory::desc any_order(const dnnl::memory::desc& desc) {
#if DNNL_VERSION_MAJOR >= 3
  return {desc.get_dims(), desc.get_data_type(), dnnl::memory::format_tag::any};
#else
  return {desc.dims(), desc.data_type(), dnnl::memory::format_tag::any};
#endif
}

void sgemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
           const float* a, const float* b, float beta, float* c) {
  use_one_thread();
  const dnnl::status status =
      dnnl::sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, 1.0f, a,
                  transpose_a ? m : k, b, transpose_b ? k : n, beta, c, n);
  HADAL_CHECK(status == dnnl::status::success);
}

}  // namespace hadal::cpu
