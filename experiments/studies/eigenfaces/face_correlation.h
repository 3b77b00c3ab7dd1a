// Correlations of a picture with all templates of a face, fast: what a face map is made of.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "core/image/image.h"
#include "experiments/studies/eigenfaces/correlation_kernels.h"
#include "experiments/studies/eigenfaces/face_templates.h"
#include "experiments/studies/eigenfaces/lane_transform.h"

namespace hadal::eigenfaces {

/// For every window of a picture of H x W, H - h + 1 rows of W - w + 1.
struct Correlations {
  std::vector<float> squares{};  // sum_k +-(v_k . q)^2
  std::vector<float> linear{};   // t . q
};

struct PictureSize {
  int height = 0, width = 0;

  friend bool operator==(const PictureSize&, const PictureSize&) = default;
};

/// Where windows of this size begin. Throws ShapeError for a picture that is not grey or is smaller
/// than a window.
PictureSize windows_of(const image::Image& picture, int height, int width);

/// How the windows of pictures are correlated: every sum written out, or by Fourier transforms of
/// tiles that overlap by a window less one pixel.
struct CorrelationPlan {
  std::optional<PictureSize> tile{};  // none: directly
  double steps = 0;                   // all pictures together
};

/// Work in steps of sixteen lanes (a butterfly of radix 2 is about five), as measured by
/// tests/bench/face_map_bench: what the ways are compared by.
double direct_steps(const FaceTemplates& templates, PictureSize picture);
double fourier_steps(const FaceTemplates& templates, PictureSize picture, PictureSize tile);
double template_steps(const FaceTemplates& templates, PictureSize tile);

/// The plan of fewest steps for pictures of these sizes, among all tiles whose lengths are products
/// of 2, 3 and 5; each picture goes the way that is cheaper for it, and the transforms of the
/// templates are counted once.
CorrelationPlan cheapest_plan(const FaceTemplates& templates,
                              std::span<const PictureSize> pictures);

/// Every sum written out.
class DirectCorrelator {
 public:
  explicit DirectCorrelator(const FaceTemplates& templates,
                            const CorrelationKernels& kernels = correlation_kernels());

  /// Of q = picture - 128. Throws ShapeError for a picture that is not grey or is smaller
  /// than a window.
  Correlations correlate(const image::Image& picture) const;

 private:
  const CorrelationKernels& kernels_;
  int height_, width_, templates_, positive_;  // t is the last of them
  std::vector<float> interleaved_;  // groups of kDirectTemplates: height x width x kDirectTemplates
};

/// By Fourier transforms. Two templates a, b make one complex template a + i b, so that the real
/// and imaginary parts of one inverse transform are two correlations and its squared magnitude is
/// the sum of their squares; sixteen such pairs go side by side through every transform. Windows
/// that would wrap around the tile are the ones not asked for, so tiles are not padded; columns are
/// transformed back first, and rows only where windows begin.
class FourierCorrelator {
 public:
  /// Throws ShapeError for a tile smaller than a window, ConfigError for lengths with prime factors
  /// above 5.
  FourierCorrelator(const FaceTemplates& templates, PictureSize tile,
                    const CorrelationKernels& kernels = correlation_kernels());

  /// Of q = picture - 128. The bits do not depend on the number of threads (OpenMP's). Throws
  /// ShapeError for a picture smaller than a window.
  Correlations correlate(const image::Image& picture) const;

 private:
  struct Room;
  void transform_templates(const FaceTemplates& templates);
  void transform_picture(const image::Image& picture, int top, int left, Room& room) const;
  void correlate_tile(int batch, PictureSize windows, Room& room, float* squares,
                      float* linear) const;
  std::ptrdiff_t spectrum(int batch, int x) const;  // where it begins in spectra_

  const CorrelationKernels& kernels_;
  LaneTransform down_, across_;
  int height_, width_;                // of a window
  int pairs_;                         // the last is t and nothing
  std::vector<float> gains_;          // of every lane of every batch: +1, -1, 0
  std::vector<LaneComplex> spectra_;  // batch x frequency across x frequency down
};

}  // namespace hadal::eigenfaces
