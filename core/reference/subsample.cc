#include <algorithm>
#include <vector>

#include "core/reference/kernels.h"
#include "core/reference/nhwc.h"

namespace hadal::reference {
namespace {

template <typename T>
class SubsampleKernel final : public Kernel {
 public:
  SubsampleKernel(const SubsampleOp& op, const KernelContext& context)
      : window_(op.window), out_(context.out.shape) {}

  void forward(const KernelArgs& args) override {
    const Nhwc<T> x(args.in[0]), y(args.out);
    const T* a = args.parameters[0].as<T>();
    const T* b = args.parameters[1].as<T>();
    for_each_output([&](auto n, auto p, auto q, auto c) {
      y(n, p, q, c) = static_cast<T>(a[c] * window_sum(x, n, p, q, c) + b[c]);
    });
  }

  void backward(const KernelArgs& args) override {
    const Nhwc<T> x(args.in[0]), dy(args.d_out);
    const T* a = args.parameters[0].as<T>();
    if (args.d_in[0]) {
      const Nhwc<T> dx(args.d_in[0]);
      for_each_output([&](auto n, auto p, auto q, auto c) {
        for (std::int64_t i = 0; i < window_; ++i)
          for (std::int64_t j = 0; j < window_; ++j)
            dx(n, p * window_ + i, q * window_ + j, c) = a[c] * dy(n, p, q, c);
      });
    }
    if (args.d_parameters.empty()) return;
    std::vector<double> da(static_cast<std::size_t>(out_.c()), 0.0), db = da;
    for_each_output([&](auto n, auto p, auto q, auto c) {
      da[static_cast<std::size_t>(c)] += dy(n, p, q, c) * window_sum(x, n, p, q, c);
      db[static_cast<std::size_t>(c)] += dy(n, p, q, c);
    });
    if (args.d_parameters[0]) std::copy(da.begin(), da.end(), args.d_parameters[0].as<T>());
    if (args.d_parameters[1]) std::copy(db.begin(), db.end(), args.d_parameters[1].as<T>());
  }

 private:
  template <typename Visit>
  void for_each_output(const Visit& visit) const {
    for (std::int64_t n = 0; n < out_.n(); ++n)
      for (std::int64_t p = 0; p < out_.h(); ++p)
        for (std::int64_t q = 0; q < out_.w(); ++q)
          for (std::int64_t c = 0; c < out_.c(); ++c) visit(n, p, q, c);
  }

  double window_sum(const Nhwc<T>& x, std::int64_t n, std::int64_t p, std::int64_t q,
                    std::int64_t c) const {
    double sum = 0;
    for (std::int64_t i = 0; i < window_; ++i)
      for (std::int64_t j = 0; j < window_; ++j) sum += x(n, p * window_ + i, q * window_ + j, c);
    return sum;
  }

  std::int64_t window_;
  Shape out_;
};

}  // namespace

KernelPtr make_kernel(const SubsampleOp& op, const KernelContext& context) {
  return make_for_type<SubsampleKernel>(context.out.type, op, context);
}

}  // namespace hadal::reference
