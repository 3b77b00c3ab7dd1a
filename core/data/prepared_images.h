// Images as a loader reads them: preprocessed floats, one at a time, safe to read from many
// threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/data/dataset.h"
#include "core/data/preprocess.h"

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

 private:
  const ImageSet& source() const { return with_border_.count > 0 ? with_border_ : images_; }

  const ImageSet& images_;
  Preprocessor preprocessor_;
  ImageSet with_border_;
  std::vector<float> values_;  // count x elements, empty when made on the fly
};

}  // namespace hadal::data
