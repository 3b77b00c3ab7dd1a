#include "experiments/studies/eigenfaces/calibrate.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/base/error.h"
#include "experiments/studies/eigenfaces/face_space.h"
#include "experiments/studies/eigenfaces/occlusion.h"
#include "experiments/studies/eigenfaces/projector.h"
#include "experiments/studies/eigenfaces/splits.h"

namespace hadal::eigenfaces {
namespace {

// One face in so many is hidden by a quarter for the ridge, which costs more than recognising it.
constexpr std::int64_t kRidgeEvery = 4;
constexpr double kRidgeShare = 0.25;
// Ridges to choose from, times the variance of a pixel beside face space of held-out faces.
constexpr double kRidges[] = {1, 2, 4, 8, 16, 32, 64, 128, 256};

// What one likeness said of the held-out pictures.
struct Told {
  std::int64_t right = 0, asked = 0;
  std::vector<double> known{}, stranger{};
};

bool has_pairs(const Model& model) {
  std::vector<int> counts(model.people.size());
  return std::ranges::any_of(
      model.labels, [&](int label) { return ++counts[static_cast<std::size_t>(label)] > 1; });
}

bool needs_pairs(Metric metric) {
  return metric == Metric::kWithin || metric == Metric::kWithinCosine;
}

void ask(const Gallery& gallery, std::span<const float> weights, int label, Told& told) {
  const std::vector<Gallery::Match> ranked = gallery.ranked(weights);
  const auto other = std::ranges::find_if(
      ranked, [&](const Gallery::Match& match) { return match.label != label; });
  if (other != ranked.end()) told.stranger.push_back(other->distance);
  if (std::ranges::find(ranked, label, &Gallery::Match::label) == ranked.end()) return;
  ++told.asked;
  told.right += ranked.front().label == label;
  told.known.push_back(ranked.front().distance);
}

// Squared error of hidden pixels by ridge, of one picture.
void hide(const Model& model, std::span<const std::uint8_t> picture, const Visible& visible,
          double variance, std::vector<double>& errors) {
  std::vector<double> ridges;
  for (const double ridge : kRidges) ridges.push_back(ridge * variance);
  const std::vector<VisibleFit> fits = fit_visible(model, picture, visible, ridges);
  for (std::size_t r = 0; r < fits.size(); ++r) {
    const double rmse = hidden_rmse(
        picture, filled(model, picture, visible, fits[r].relight, fits[r].weights), visible);
    errors[r] += rmse * rmse;
  }
}

struct Fold {
  std::vector<std::int64_t> train{}, held_out{};
};

std::vector<Fold> folds(const Pictures& pictures, const CalibrateOptions& options) {
  const std::vector<int> fold_of = folds_of(pictures, options.folds, options.seed);
  std::vector<Fold> folds(static_cast<std::size_t>(options.folds));
  for (std::int64_t i = 0; i < pictures.count(); ++i)
    for (std::size_t f = 0; f < folds.size(); ++f)
      (fold_of[static_cast<std::size_t>(i)] == static_cast<int>(f) ? folds[f].held_out
                                                                   : folds[f].train)
          .push_back(i);
  std::erase_if(folds, [](const Fold& fold) { return fold.held_out.empty(); });
  return folds;
}

}  // namespace

double upper_quantile(std::vector<double> values, double share) {
  HADAL_CHECK(!values.empty());
  std::ranges::sort(values);
  const auto beyond = static_cast<std::size_t>(share * static_cast<double>(values.size()));
  return values[values.size() - 1 - std::min(beyond, values.size() - 1)];
}

double separating_threshold(std::vector<double> known, std::vector<double> stranger) {
  HADAL_CHECK(!known.empty() && !stranger.empty());
  std::ranges::sort(known);
  std::ranges::sort(stranger);
  std::vector<double> values = known;
  values.insert(values.end(), stranger.begin(), stranger.end());
  std::ranges::sort(values);
  double best = values.back(), least = 2;
  for (std::size_t i = 0; i + 1 < values.size(); ++i) {
    const double between = (values[i] + values[i + 1]) / 2;
    const auto share_below = [&](const std::vector<double>& of) {
      return static_cast<double>(std::ranges::upper_bound(of, between) - of.begin()) /
             static_cast<double>(of.size());
    };
    const double mistakes = 1 - share_below(known) + share_below(stranger);
    if (mistakes < least) {
      least = mistakes;
      best = between;
    }
  }
  return best;
}

Calibrated calibrate(const Pictures& pictures, const TrainOptions& options,
                     const CalibrateOptions& calibrate_options) {
  if (calibrate_options.folds < 2)
    throw ConfigError(
        fmt::format("calibrate: {} folds, wanted at least 2", calibrate_options.folds));
  std::vector<Told> told(all_likenesses().size());
  std::vector<bool> usable(told.size(), true);
  std::vector<FaceDistance> distances;
  std::vector<double> ridge_errors(std::size(kRidges));
  double variance = 0;  // of a pixel beside face space, of the faces held out so far
  for (const Fold& fold : folds(pictures, calibrate_options)) {
    const Model model = train_at_most(subset(pictures, fold.train), options);
    const Projector projector(model);
    std::vector<std::vector<float>> weights;
    for (const std::int64_t i : fold.held_out) {
      Projector::Result face = projector.project(pictures.picture(i));
      weights.push_back(std::move(face.weights));
      distances.push_back(face.distance);
    }
    for (std::size_t l = 0; l < told.size(); ++l) {
      const Likeness& likeness = all_likenesses()[l];
      usable[l] = usable[l] && (!needs_pairs(likeness.metric) || has_pairs(model));
      if (!usable[l]) continue;
      const Gallery gallery(model, likeness);
      for (std::size_t i = 0; i < weights.size(); ++i)
        ask(gallery, weights[i], pictures.labels[static_cast<std::size_t>(fold.held_out[i])],
            told[l]);
    }
    if (variance == 0)  // the first fold's, for all
      for (const FaceDistance& distance : distances)
        variance += distance.from_squared /
                    static_cast<double>(model.n() * static_cast<std::int64_t>(distances.size()));
    for (std::size_t i = 0; calibrate_options.ridge && i < fold.held_out.size(); i += kRidgeEvery) {
      const auto index = static_cast<std::uint64_t>(fold.held_out[i]);
      const Rectangle hidden =
          random_rectangle(kRidgeShare, model.height, model.width,
                           {calibrate_options.seed, random::Purpose::kSplit, 4, index});
      hide(model, pictures.picture(fold.held_out[i]), all_but(hidden, model.height, model.width),
           variance, ridge_errors);
    }
  }

  Calibrated result;
  Calibration& calibration = result.calibration;
  for (const FaceDistance& distance : distances) {
    const auto count = static_cast<double>(distances.size());
    calibration.held_out_mean.from_squared += distance.from_squared / count;
    calibration.held_out_mean.in_squared += distance.in_squared / count;
  }
  for (const FaceDistance& distance : distances)
    result.space.push_back(balanced_distance(distance, calibration.held_out_mean));
  calibration.space_threshold = upper_quantile(result.space, calibrate_options.refused_faces);
  const auto least = std::ranges::min_element(ridge_errors) - ridge_errors.begin();
  calibration.ridge = kRidges[least] * variance;
  calibration.roughness = roughness_range(pictures);

  double best = -1;
  for (std::size_t l = 0; l < told.size(); ++l) {
    if (!usable[l] || told[l].asked == 0 || told[l].stranger.empty()) continue;
    const double accuracy = static_cast<double>(told[l].right) / static_cast<double>(told[l].asked);
    result.accuracies.push_back({all_likenesses()[l], accuracy});
    if (accuracy <= best) continue;
    best = accuracy;
    calibration.likeness = name_of(all_likenesses()[l]);
    calibration.person_threshold = separating_threshold(told[l].known, told[l].stranger);
    result.known = told[l].known;
    result.stranger = told[l].stranger;
  }
  if (best < 0)
    throw DataError("calibrate: wanted two people at least, one of them with two pictures");
  return result;
}

}  // namespace hadal::eigenfaces
