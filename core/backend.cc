// What a backend without kernels of its own for it does: plain loops on the host.
#include "core/backend.h"

#include "core/data/image_gather.h"
#include "core/folded_convolution.h"
#include "core/optim/optimizer.h"

namespace hadal {

Backend::KernelPtr Backend::prepare(const FoldedConv2dOp& op, const KernelContext& context) {
  return fold_on_the_host(op, context, *this);
}

void Backend::move_towards(const TensorView& x, float rate, const TensorView& y) {
  HADAL_CHECK(x.shape == y.shape && !x.device && !y.device);
  const float* from = x.as<float>();
  float* to = y.as<float>();
  for (std::int64_t i = 0; i < y.shape.elements(); ++i) to[i] += rate * (from[i] - to[i]);
}

void Backend::divide(const TensorView& y, float divisor) {
  HADAL_CHECK(!y.device && y.type == DType::kFloat32);
  float* const values = y.as<float>();
  for (std::int64_t i = 0; i < y.shape.elements(); ++i) values[i] /= divisor;
}

void Backend::gather_images(const data::ImageGather& gather) {
  HADAL_CHECK(!gather.pixels.device && !gather.samples.device && !gather.images.device);
  const data::GatheredElement element(gather);
  float* const images = gather.images.as<float>();
  for (std::int64_t i = 0; i < gather.images.shape.elements(); ++i) images[i] = element(i);
}

std::unique_ptr<Optimizer> Backend::optimizer(Parameters& parameters,
                                              const OptimizerOptions& options) {
  return make_optimizer(parameters, options);
}

}  // namespace hadal
