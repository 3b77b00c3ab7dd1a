// Turk and Pentland's four cases: near face space or far from it, near a person or far from all.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "experiments/studies/eigenfaces/calibrate.h"
#include "experiments/studies/eigenfaces/gallery.h"
#include "experiments/studies/eigenfaces/model.h"
#include "experiments/studies/eigenfaces/projector.h"
#include "experiments/studies/eigenfaces/splits.h"

namespace hadal::eigenfaces {

enum class Verdict {
  kKnown,    // near face space, near a person
  kUnknown,  // near face space, far from all: a face of nobody known
  kNoFace,   // far from face space, however near a person (which would be a false recognition)
};

/// "known", "unknown", "not a face".
std::string name_of(Verdict verdict);

struct Answer {
  Verdict verdict = Verdict::kNoFace;
  Gallery::Match match{};  // the nearest person, whatever the verdict
  double space = 0;        // balanced distance; face_space.h
};

class Identifier {
 public:
  /// Throws ConfigError for a model without calibration.
  explicit Identifier(const Model& model);

  /// `picture`: n grey levels.
  Answer identify(std::span<const std::uint8_t> picture) const;
  const Likeness& likeness() const { return likeness_; }

 private:
  const Calibration calibration_;
  const Likeness likeness_;
  const Gallery gallery_;
  const Projector projector_;
};

/// What became of some pictures.
struct Outcomes {
  std::int64_t right = 0;  // known, and the right person
  std::int64_t wrong = 0;  // known, and another person
  std::int64_t unknown = 0;
  std::int64_t no_face = 0;

  std::int64_t count() const { return right + wrong + unknown + no_face; }
};

struct StudyOptions {
  int splits = 10;
  SplitOptions split{};  // the first seed; the others follow it
  TrainOptions train{};  // components above what a split spans are cut to that
  CalibrateOptions calibrate{.ridge = false};
};

/// How often people are recognised, over several splits of the pictures.
struct IdentifyStudy {
  struct Score {
    Likeness likeness;
    std::vector<double> accuracies{};  // by split
  };
  std::vector<Score> scores{};         // of every likeness on the test pictures
  std::vector<double> chosen{};        // accuracy of the likeness that calibration chose, by split
  std::vector<std::string> choices{};  // its name
  /// With both thresholds, all splits together.
  Outcomes known{}, strangers{}, not_faces{};
  /// people x people: test pictures of the row taken for the column by the chosen likeness, without
  /// thresholds.
  std::vector<std::int64_t> confusion{};
};

/// Trains on each split's training pictures, chooses and calibrates on them alone, and asks about
/// the rest: test pictures, strangers and `not_faces` (of the same size; may be none).
IdentifyStudy study_identification(const Pictures& pictures, const Pictures& not_faces,
                                   const StudyOptions& options);

}  // namespace hadal::eigenfaces
