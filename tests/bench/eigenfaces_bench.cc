// How long eigenfaces take to train, and one face to be identified.
//
//   eigenfaces_bench FOLDER [components] [training pictures a person]
//
// FOLDER holds a sub-folder of pictures for each person. Training is timed from pictures in memory,
// identifying from the pixels of one picture to the nearest training picture and the distance from
// face space. Prints one JSON line: medians of wall time, and of processor time, which other work
// on the machine disturbs less.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "core/base/clock.h"
#include "experiments/studies/eigenfaces/face_folder.h"
#include "experiments/studies/eigenfaces/face_space.h"
#include "experiments/studies/eigenfaces/gallery.h"
#include "experiments/studies/eigenfaces/projector.h"
#include "experiments/studies/eigenfaces/splits.h"

namespace {

using namespace hadal::eigenfaces;

double processor_time_s() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Times {
  double wall_s, processor_s;
};

Times median_of(int repeats, int calls, const std::function<void()>& work) {
  const hadal::SystemClock clock;
  std::vector<double> wall, processor;
  for (int i = 0; i < repeats; ++i) {
    const double wall_start = clock.now_s(), processor_start = processor_time_s();
    for (int call = 0; call < calls; ++call) work();
    wall.push_back((clock.now_s() - wall_start) / calls);
    processor.push_back((processor_time_s() - processor_start) / calls);
  }
  std::ranges::sort(wall);
  std::ranges::sort(processor);
  return {wall[wall.size() / 2], processor[processor.size() / 2]};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "eigenfaces_bench FOLDER [components] [training pictures a person]\n");
    return 64;
  }
  const int components = argc > 2 ? std::atoi(argv[2]) : 50;
  const int each = argc > 3 ? std::atoi(argv[3]) : 5;
  const Pictures all = read_faces(argv[1]);
  const Split parts = split(all, {.train_per_person = each});
  const Pictures known = subset(all, parts.train), asked = subset(all, parts.test);

  const TrainOptions options{.components = components};
  const Times training = median_of(15, 1, [&] { train(known, options); });

  const Model model = train(known, options);
  const Projector projector(model);
  const Gallery gallery(model, {Metric::kL2, Neighbour::kPicture});
  std::int64_t next = 0, right = 0, count = 0;
  const Times identifying = median_of(15, 400, [&] {
    const std::int64_t i = next++ % asked.count();
    const Projector::Result face = projector.project(asked.picture(i));
    right += gallery.nearest(face.weights).label == asked.labels[static_cast<std::size_t>(i)];
    ++count;
  });
  fmt::print(
      "{{\"pictures\": {}, \"pixels\": {}, \"components\": {}, \"train_ms\": {:.3f}, "
      "\"train_processor_ms\": {:.3f}, \"identify_us\": {:.2f}, \"identify_processor_us\": {:.2f}, "
      "\"recognised\": {:.4f}}}\n",
      known.count(), known.size(), model.k(), 1e3 * training.wall_s, 1e3 * training.processor_s,
      1e6 * identifying.wall_s, 1e6 * identifying.processor_s,
      static_cast<double>(right) / static_cast<double>(count));
}
