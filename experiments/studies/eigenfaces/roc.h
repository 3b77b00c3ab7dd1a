// How well a number tells faces (small) from everything else (large).
#pragma once

#include <vector>

namespace hadal::eigenfaces {

/// A threshold's shares: of the others that are taken for faces, of faces that are found.
struct RocPoint {
  double false_share = 0, true_share = 0;
};

struct Roc {
  std::vector<RocPoint> points{};  // from (0, 0) to (1, 1), one for every distinct value
  /// Area under the curve: the chance that a face has the smaller value of a random pair, equal
  /// ones half (Mann, Whitney 1947).
  double area = 0;
};

/// REQUIRES: neither is empty.
Roc roc(std::vector<double> faces, std::vector<double> others);

}  // namespace hadal::eigenfaces
