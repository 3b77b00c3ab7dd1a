// cuDNN's graph API, as far as convolutions need it; every cuDNN call of the project but the making
// of its handle is in the source file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/cuda/convolution_form.h"

struct cudnnContext;

namespace hadal::cuda {

enum class ConvolutionPass { kForward, kBackwardData, kBackwardWeights };

/// One engine of cuDNN, configured and ready to run a pass of a convolution. Bias is not its
/// business.
class ConvolutionPlan {
 public:
  virtual ~ConvolutionPlan() = default;
  virtual std::size_t workspace_bytes() const = 0;
  /// Two of the three are read, the third is written: y, dx or dw. `workspace`: 256-byte aligned.
  virtual void run(const void* x, const void* w, const void* y, void* workspace) = 0;
};

/// The engines that cuDNN's heuristics (mode A, then the fallback list) name for a pass, best
/// first, at most `most`: NHWC, float32 without TF32, and of these only those that give the same
/// bits every time. May be empty.
std::vector<std::unique_ptr<ConvolutionPlan>> convolution_plans(cudnnContext* handle,
                                                                ConvolutionPass pass,
                                                                const ConvolutionForm& form,
                                                                int most);

}  // namespace hadal::cuda
