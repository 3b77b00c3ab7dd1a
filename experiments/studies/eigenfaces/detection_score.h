// How well detections find the boxes that somebody drew.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "experiments/studies/eigenfaces/suppression.h"

namespace hadal::eigenfaces {

enum class Criterion {
  kOverlap,  // overlap() at least 0.5
  kCentre,   // the detection's centre lies in the box, and their widths are within a factor of 2
};

bool found(const Box& face, const Box& detection, Criterion criterion);

/// A CSV file with the heading "file,left,top,width,height" and a box a line: boxes by file.
/// Throws IoError; DataError that names the line.
std::map<std::string, std::vector<Box>> read_boxes(const std::filesystem::path& csv);

/// One picture: its faces, and what was detected.
struct Judged {
  std::vector<Box> faces{};
  std::vector<Detection> detections{};
};

struct Counts {
  int faces = 0, hits = 0, false_alarms = 0;

  double recall() const { return faces > 0 ? static_cast<double>(hits) / faces : 0; }
  double precision() const {
    return hits + false_alarms > 0 ? static_cast<double>(hits) / (hits + false_alarms) : 0;
  }
};

/// Detections up to `threshold`, best first: each hits the face that it overlaps most of those it
/// finds and nobody hit before; another detection of a face that was hit is a false alarm.
Counts count(std::span<const Judged> pictures, double threshold, Criterion criterion);

/// Counts at every threshold that changes them, from none detected to all.
struct ScorePoint {
  double threshold = 0;
  Counts counts{};
};
std::vector<ScorePoint> score_curve(std::span<const Judged> pictures, Criterion criterion);

/// The most that is recalled with at most so many false alarms in all.
double recall_at(std::span<const ScorePoint> curve, double false_alarms);

}  // namespace hadal::eigenfaces
