#include <cstring>

#include "core/cpu/channel_rows.h"
#include "core/cpu/elementwise.h"
#include "core/cpu/kernels.h"
#include "core/cpu/philox.h"

namespace hadal::cpu {
namespace {

// Which elements are kept is drawn in forward, one bit each in NHWC order, and read in both
// directions.
class Dropout final : public Kernel {
 public:
  Dropout(const DropoutOp& op, const KernelContext& context)
      : op_(op),
        training_(context.training),
        rows_(context.out),
        in_blocks_(!is_nhwc(context.out)),
        elements_(context.out.shape.elements()),
        per_sample_(context.out.shape.elements_per_sample()) {}

  std::size_t saved_bytes() const override {
    return training_ && !op_.per_sample ? (elements_ + 63) / 64 * 8 : 0;
  }

  void forward(const KernelArgs& args) override {
    if (training_ && !op_.per_sample)
      draw_at_least(stream(args.step),
                    static_cast<std::uint64_t>(args.step.first_sample * per_sample_), elements_,
                    static_cast<float>(op_.rate), reinterpret_cast<std::uint64_t*>(args.saved));
    mask(args, args.in[0].as<float>(), args.out.as<float>());
  }

  void backward(const KernelArgs& args) override {
    if (args.d_in[0]) mask(args, args.d_out.as<float>(), args.d_in[0].as<float>());
  }

 private:
  random::Stream stream(const StepInfo& step) const {
    return {step.seed, random::Purpose::kDropout, step.step, op_.layer_id};
  }

  void mask(const KernelArgs& args, const float* from, float* to) const {
    if (!training_) {
      if (from != to) std::memcpy(to, from, elements_ * sizeof(float));
    } else if (op_.per_sample) {
      mask_samples(args.step, from, to);
    } else {
      mask_elements(reinterpret_cast<const std::uint16_t*>(args.saved), from, to);
    }
  }

  void mask_samples(const StepInfo& step, const float* from, float* to) const {
    for (std::int64_t n = 0; n < rows_.images; ++n) {
      const auto draw = static_cast<std::uint64_t>(step.first_sample + n);
      const bool kept = random::uniform(stream(step), draw) >= static_cast<float>(op_.rate);
      if (kept)
        scale_into(from + n * per_sample_, scale(), false, to + n * per_sample_, per_sample_);
      else
        std::memset(to + n * per_sample_, 0, per_sample_ * sizeof(float));
    }
  }

  HADAL_AVX512 void mask_elements(const std::uint16_t* kept, const float* from, float* to) const {
    const float factor = scale();
    if (!in_blocks_) {
      for_each_16(elements_, [&](std::int64_t i, __mmask16 lanes) HADAL_AVX512 {
        store(to + i, lanes, times(factor, load(from + i, lanes & kept[i / 16])));
      });
      return;
    }
    for (std::int64_t n = 0; n < rows_.images; ++n)
      for (std::int64_t b = 0; b < rows_.blocks; ++b)
        for (std::int64_t p = 0; p < rows_.pixels; ++p) {
          const std::int64_t at = rows_.row(n, b) + p * rows_.pixel_stride;
          const __mmask16 lanes = kept[(n * rows_.pixels + p) * rows_.blocks + b];
          store(to + at, times(factor, load(from + at, lanes)));
        }
  }

  float scale() const { return static_cast<float>(1 / (1 - op_.rate)); }

  DropoutOp op_;
  bool training_;
  ChannelRows rows_;
  bool in_blocks_;
  std::int64_t elements_, per_sample_;
};

}  // namespace

KernelPtr make_dropout(const DropoutOp& op, const KernelContext& context) {
  return std::make_unique<Dropout>(op, context);
}

}  // namespace hadal::cpu
