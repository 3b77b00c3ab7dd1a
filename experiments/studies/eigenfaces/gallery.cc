#include "experiments/studies/eigenfaces/gallery.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/linalg/dense.h"

namespace hadal::eigenfaces {
namespace {

constexpr double kIdentityShare = 0.1;

struct NamedMetric {
  Metric metric;
  const char* name;
};
constexpr NamedMetric kMetrics[] = {
    {Metric::kL2, "l2"},
    {Metric::kCosine, "cosine"},
    {Metric::kWhitened, "whitened"},
    {Metric::kWhitenedCosine, "whitened-cosine"},
    {Metric::kWithin, "within"},
    {Metric::kWithinCosine, "within-cosine"},
};

// Mean weights of every person that has pictures; `labels` becomes theirs.
std::vector<float> means_of(const Model& model, std::vector<int>& labels) {
  const auto k = static_cast<std::size_t>(model.k());
  std::vector<double> sums(model.people.size() * k);
  std::vector<int> counts(model.people.size());
  for (std::int64_t j = 0; j < model.m(); ++j) {
    const auto person = static_cast<std::size_t>(model.labels[static_cast<std::size_t>(j)]);
    const std::span<const float> w = model.weights_of(j);
    for (std::size_t i = 0; i < k; ++i) sums[person * k + i] += w[i];
    ++counts[person];
  }
  labels.clear();
  std::vector<float> means;
  for (std::size_t person = 0; person < counts.size(); ++person) {
    if (counts[person] == 0) continue;
    labels.push_back(static_cast<int>(person));
    for (std::size_t i = 0; i < k; ++i)
      means.push_back(static_cast<float>(sums[person * k + i] / counts[person]));
  }
  return means;
}

// M with M^T M = S^-1, k x k: S = R^T R, so M = R^-T, which is lower triangular.
linalg::DenseMatrix within_whitening(const Model& model) {
  const std::int64_t k = model.k();
  std::vector<int> people;
  const std::vector<float> means = means_of(model, people);
  std::vector<std::size_t> row_of(model.people.size());
  for (std::size_t r = 0; r < people.size(); ++r) row_of[static_cast<std::size_t>(people[r])] = r;
  linalg::DenseMatrix differences(model.m(), k);
  for (std::int64_t j = 0; j < model.m(); ++j) {
    const std::size_t row =
        row_of[static_cast<std::size_t>(model.labels[static_cast<std::size_t>(j)])];
    for (std::int64_t i = 0; i < k; ++i)
      differences(j, i) =
          double{model.weights_of(j)[static_cast<std::size_t>(i)]} -
          double{means[row * static_cast<std::size_t>(k) + static_cast<std::size_t>(i)]};
  }
  const auto freedom = model.m() - static_cast<std::int64_t>(people.size());
  linalg::DenseMatrix s = linalg::self_product(differences);
  double trace = 0;
  for (std::int64_t i = 0; i < k; ++i) trace += s(i, i);
  if (freedom < 1 || !(trace > 0))
    throw ConfigError(
        "likeness 'within': nobody has two different training pictures; use l2, cosine or "
        "whitened");
  for (double& value : s.values) value *= (1 - kIdentityShare) / static_cast<double>(freedom);
  for (std::int64_t i = 0; i < k; ++i)
    s(i, i) += kIdentityShare * trace / static_cast<double>(freedom * k);
  const std::optional<linalg::DenseMatrix> r = linalg::cholesky(s);
  HADAL_CHECK(r.has_value());
  return linalg::solve_upper_transposed(*r, linalg::identity(k));
}

}  // namespace

std::string name_of(const Likeness& likeness) {
  for (const NamedMetric& known : kMetrics)
    if (known.metric == likeness.metric)
      return std::string(known.name) +
             (likeness.neighbour == Neighbour::kPicture ? " to pictures" : " to people");
  return "";
}

Likeness likeness_of(const std::string& name) {
  std::vector<std::string> names;
  for (const Likeness& likeness : all_likenesses()) {
    names.push_back(name_of(likeness));
    if (names.back() == name) return likeness;
  }
  throw ConfigError(unknown_name("likeness", name, names));
}

const std::vector<Likeness>& all_likenesses() {
  static const std::vector<Likeness> all = [] {
    std::vector<Likeness> list;
    for (const NamedMetric& known : kMetrics)
      for (const Neighbour neighbour : {Neighbour::kPicture, Neighbour::kPerson})
        list.push_back({known.metric, neighbour});
    return list;
  }();
  return all;
}

Gallery::Gallery(const Model& model, const Likeness& likeness)
    : k_(model.k()),
      cosine_(likeness.metric == Metric::kCosine || likeness.metric == Metric::kWhitenedCosine ||
              likeness.metric == Metric::kWithinCosine),
      labels_(model.labels) {
  if (likeness.metric == Metric::kWhitened || likeness.metric == Metric::kWhitenedCosine)
    for (const double lambda : model.eigenvalues)
      scale_.push_back(static_cast<float>(1 / std::sqrt(lambda)));
  if (likeness.metric == Metric::kWithin || likeness.metric == Metric::kWithinCosine) {
    const linalg::DenseMatrix m = within_whitening(model);
    transform_.assign(m.values.begin(), m.values.end());
  }
  const std::vector<float> raw =
      likeness.neighbour == Neighbour::kPicture ? model.weights : means_of(model, labels_);
  const auto k = static_cast<std::size_t>(k_);
  for (std::size_t r = 0; r < labels_.size(); ++r) {
    const std::vector<float> reference = transformed({raw.data() + r * k, k});
    references_.insert(references_.end(), reference.begin(), reference.end());
  }
}

std::vector<float> Gallery::transformed(std::span<const float> weights) const {
  HADAL_CHECK(static_cast<int>(weights.size()) == k_);
  std::vector<float> result(weights.begin(), weights.end());
  if (!scale_.empty())
    for (std::size_t i = 0; i < result.size(); ++i) result[i] *= scale_[i];
  if (!transform_.empty())
    for (std::size_t i = 0; i < result.size(); ++i) {
      float sum = 0;
      for (std::size_t j = 0; j <= i; ++j) sum += transform_[i * result.size() + j] * weights[j];
      result[i] = sum;
    }
  if (cosine_) {
    double squared = 0;
    for (const double x : result) squared += x * x;
    const float scale = squared > 0 ? static_cast<float>(1 / std::sqrt(squared)) : 0;
    for (float& x : result) x *= scale;
  }
  return result;
}

// |a - r|; of unit vectors 1 - a.r = |a - r|^2 / 2.
double Gallery::distance(std::span<const float> a, std::size_t reference) const {
  const float* r = references_.data() + reference * a.size();
  // Eight sums, so that they go side by side.
  float sums[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= a.size(); i += 8)
    for (std::size_t lane = 0; lane < 8; ++lane) {
      const float difference = a[i + lane] - r[i + lane];
      sums[lane] += difference * difference;
    }
  double squared = 0;
  for (; i < a.size(); ++i) squared += double{a[i] - r[i]} * double{a[i] - r[i]};
  for (const float sum : sums) squared += sum;
  return cosine_ ? squared / 2 : std::sqrt(squared);
}

std::vector<Gallery::Match> Gallery::ranked(std::span<const float> weights) const {
  const std::vector<float> a = transformed(weights);
  std::vector<Match> matches;
  for (std::size_t r = 0; r < labels_.size(); ++r) {
    const Match match{labels_[r], distance(a, r)};
    const auto same = std::ranges::find(matches, match.label, &Match::label);
    if (same == matches.end())
      matches.push_back(match);
    else
      same->distance = std::min(same->distance, match.distance);
  }
  std::ranges::sort(matches, [](const Match& x, const Match& y) {
    return x.distance != y.distance ? x.distance < y.distance : x.label < y.label;
  });
  return matches;
}

Gallery::Match Gallery::nearest(std::span<const float> weights) const {
  const std::vector<float> a = transformed(weights);
  Match best{-1, std::numeric_limits<double>::infinity()};
  for (std::size_t r = 0; r < labels_.size(); ++r) {
    const double d = distance(a, r);
    if (d < best.distance || (d == best.distance && labels_[r] < best.label))
      best = {labels_[r], d};
  }
  return best;
}

}  // namespace hadal::eigenfaces
