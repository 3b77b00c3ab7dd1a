// Images as a loader reads them: preprocessed floats, one at a time, safe to read from many
// threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/data/augment.h"
#include "core/data/dataset.h"
#include "core/data/preprocess.h"
#include "core/tensor.h"

namespace hadal {
class Backend;
}

namespace hadal::data {

class PreparedImages {
 public:
  /// `images` must outlive this and stay as they are. Elementwise preprocessing is done when an
  /// image is read; contrast normalisation and whitening are done here for the whole set, which
  /// then takes four bytes per element more;
  /// its bits are functions of the set and the preprocessor.
  PreparedImages(const ImageSet& images, const Preprocessor& preprocessor);

  std::int64_t count() const { return images_.count; }
  int height() const { return preprocessor_.height(); }
  int width() const { return preprocessor_.width(); }
  int channels() const { return preprocessor_.channels(); }
  std::int64_t elements() const { return preprocessor_.elements(); }
  std::int32_t label(std::int64_t image) const {
    return images_.labels[static_cast<std::size_t>(image)];
  }

  /// Image as height x width x channels floats: in place where they are kept, else in `scratch`
  /// (elements() floats).
  const float* read(std::int64_t image, float* scratch) const;

  /// The part of a device's free memory that a set may take; what is placed after it wants room
  /// too.
  static constexpr double kShareOfDevice = 0.5;

  /// Copies all images to the device of `backend`, which must outlive this and makes the batches of
  /// every loader that is made from now on. False, and nothing is copied, where the backend works
  /// in the host's memory or the images would take more than kShareOfDevice.
  bool place_on(Backend& backend);
  /// Where batches are made; null: in the host's memory.
  Device* device() const { return pixels_there_.device(); }
  /// REQUIRES: device(), where samples and images lie (ImageGather says what they are).
  void gather(const TensorView& samples, const Augmentation& augmentation,
              const TensorView& images) const;

 private:
  const ImageSet& source() const { return with_border_.count > 0 ? with_border_ : images_; }

  const ImageSet& images_;
  Preprocessor preprocessor_;
  ImageSet with_border_;
  std::vector<float> values_;  // count x elements, empty when made on the fly
  Backend* backend_ = nullptr;
  Tensor pixels_there_, scale_there_, offset_there_;  // as ImageGather wants them
};

}  // namespace hadal::data
