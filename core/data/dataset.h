// What every data set is to the rest of the program: labelled 8-bit images of one size.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hadal::data {

/// `count` images of one size with their labels.
struct ImageSet {
  std::int64_t count = 0;
  int height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels{};  // count x height x width x channels
  std::vector<std::int32_t> labels{};  // count, each in [0, classes)

  std::int64_t bytes_per_image() const {
    return static_cast<std::int64_t>(height) * width * channels;
  }
  const std::uint8_t* image(std::int64_t i) const { return pixels.data() + i * bytes_per_image(); }
};

struct Dataset {
  std::string name{};
  int classes = 0;
  std::vector<std::string> class_names{};  // one per class
  ImageSet train{}, test{};
  // Images of `train` that come from the official training file; the rest is SVHN's `extra` file,
  // which its validation rule counts apart. Equal to train.count everywhere else.
  std::int64_t official_train_count = 0;
};

/// Images per class: `classes` counts. Throws DataError (naming `what`) for a label outside
/// [0, classes).
std::vector<std::int64_t> label_histogram(const ImageSet& set, int classes,
                                          const std::string& what);

/// Appends `more` to `set`; an empty `set` takes its size. Throws DataError unless the image sizes
/// agree.
void append(ImageSet& set, ImageSet&& more);

/// Every image with `border` rows and columns of zero bytes on each side (MNIST's 28 x 28 -> 32 x
/// 32 for LeNet-5 with border 2; zero is the background there).
ImageSet padded(const ImageSet& set, int border);

}  // namespace hadal::data
