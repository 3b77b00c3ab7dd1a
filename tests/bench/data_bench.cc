// Images per second of the generator and of the loader, on one core:
//   build/tests/bench/data_bench
#include <cstdio>

#include "core/base/clock.h"
#include "core/data/generator.h"
#include "core/data/loader.h"
#include "core/data/split.h"

namespace hadal::data {
namespace {

constexpr std::int64_t kImages = 10000;
constexpr int kSteps = 600;

void measure_loader(const PreparedImages& images, const char* name, const Augmentation& a,
                    int prefetch) {
  LoaderOptions options{.global_batch = 100, .augmentation = a};
  options.prefetch = prefetch;
  Loader loader(images, all_indices(kImages), options);
  loader.next();
  const SystemClock clock;
  const double start = clock.now_s();
  for (int step = 0; step < kSteps; ++step) loader.next();
  std::printf("loader, %s, prefetch %d: %.0f images/s\n", name, prefetch,
              kSteps * 100 / (clock.now_s() - start));
}

void measure() {
  const SystemClock clock;
  const double start = clock.now_s();
  const Dataset set = generate_dataset({.train = kImages, .test = 0});
  std::printf("generator: %.0f images/s\n", kImages / (clock.now_s() - start));
  const std::vector<PreprocessStep> steps = {{"subtract_pixel_mean"}, {"divide_std"}};
  const PreparedImages images(set.train, Preprocessor::fit(steps, set.train, all_indices(kImages)));
  for (const int prefetch : {0, 2}) {
    measure_loader(images, "normalised", {}, prefetch);
    measure_loader(images, "and cropped and mirrored", {.pad = 4, .mirror = true}, prefetch);
  }
}

}  // namespace
}  // namespace hadal::data

int main() { hadal::data::measure(); }
