#include "core/cuda/check.h"
#include "core/cuda/convolution.h"

namespace hadal::cuda {
namespace {

/// All matrices are row-major here; cuBLAS reads them as column-major and so as their transposes.
class Linear final : public Kernel {
 public:
  Linear(const LinearOp& op, const KernelContext& context, CudaDevice& device)
      : bias_(op.bias),
        samples_(static_cast<int>(context.in[0].shape.n())),
        in_(static_cast<int>(context.in[0].shape.elements_per_sample())),
        out_(op.out),
        cublas_(device.cublas()),
        queue_(device.queue()) {}

  std::size_t workspace_bytes() const override {
    return bias_ ? bias_sums_workspace(samples_, out_) : 0;
  }

  /// y (N x out) = x (N x in) W^T.
  void forward(const KernelArgs& args) override {
    float* const y = args.out.as<float>();
    multiply(CUBLAS_OP_T, CUBLAS_OP_N, out_, samples_, in_, args.parameters[0], in_, args.in[0],
             in_, y, out_);
    if (bias_) add_bias(args.parameters[1].as<float>(), y, samples_, out_, queue_);
  }

  /// dx = dy W, dW = dy^T x, db = column sums of dy.
  void backward(const KernelArgs& args) override {
    if (args.d_in[0])
      multiply(CUBLAS_OP_N, CUBLAS_OP_N, in_, samples_, out_, args.parameters[0], in_, args.d_out,
               out_, args.d_in[0].as<float>(), in_);
    if (args.d_parameters.empty()) return;
    if (args.d_parameters[0])
      multiply(CUBLAS_OP_N, CUBLAS_OP_T, in_, out_, samples_, args.in[0], in_, args.d_out, out_,
               args.d_parameters[0].as<float>(), in_);
    if (bias_ && args.d_parameters[1])
      bias_sums(args.d_out.as<float>(), args.d_parameters[1].as<float>(), samples_, out_,
                args.workspace, queue_);
  }

 private:
  /// c (m x n) = a (m x k) b (k x n), column-major.
  void multiply(cublasOperation_t a_form, cublasOperation_t b_form, int m, int n, int k,
                const TensorView& a, int a_stride, const TensorView& b, int b_stride, float* c,
                int c_stride) const {
    const float one = 1, zero = 0;
    HADAL_CHECK_CUDA(cublasSgemm(cublas_, a_form, b_form, m, n, k, &one, a.as<float>(), a_stride,
                                 b.as<float>(), b_stride, &zero, c, c_stride));
  }

  bool bias_;
  int samples_, in_, out_;
  cublasContext* cublas_;
  Queue queue_;
};

}  // namespace

KernelPtr make_linear(const LinearOp& op, const KernelContext& context, CudaDevice& device) {
  return std::make_unique<Linear>(op, context, device);
}

}  // namespace hadal::cuda
