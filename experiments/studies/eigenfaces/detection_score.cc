#include "experiments/studies/eigenfaces/detection_score.h"

#include <algorithm>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"

namespace hadal::eigenfaces {
namespace {

constexpr const char* kHeading = "file,left,top,width,height";

// Whether each detection, best first, is a hit.
std::vector<bool> hits_of(const Judged& picture, Criterion criterion) {
  std::vector<bool> hit_already(picture.faces.size()), hits;
  for (const Detection& detection : picture.detections) {
    std::ptrdiff_t best = -1;
    double most = -1;
    for (std::size_t i = 0; i < picture.faces.size(); ++i) {
      const double overlapped = overlap(picture.faces[i], detection.box);
      if (hit_already[i] || overlapped <= most ||
          !found(picture.faces[i], detection.box, criterion))
        continue;
      best = static_cast<std::ptrdiff_t>(i);
      most = overlapped;
    }
    if (best >= 0) hit_already[static_cast<std::size_t>(best)] = true;
    hits.push_back(best >= 0);
  }
  return hits;
}

}  // namespace

bool found(const Box& face, const Box& detection, Criterion criterion) {
  if (criterion == Criterion::kOverlap) return overlap(face, detection) >= 0.5;
  const double x = detection.left + detection.width / 2, y = detection.top + detection.height / 2;
  return x >= face.left && x <= face.left + face.width && y >= face.top &&
         y <= face.top + face.height && detection.width <= 2 * face.width &&
         face.width <= 2 * detection.width;
}

std::map<std::string, std::vector<Box>> read_boxes(const std::filesystem::path& csv) {
  std::map<std::string, std::vector<Box>> boxes;
  int number = 0;
  for (const std::string& text : split(read_file(csv), '\n')) {
    const std::string_view line = trim(text);
    const std::string where = fmt::format("{}, line {}", csv.string(), ++number);
    if (number == 1) {
      if (line != kHeading)
        throw DataError(fmt::format("{}: wanted the heading {}", where, kHeading));
      continue;
    }
    if (line.empty()) continue;
    const std::vector<std::string> fields = split(line, ',');
    if (fields.size() != 5)
      throw DataError(fmt::format("{}: {} fields, wanted {}", where, fields.size(), kHeading));
    double values[4];
    try {
      for (std::size_t i = 0; i < 4; ++i) values[i] = parse_double(fields[i + 1], "a box");
    } catch (const ConfigError& e) {
      throw DataError(fmt::format("{}: {}", where, e.what()));
    }
    if (!(values[2] > 0) || !(values[3] > 0))
      throw DataError(fmt::format("{}: a box of {}x{} pixels", where, values[2], values[3]));
    boxes[fields[0]].push_back({values[0], values[1], values[2], values[3]});
  }
  return boxes;
}

Counts count(std::span<const Judged> pictures, double threshold, Criterion criterion) {
  Counts counts;
  for (const Judged& picture : pictures) {
    counts.faces += static_cast<int>(picture.faces.size());
    const std::vector<bool> hits = hits_of(picture, criterion);
    for (std::size_t i = 0; i < hits.size(); ++i)
      if (picture.detections[i].distance <= threshold)
        ++(hits[i] ? counts.hits : counts.false_alarms);
  }
  return counts;
}

std::vector<ScorePoint> score_curve(std::span<const Judged> pictures, Criterion criterion) {
  std::set<double> thresholds;
  for (const Judged& picture : pictures)
    for (const Detection& detection : picture.detections) thresholds.insert(detection.distance);
  std::vector<ScorePoint> curve;
  const double none = -std::numeric_limits<double>::infinity();
  curve.push_back({none, count(pictures, none, criterion)});
  for (const double threshold : thresholds)
    curve.push_back({threshold, count(pictures, threshold, criterion)});
  return curve;
}

double recall_at(std::span<const ScorePoint> curve, double false_alarms) {
  double best = 0;
  for (const ScorePoint& point : curve)
    if (point.counts.false_alarms <= false_alarms) best = std::max(best, point.counts.recall());
  return best;
}

}  // namespace hadal::eigenfaces
