#include "experiments/studies/eigenfaces/roc.h"

#include <algorithm>

#include "core/base/error.h"

namespace hadal::eigenfaces {

Roc roc(std::vector<double> faces, std::vector<double> others) {
  HADAL_CHECK(!faces.empty() && !others.empty());
  std::ranges::sort(faces);
  std::ranges::sort(others);
  Roc result{.points = {{0, 0}}};
  std::size_t found = 0, taken = 0;
  while (found < faces.size() || taken < others.size()) {
    const double at = found == faces.size()    ? others[taken]
                      : taken == others.size() ? faces[found]
                                               : std::min(faces[found], others[taken]);
    while (found < faces.size() && faces[found] <= at) ++found;
    while (taken < others.size() && others[taken] <= at) ++taken;
    const RocPoint before = result.points.back();
    const RocPoint now{static_cast<double>(taken) / static_cast<double>(others.size()),
                       static_cast<double>(found) / static_cast<double>(faces.size())};
    result.area +=
        (now.false_share - before.false_share) * (now.true_share + before.true_share) / 2;
    result.points.push_back(now);
  }
  return result;
}

}  // namespace hadal::eigenfaces
