// The images of a batch, a thread for every element.
#include "core/cuda/kernels.h"
#include "core/cuda/parallel.cuh"
#include "core/data/image_gather.h"

namespace hadal::cuda {

void gather_images(const data::ImageGather& gather, const Queue& queue) {
  const data::GatheredElement element(gather);
  float* const images = gather.images.as<float>();
  for_each(queue, gather.images.shape.elements(),
           [=] HADAL_DEVICE(std::int64_t i) { images[i] = element(i); });
}

}  // namespace hadal::cuda
