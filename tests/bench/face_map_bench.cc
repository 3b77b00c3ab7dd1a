// The face map of one picture, one scale: processor time of each way, and what of it the plan
// expects.
//
//   face_map_bench [WIDTH HEIGHT [WINDOW_WIDTH WINDOW_HEIGHT [COMPONENTS [REPEATS]]]]
//
// The picture, the mean face and the eigenfaces are random: times do not depend on what they show.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <vector>

#include <fmt/format.h>

#include "core/base/random.h"
#include "experiments/studies/eigenfaces/face_map.h"

namespace hadal::eigenfaces {
namespace {

std::vector<float> random_values(std::size_t count, std::uint64_t stream) {
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i)
    values.push_back(
        random::uniform({.seed = 1, .purpose = random::Purpose::kTest, .a = stream}, i));
  return values;
}

Model random_model(int height, int width, int components) {
  Model model{.height = height, .width = width, .lighting = Lighting::kNormalised};
  const auto n = static_cast<std::size_t>(model.n());
  model.mean = random_values(n, 1);
  model.eigenfaces = random_values(n * static_cast<std::size_t>(components), 2);
  model.eigenvalues.assign(static_cast<std::size_t>(components), 1.0);
  return model;
}

// Median milliseconds of processor time, all threads together.
double time_of(int repeats, const std::function<void()>& work) {
  std::vector<double> times;
  for (int i = 0; i < repeats; ++i) {
    const std::clock_t begin = std::clock();
    work();
    times.push_back(1000.0 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

void report(const char* what, double ms, double steps) {
  fmt::print("{:<34}{:9.2f} ms{:9.3f} ns a step\n", what, ms, 1e6 * ms / steps);
}

int run(int width, int height, int window_width, int window_height, int components, int repeats) {
  const Model model = random_model(window_height, window_width, components);
  const FaceTemplates templates = face_templates(model);
  const PictureSize size{.height = height, .width = width};
  image::Image picture{.height = height, .width = width, .channels = 1};
  for (const float value : random_values(static_cast<std::size_t>(height * width), 3))
    picture.pixels.push_back(static_cast<std::uint8_t>(255 * value));

  const FaceMapper mapper(model, MapDistance::kFaceSpace, std::vector{size});
  const auto tile = mapper.plan().tile;
  fmt::print("{}x{}, window {}x{}, {} eigenfaces: {}\n", width, height, window_width, window_height,
             components,
             tile ? fmt::format("tiles of {}x{}", tile->width, tile->height) : "directly");
  const double map_ms = time_of(repeats, [&] { mapper.map(picture); });
  report("the map, by the plan", map_ms, mapper.plan().steps);
  for (const CorrelationKernels* kernels : {&avx512_kernels(), &portable_kernels()}) {
    if (kernels == &avx512_kernels() && &correlation_kernels() != kernels) continue;
    const bool any = kernels == &portable_kernels();
    const DirectCorrelator direct(templates, *kernels);
    report(any ? "direct, any machine" : "direct", time_of(3, [&] { direct.correlate(picture); }),
           direct_steps(templates, size));
    const PictureSize t =
        tile.value_or(PictureSize{.height = smooth_length(height), .width = smooth_length(width)});
    const FourierCorrelator fourier(templates, t, *kernels);
    report(any ? "Fourier, any machine" : "Fourier",
           time_of(repeats, [&] { fourier.correlate(picture); }),
           fourier_steps(templates, size, t));
    report("  the templates' transforms",
           time_of(3, [&] { FourierCorrelator(templates, t, *kernels); }),
           template_steps(templates, t));
  }
  return 0;
}

}  // namespace
}  // namespace hadal::eigenfaces

int main(int argc, char** argv) {
  const auto argument = [&](int i, int otherwise) {
    return argc > i ? std::atoi(argv[i]) : otherwise;
  };
  return hadal::eigenfaces::run(argument(1, 320), argument(2, 240), argument(3, 92),
                                argument(4, 112), argument(5, 50), argument(6, 20));
}
