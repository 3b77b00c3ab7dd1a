#include <cstring>
#include <utility>

#include "core/cpu/kernels.h"
#include "core/cpu/layout.h"
#include "core/cpu/workspace.h"

namespace hadal::cpu {
namespace {

// Matrix products over rows of NHWC samples; an input kept in blocks is unpacked first.
class Linear final : public Kernel {
 public:
  Linear(const LinearOp& op, const KernelContext& context)
      : samples_(context.out.shape.n()),
        in_(context.in[0].shape.elements_per_sample()),
        out_(op.out),
        bias_(op.bias),
        unpack_(!is_nhwc(context.in[0])),
        unpacked_bytes_(unpack_ ? context.in[0].bytes() : 0) {}

  std::size_t workspace_bytes() const override { return unpacked_bytes_; }

  void forward(const KernelArgs& args) override {
    const float* x = rows_of(args);
    float* y = args.out.as<float>();
    if (bias_)
      for (std::int64_t n = 0; n < samples_; ++n)
        std::memcpy(y + n * out_, args.parameters[1].data, out_ * sizeof(float));
    sgemm(false, true, samples_, out_, in_, x, args.parameters[0].as<float>(), bias_ ? 1.0f : 0.0f,
          y);
  }

  void backward(const KernelArgs& args) override {
    const float* dy = args.d_out.as<float>();
    if (!args.d_parameters.empty() && args.d_parameters[0]) {
      sgemm(true, false, out_, in_, samples_, dy, rows_of(args), 0.0f,
            args.d_parameters[0].as<float>());
      if (bias_) add_up_rows(dy, args.d_parameters[1].as<float>());
    }
    if (args.d_in[0]) {
      TensorView dx = args.d_in[0];
      if (unpack_) {
        dx.layout = Layout::kNhwc;
        dx.data = args.workspace;
      }
      sgemm(false, false, samples_, in_, out_, dy, args.parameters[0].as<float>(), 0.0f,
            dx.as<float>());
      if (unpack_) reorder(dx, args.d_in[0]);
    }
  }

 private:
  const float* rows_of(const KernelArgs& args) const {
    if (!unpack_) return args.in[0].as<float>();
    TensorView rows = args.in[0];
    rows.layout = Layout::kNhwc;
    rows.data = args.workspace;
    reorder(args.in[0], rows);
    return rows.as<float>();
  }

  void add_up_rows(const float* dy, float* db) const {
    std::memset(db, 0, out_ * sizeof(float));
    for (std::int64_t n = 0; n < samples_; ++n)
      for (std::int64_t o = 0; o < out_; ++o) db[o] += dy[n * out_ + o];
  }

  std::int64_t samples_, in_, out_;
  bool bias_, unpack_;
  std::size_t unpacked_bytes_;
};

}  // namespace

KernelPtr make_linear(const LinearOp& op, const KernelContext& context) {
  return std::make_unique<Linear>(op, context);
}

}  // namespace hadal::cpu
