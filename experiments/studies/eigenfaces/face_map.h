// The face map: how far every window of a picture is from a face.
//
// Turk and Pentland's way to locate: expand the distance of face_templates.h into correlations of
// the picture with mean face and eigenfaces and sums over every window, and look for small values.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "experiments/studies/eigenfaces/face_correlation.h"
#include "experiments/studies/eigenfaces/face_templates.h"

namespace hadal::eigenfaces {

/// Entry (y, x) is of the window that begins there.
struct FaceMap {
  int height = 0, width = 0;       // H - h + 1, W - w + 1
  std::vector<float> distance{};   // as face_templates.h says
  std::vector<float> deviation{};  // standard deviation of the window as it is, in grey levels

  std::size_t at(int y, int x) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
           static_cast<std::size_t>(x);
  }
};

/// The meaning, in plain loops and float64: every window is relit, projected and measured as
/// face_templates.h says it first. What the fast way is judged by. Throws as FaceMapper.
FaceMap reference_face_map(const Model& model, const image::Image& picture, MapDistance distance);

/// Computes maps of pictures of any size, by the plan that is cheapest for the sizes expected.
class FaceMapper {
 public:
  /// Throws ConfigError as face_templates().
  FaceMapper(const Model& model, MapDistance distance, std::span<const PictureSize> expected);

  /// The reference to float32 accuracy: windows' errors are about 1e-6 of the largest |x - psi|^2
  /// of the picture. The bits do not depend on the number of threads. Throws ShapeError for a
  /// picture that is not grey or is smaller than a window.
  FaceMap map(const image::Image& picture) const;

  const CorrelationPlan& plan() const { return plan_; }

 private:
  FaceTemplates templates_;
  CorrelationPlan plan_;
  DirectCorrelator direct_;
  std::optional<FourierCorrelator> fourier_;
};

}  // namespace hadal::eigenfaces
