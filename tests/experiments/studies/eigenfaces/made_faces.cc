#include "tests/experiments/studies/eigenfaces/made_faces.h"

#include <algorithm>
#include <cmath>

#include "core/base/random.h"

namespace hadal::eigenfaces {
namespace {

double draw(std::uint64_t what, std::uint64_t who, std::uint64_t index) {
  return random::normal({7, random::Purpose::kTest, what, who}, index);
}

double wave(int person, double y, double x) {
  double sum = 0;
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b)
      sum += draw(1, static_cast<std::uint64_t>(person), static_cast<std::uint64_t>(3 * a + b)) *
             std::cos(3.1 * a * y) * std::cos(3.1 * b * x);
  return sum;
}

}  // namespace

Pictures made_faces(int people, int each, int height, int width) {
  Pictures faces{.height = height, .width = width};
  for (int person = 0; person < people; ++person) {
    faces.people.push_back("person " + std::to_string(person));
    for (int i = 0; i < each; ++i) {
      const auto picture = static_cast<std::uint64_t>(person * each + i);
      const double brightness = 120 + 10 * draw(2, picture, 0);
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
          const double grey = brightness +
                              15 * wave(person, double(y) / height, double(x) / width) +
                              4 * draw(3, picture, static_cast<std::uint64_t>(y * width + x));
          faces.pixels.push_back(static_cast<std::uint8_t>(std::clamp(grey, 0.0, 255.0)));
        }
      faces.labels.push_back(person);
    }
  }
  return faces;
}

}  // namespace hadal::eigenfaces
