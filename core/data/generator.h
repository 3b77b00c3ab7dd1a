// The built-in data set: pictures of five shapes (disk, square, triangle, cross, ring), solid or
// striped, ten classes in all, at random place, size, rotation and colours, among small solid and
// striped clutter and under noise. No place of the picture and no colour tells anything of the
// class, so a linear classifier finds little; telling stripes from solid takes one or two layers,
// telling the shapes takes more.
//
// An image is a pure function of (seed, split, index), with no libm call in it, so it has the same
// bytes on every machine.
#pragma once

#include <cstdint>

#include "core/data/dataset.h"
#include "core/data/dataset_info.h"

namespace hadal::data {

struct GeneratorOptions {
  std::int64_t train = 10000;
  std::int64_t test = 2000;
  int side = 32;            // height and width in pixels, 16 to 256
  double difficulty = 0.35;  // 0: clear pictures, 1: faint shapes in heavy noise and clutter
  std::uint64_t seed = 1;
};

inline constexpr int kGeneratorClasses = 10;

enum class GeneratorSplit : std::uint64_t { kTrain = 0, kTest = 1 };

/// Writes image `index` (side x side x 3) and returns its label, index mod 10.
/// Throws ConfigError for options out of range.
std::int32_t generate_image(const GeneratorOptions& options, GeneratorSplit split,
                            std::int64_t index, std::uint8_t* pixels);

/// The whole set. Throws ConfigError for options out of range.
Dataset generate_dataset(const GeneratorOptions& options);

/// The set for the registry; its options are those of GeneratorOptions.
DatasetInfo generator_info();

}  // namespace hadal::data
