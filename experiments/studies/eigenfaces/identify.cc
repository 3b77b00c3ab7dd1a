#include "experiments/studies/eigenfaces/identify.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "experiments/studies/eigenfaces/face_space.h"

namespace hadal::eigenfaces {
namespace {

const Calibration& calibration_of(const Model& model) {
  if (!model.calibration)
    throw ConfigError(
        "eigenfaces: the model has no thresholds: nobody in it has two pictures to calibrate by");
  return *model.calibration;
}

void tell(const Answer& answer, int label, Outcomes& outcomes) {
  if (answer.verdict == Verdict::kNoFace)
    ++outcomes.no_face;
  else if (answer.verdict == Verdict::kUnknown)
    ++outcomes.unknown;
  else
    ++(answer.match.label == label ? outcomes.right : outcomes.wrong);
}

// Of the test pictures, the share that `gallery` takes for the right person.
double accuracy(const Gallery& gallery, const std::vector<std::vector<float>>& weights,
                const std::vector<int>& labels) {
  std::int64_t right = 0;
  for (std::size_t i = 0; i < weights.size(); ++i)
    right += gallery.nearest(weights[i]).label == labels[i];
  return static_cast<double>(right) / static_cast<double>(weights.size());
}

void study_one(const Pictures& pictures, const Pictures& not_faces, const StudyOptions& options,
               std::uint64_t seed, IdentifyStudy& study) {
  SplitOptions split_options = options.split;
  split_options.seed = seed;
  const Split parts = split(pictures, split_options);
  const Pictures known = subset(pictures, parts.train);
  Model model = train_at_most(known, options.train);
  const Calibrated calibrated = calibrate(known, options.train, options.calibrate);
  model.calibration = calibrated.calibration;

  const Projector projector(model);
  std::vector<std::vector<float>> weights;
  std::vector<int> labels;
  for (const std::int64_t i : parts.test) {
    weights.push_back(projector.project(pictures.picture(i)).weights);
    labels.push_back(pictures.labels[static_cast<std::size_t>(i)]);
  }
  if (study.scores.empty())
    for (const Calibrated::Accuracy& of : calibrated.accuracies)
      study.scores.push_back({of.likeness});
  for (IdentifyStudy::Score& score : study.scores)
    score.accuracies.push_back(accuracy(Gallery(model, score.likeness), weights, labels));

  const Identifier identifier(model);
  const Gallery gallery(model, identifier.likeness());
  study.choices.push_back(calibrated.calibration.likeness);
  study.chosen.push_back(accuracy(gallery, weights, labels));
  for (std::size_t i = 0; i < weights.size(); ++i)
    ++study.confusion[static_cast<std::size_t>(labels[i]) * pictures.people.size() +
                      static_cast<std::size_t>(gallery.nearest(weights[i]).label)];
  for (const std::int64_t i : parts.test)
    tell(identifier.identify(pictures.picture(i)), pictures.labels[static_cast<std::size_t>(i)],
         study.known);
  for (const std::int64_t i : parts.strangers)
    tell(identifier.identify(pictures.picture(i)), -1, study.strangers);
  for (std::int64_t i = 0; i < not_faces.count(); ++i)
    tell(identifier.identify(not_faces.picture(i)), -1, study.not_faces);
}

}  // namespace

std::string name_of(Verdict verdict) {
  return verdict == Verdict::kKnown     ? "known"
         : verdict == Verdict::kUnknown ? "unknown"
                                        : "not a face";
}

Identifier::Identifier(const Model& model)
    : calibration_(calibration_of(model)),
      likeness_(likeness_of(calibration_.likeness)),
      gallery_(model, likeness_),
      projector_(model) {}

Answer Identifier::identify(std::span<const std::uint8_t> picture) const {
  const Projector::Result face = projector_.project(picture);
  Answer answer{.match = gallery_.nearest(face.weights),
                .space = balanced_distance(face.distance, calibration_.held_out_mean)};
  if (answer.space <= calibration_.space_threshold)
    answer.verdict = answer.match.distance <= calibration_.person_threshold ? Verdict::kKnown
                                                                            : Verdict::kUnknown;
  return answer;
}

IdentifyStudy study_identification(const Pictures& pictures, const Pictures& not_faces,
                                   const StudyOptions& options) {
  if (options.splits < 1)
    throw ConfigError(fmt::format("identify: {} splits, wanted at least 1", options.splits));
  IdentifyStudy study{
      .confusion = std::vector<std::int64_t>(pictures.people.size() * pictures.people.size())};
  for (int s = 0; s < options.splits; ++s)
    study_one(pictures, not_faces, options, options.split.seed + static_cast<std::uint64_t>(s),
              study);
  return study;
}

}  // namespace hadal::eigenfaces
