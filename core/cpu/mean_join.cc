#include <algorithm>
#include <cstring>
#include <vector>

#include "core/cpu/elementwise.h"
#include "core/cpu/kernels.h"

namespace hadal::cpu {
namespace {

class MeanJoin final : public Kernel {
 public:
  explicit MeanJoin(const KernelContext& context) : elements_(context.out.shape.elements()) {}

  bool adds_to_d_in(int /*input*/) const override { return true; }
  // How many inputs were present: in backward a null d_in may also mean that nobody wants it.
  std::size_t saved_bytes() const override { return sizeof(std::int64_t); }

  HADAL_AVX512 void forward(const KernelArgs& args) override {
    std::vector<const float*> present;
    for (const TensorView& x : args.in)
      if (x) present.push_back(x.as<float>());
    HADAL_CHECK(!present.empty());
    const auto count = static_cast<std::int64_t>(present.size());
    const float share = 1.0f / static_cast<float>(count);
    float* y = args.out.as<float>();
    for_each_16(elements_, [&](std::int64_t i, __mmask16 lanes) HADAL_AVX512 {
      __m512 sum = _mm512_setzero_ps();
      for (const float* x : present) sum = plus(sum, load(x + i, lanes));
      store(y + i, lanes, times(share, sum));
    });
    if (args.saved) std::memcpy(args.saved, &count, sizeof(count));
  }

  void backward(const KernelArgs& args) override {
    std::int64_t count = 0;
    std::memcpy(&count, args.saved, sizeof(count));
    const float share = 1.0f / static_cast<float>(count);
    // Input 0 last: d_in[0] may be the memory of d_out.
    for (std::size_t i = args.d_in.size(); i-- > 0;)
      if (args.d_in[i])
        scale_into(args.d_out.as<float>(), share, adds(args, i), args.d_in[i].as<float>(),
                   elements_);
  }

 private:
  std::int64_t elements_;
};

}  // namespace

KernelPtr make_mean_join(const KernelContext& context) {
  return std::make_unique<MeanJoin>(context);
}

}  // namespace hadal::cpu
