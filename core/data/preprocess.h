// What happens to the pixels before a net sees them, fitted on the training images only and kept
// with the checkpoint, so that a net is evaluated with the numbers it was trained with.
//
// A preprocessor is a chain of stages over the D = height x width x channels elements of an image.
// Steps that treat every element by itself (x * scale + offset) melt into one stage, which costs a
// pass over the bytes; contrast normalisation and whitening are stages of their own.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/data/dataset.h"
#include "core/tensor.h"

namespace hadal::data {

/// One step by name. Mean and std are those of the training images as the steps before leave them.
///
///   pad [b]              b rows and columns of zero bytes on each side; only as the first step
///   divide_255           x / 255
///   subtract_pixel_mean  x - mean of each element
///   subtract_channel_mean  x - mean of each channel
///   divide_std           x / std over all elements of all images
///   divide_channel_std   x / std of each channel
///   normalize [m.., s..] (x - m_c) / s_c with given numbers, channels of each
///   lenet_range          0 -> -0.1, 255 -> 1.175 (LeCun et al. 1998, II.B)
///   gcn [scale = 55]     of each image by itself: x -= mean; x *= scale / |x|_2, left out when the
///                        norm is below 1e-8 (pylearn2, global_contrast_normalize)
///   zca [bias = 0.1]     (x - mean) E diag(eigenvalue)^(-1/2) E^T, eigenvectors E and eigenvalues
///                        of X^T X / m + bias I (pylearn2, ZCA); needs D <= 16384
struct PreprocessStep {
  std::string name;
  std::vector<double> values{};
};

/// Names of all steps, in alphabetical order.
const std::vector<std::string>& preprocess_step_names();

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

class Preprocessor {
 public:
  /// Fits `steps` in order on the images `training` of `images`. Throws ConfigError for unknown
  /// steps or values, DataError for a standard deviation of zero.
  static Preprocessor fit(std::span<const PreprocessStep> steps, const ImageSet& images,
                          std::span<const std::int64_t> training);

  /// As saved by state(). Throws DataError when tensors are missing or do not fit.
  static Preprocessor from_state(std::span<const NamedTensor> state);
  std::vector<NamedTensor> state() const;

  int border() const { return border_; }  // of `pad`
  int height() const { return height_; }  // of what comes out
  int width() const { return width_; }
  int channels() const { return channels_; }
  std::int64_t elements() const { return std::int64_t{height_} * width_ * channels_; }

  /// True when each element is treated by itself, so that normalising on the fly is cheap.
  bool is_elementwise() const;

  /// Where is_elementwise(), what apply() does to each of the elements(): in floats, pixel * scale
  /// + offset.
  struct Elementwise {
    std::vector<float> scale, offset;
  };
  Elementwise elementwise() const;

  /// `count` images (already with their border) as floats. pixels, out: count x elements().
  /// Whitening takes images 64 at a time through BLAS, whose last bits may depend on the place of
  /// an image among its 64; all else depends on the image alone.
  void apply(const std::uint8_t* pixels, std::int64_t count, float* out) const;

 private:
  struct Affine {
    std::vector<double> scale, offset;  // D each
    std::vector<float> scale32, offset32;
  };
  struct ContrastNormalization {
    double scale;
  };
  struct Whitening {
    std::vector<float> mean;    // D
    std::vector<float> matrix;  // D x D, symmetric
  };
  using Stage = std::variant<Affine, ContrastNormalization, Whitening>;
  class Fitter;

  static void run(const Affine& stage, std::int64_t count, float* values);
  static void run(const ContrastNormalization& stage, std::int64_t dimension, std::int64_t count,
                  float* values);
  static void run(const Whitening& stage, std::int64_t count, float* values);
  void append_affine(const std::vector<double>& scale, const std::vector<double>& offset);

  int border_ = 0, height_ = 0, width_ = 0, channels_ = 0;
  std::vector<Stage> stages_;
};

}  // namespace hadal::data
