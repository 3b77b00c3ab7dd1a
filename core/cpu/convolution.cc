// Convolution by oneDNN's direct algorithm. Activations are taken in the order the plan keeps them;
// where the library has no fast kernel for that order (a stem's three channels beside nChw16c) it
// chooses and the workspace holds the converted copy. Weights are reordered at every run: they
// change at every step and are small.
#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "core/cpu/kernels.h"
#include "core/cpu/layout.h"
#include "core/cpu/workspace.h"

namespace hadal::cpu {
namespace {

using dnnl::memory;

// As a caller keeps it; where both orders are the same memory, as NHWC unless `blocked`.
memory::desc activation_desc(const TensorView& view, bool blocked) {
  const Shape& s = view.shape;
  return {{s.n(), s.c(), s.h(), s.w()},
          memory::data_type::f32,
          blocked || !is_nhwc(view) ? memory::format_tag::nChw16c : memory::format_tag::nhwc};
}

// The master weights: out x kernel_h x kernel_w x in/groups.
memory::desc weight_desc(const Conv2dOp& op, std::int64_t channels) {
  const std::int64_t in = channels / op.groups, kh = op.kernel_h, kw = op.kernel_w;
  const std::int64_t per_out = kh * kw * in;
  if (op.groups == 1) return strided({op.out, in, kh, kw}, {per_out, 1, kw * in, in});
  const std::int64_t out = op.out / op.groups;
  return strided({op.groups, out, in, kh, kw}, {out * per_out, per_out, 1, kw * in, in});
}

// One operand of one primitive: as the caller has it, and as the primitive wants it.
class Operand {
 public:
  Operand() = default;
  Operand(const DnnlEngine& dnnl, const memory::desc& user, const memory::desc& inner,
          WorkspacePlan& plan)
      : user_(user, dnnl.engine, nullptr), inner_(inner, dnnl.engine, nullptr) {
    if (user == inner) return;
    offset_ = plan.book(inner.get_size());
    load_ = dnnl::reorder(user_, inner_);
    store_ = dnnl::reorder(inner_, user_);
  }

  // Before the primitive: says where the caller's memory is; load() also converts it.
  memory& place(void* data, std::byte* workspace) {
    user_.set_data_handle(data);
    inner_.set_data_handle(offset_ ? workspace + *offset_ : data);
    return inner_;
  }
  memory& load(dnnl::stream& stream, void* data, std::byte* workspace) {
    place(data, workspace);
    if (offset_) load_.execute(stream, user_, inner_);
    return inner_;
  }

  // After the primitive: gives the result to the caller.
  void store(dnnl::stream& stream) {
    if (offset_) store_.execute(stream, inner_, user_);
  }

 private:
  memory user_, inner_;
  std::optional<std::size_t> offset_;
  dnnl::reorder load_, store_;
};

// The caller's descriptors, and what the primitives are asked for.
struct Descriptors {
  Descriptors(const Conv2dOp& op, const KernelContext& context)
      : weights(weight_desc(op, context.in[0].shape.c())) {
    const TensorView &x = context.in[0], &y = context.out;
    const bool nhwc = is_nhwc(x) && is_nhwc(y), blocked = !nhwc && is_blocked(x) && is_blocked(y);
    src = activation_desc(x, blocked);
    dst = activation_desc(y, blocked);
    if (op.bias) bias = memory::desc({op.out}, memory::data_type::f32, memory::format_tag::x);
    // The library has no fast kernels from one order to another; a plan asks for that at stems.
    const bool one_order = nhwc || blocked;
    const int dilation = op.dilation - 1;
    asked = {.src = one_order ? src : any_order(src),
             .weights = any_order(weights),
             .bias = bias,
             .dst = one_order ? dst : any_order(dst),
             .strides = {op.stride_h, op.stride_w},
             .dilations = {dilation, dilation},
             .padding_before = {op.padding.top, op.padding.left},
             .padding_after = {op.padding.bottom, op.padding.right}};
  }
  memory::desc src, dst, weights, bias;
  ConvolutionShape asked;
};

class Scratchpad {
 public:
  Scratchpad() = default;
  Scratchpad(const DnnlEngine& dnnl, const memory::desc& desc, WorkspacePlan& plan)
      : memory_(desc, dnnl.engine, nullptr), offset_(plan.book(desc.get_size())) {}
  memory& place(std::byte* workspace) {
    memory_.set_data_handle(workspace + offset_);
    return memory_;
  }

 private:
  memory memory_;
  std::size_t offset_ = 0;
};

// One direction of the convolution with its operands.
template <typename Primitive>
struct Pass {
  Pass() = default;
  template <typename PrimitiveDesc>
  Pass(const DnnlEngine& dnnl, const PrimitiveDesc& desc) : primitive(desc) {
    scratchpad = Scratchpad(dnnl, desc.scratchpad_desc(), plan);
  }
  Primitive primitive;
  WorkspacePlan plan;
  Operand src, weights, dst;
  Scratchpad scratchpad;
};

class Convolution final : public Kernel {
 public:
  Convolution(const Conv2dOp& op, const KernelContext& context, DnnlEngine& dnnl)
      : dnnl_(dnnl), bias_(op.bias) {
    use_one_thread();
    const Descriptors d(op, context);
    const auto forward = describe_forward(dnnl, d.asked, context.training);
    forward_.emplace(dnnl, forward);
    connect(*forward_, forward.src_desc(), forward.weights_desc(), forward.dst_desc(), d);
    if (context.wants_d_in.at(0)) {
      const auto backward = describe_backward_data(dnnl, d.asked, forward);
      backward_data_.emplace(dnnl, backward);
      connect(*backward_data_, backward.diff_src_desc(), backward.weights_desc(),
              backward.diff_dst_desc(), d);
    }
    if (context.wants_d_parameters) {
      const auto backward = describe_backward_weights(dnnl, d.asked, forward);
      backward_weights_.emplace(dnnl, backward);
      connect(*backward_weights_, backward.src_desc(), backward.diff_weights_desc(),
              backward.diff_dst_desc(), d);
    }
    if (op.bias) bias_memory_ = memory(d.bias, dnnl.engine, nullptr);
  }

  std::size_t workspace_bytes() const override {
    std::size_t bytes = forward_->plan.bytes();
    if (backward_data_) bytes = std::max(bytes, backward_data_->plan.bytes());
    if (backward_weights_) bytes = std::max(bytes, backward_weights_->plan.bytes());
    return bytes;
  }

  void forward(const KernelArgs& args) override {
    use_one_thread();
    auto& p = *forward_;
    Arguments arguments = {
        {DNNL_ARG_SRC, p.src.load(dnnl_.stream, args.in[0].data, args.workspace)},
        {DNNL_ARG_WEIGHTS, p.weights.load(dnnl_.stream, args.parameters[0].data, args.workspace)},
        {DNNL_ARG_DST, p.dst.place(args.out.data, args.workspace)},
        {DNNL_ARG_SCRATCHPAD, p.scratchpad.place(args.workspace)}};
    if (bias_) arguments.insert({DNNL_ARG_BIAS, at(args.parameters[1])});
    p.primitive.execute(dnnl_.stream, arguments);
    p.dst.store(dnnl_.stream);
  }

  void backward(const KernelArgs& args) override {
    use_one_thread();
    if (backward_weights_ && args.d_parameters[0]) run_backward_weights(args);
    if (backward_data_ && args.d_in[0]) run_backward_data(args);
  }

 private:
  using Arguments = std::unordered_map<int, memory>;

  template <typename Primitive>
  void connect(Pass<Primitive>& pass, const memory::desc& src, const memory::desc& weights,
               const memory::desc& dst, const Descriptors& user) {
    pass.src = Operand(dnnl_, user.src, src, pass.plan);
    pass.weights = Operand(dnnl_, user.weights, weights, pass.plan);
    pass.dst = Operand(dnnl_, user.dst, dst, pass.plan);
  }

  memory& at(const TensorView& bias) {
    bias_memory_.set_data_handle(bias.data);
    return bias_memory_;
  }

  void run_backward_weights(const KernelArgs& args) {
    auto& p = *backward_weights_;
    Arguments arguments = {
        {DNNL_ARG_SRC, p.src.load(dnnl_.stream, args.in[0].data, args.workspace)},
        {DNNL_ARG_DIFF_DST, p.dst.load(dnnl_.stream, args.d_out.data, args.workspace)},
        {DNNL_ARG_DIFF_WEIGHTS, p.weights.place(args.d_parameters[0].data, args.workspace)},
        {DNNL_ARG_SCRATCHPAD, p.scratchpad.place(args.workspace)}};
    if (bias_) arguments.insert({DNNL_ARG_DIFF_BIAS, at(args.d_parameters[1])});
    p.primitive.execute(dnnl_.stream, arguments);
    p.weights.store(dnnl_.stream);
  }

  void run_backward_data(const KernelArgs& args) {
    auto& p = *backward_data_;
    p.primitive.execute(
        dnnl_.stream,
        {{DNNL_ARG_DIFF_DST, p.dst.load(dnnl_.stream, args.d_out.data, args.workspace)},
         {DNNL_ARG_WEIGHTS, p.weights.load(dnnl_.stream, args.parameters[0].data, args.workspace)},
         {DNNL_ARG_DIFF_SRC, p.src.place(args.d_in[0].data, args.workspace)},
         {DNNL_ARG_SCRATCHPAD, p.scratchpad.place(args.workspace)}});
    p.src.store(dnnl_.stream);
  }

  DnnlEngine& dnnl_;
  bool bias_;
  memory bias_memory_;
  std::optional<Pass<dnnl::convolution_forward>> forward_;
  std::optional<Pass<dnnl::convolution_backward_data>> backward_data_;
  std::optional<Pass<dnnl::convolution_backward_weights>> backward_weights_;
};

}  // namespace

KernelPtr make_convolution(const Conv2dOp& op, const KernelContext& context, DnnlEngine& dnnl) {
  return std::make_unique<Convolution>(op, context, dnnl);
}

}  // namespace hadal::cpu
