#include "core/data/generator.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/base/strings.h"

namespace hadal::data {
namespace {

// The numbers below were found by trial: nets must differ on the set, and none may be perfect.
constexpr float kMinRadius = 7.0f, kMaxRadius = 11.5f;  // of the shape, in pixels of a side of 32
constexpr float kMaxTilt = 0.18f;  // tan of half the largest rotation (20 degrees)
constexpr float kStripesPerRadius = 2.2f;
constexpr int kMostClutter = 8;

struct Color {
  std::array<float, 3> rgb;
};

// Draws of one image in the order they are asked for.
class Draws {
 public:
  explicit Draws(const random::Stream& stream) : stream_(stream) {}

  std::uint32_t bits() {
    if (used_ == 4) {
      words_ = random::block(stream_, next_++);
      used_ = 0;
    }
    return words_[static_cast<std::size_t>(used_++)];
  }
  float between(float low, float high) {
    return low + (high - low) * (static_cast<float>(bits() >> 8) * 0x1p-24f);
  }
  int below(int n) {
    return static_cast<int>((std::uint64_t{bits()} * static_cast<std::uint64_t>(n)) >> 32);
  }
  // Four words at once, for noise; leaves the words of the block at hand.
  std::array<std::uint32_t, 4> whole_block() { return random::block(stream_, next_++); }

 private:
  random::Stream stream_;
  std::uint64_t next_ = 0;
  std::array<std::uint32_t, 4> words_{};
  int used_ = 4;
};

// A figure in its own coordinates (u, v), 1 = its radius; the enumerators are classes mod 5.
enum class Figure { kDisk, kSquare, kTriangle, kCross, kRing };
constexpr int kFigures = 5;

bool covers(Figure figure, float u, float v) {
  const float au = std::fabs(u), av = std::fabs(v);
  const float square = u * u + v * v;
  switch (figure) {
    case Figure::kDisk:
      return square < 0.81f;
    case Figure::kSquare:
      return au < 0.8f && av < 0.8f;
    case Figure::kTriangle:
      return v < 0.75f && au < 0.55f * (v + 1.0f);
    case Figure::kCross:
      return (au < 0.34f && av < 1.0f) || (av < 0.34f && au < 1.0f);
    case Figure::kRing:
      return square < 0.9f && square > 0.3f;
  }
  return false;
}

struct Placement {
  float x, y, radius;  // centre and radius in pixels
  float cosine, sine;
  float stripe_phase;
  bool striped;
};

Placement place(Draws& draws, float low, float high, float radius, bool striped) {
  const float x = draws.between(low, high), y = draws.between(low, high);
  // Half-angle form: exact on every machine, unlike sin and cos.
  const float t = draws.between(-kMaxTilt, kMaxTilt);
  return {.x = x,
          .y = y,
          .radius = radius,
          .cosine = (1 - t * t) / (1 + t * t),
          .sine = 2 * t / (1 + t * t),
          .stripe_phase = draws.between(0.0f, 2.0f),
          .striped = striped};
}

class Canvas {
 public:
  explicit Canvas(int side) : side_(side), values_(static_cast<std::size_t>(side) * side * 3) {}

  // From one corner to the others: `across` and `down` are the changes over a whole side.
  void fill_gradient(const Color& from, const Color& across, const Color& down) {
    const float step = 1.0f / static_cast<float>(side_);
    float* out = values_.data();
    for (int y = 0; y < side_; ++y)
      for (int x = 0; x < side_; ++x)
        for (std::size_t c = 0; c < 3; ++c)
          *out++ = from.rgb[c] + step * (across.rgb[c] * static_cast<float>(x) +
                                         down.rgb[c] * static_cast<float>(y));
  }

  void draw(Figure figure, const Placement& p, const Color& color) {
    const float reach = 1.45f * p.radius;  // a square's corner at any rotation
    const int top = std::max(0, static_cast<int>(p.y - reach));
    const int bottom = std::min(side_ - 1, static_cast<int>(p.y + reach));
    const int left = std::max(0, static_cast<int>(p.x - reach));
    const int right = std::min(side_ - 1, static_cast<int>(p.x + reach));
    for (int y = top; y <= bottom; ++y)
      for (int x = left; x <= right; ++x) {
        const float dx = (static_cast<float>(x) - p.x) / p.radius;
        const float dy = (static_cast<float>(y) - p.y) / p.radius;
        const float u = dx * p.cosine + dy * p.sine, v = dy * p.cosine - dx * p.sine;
        if (!covers(figure, u, v)) continue;
        const int stripe = static_cast<int>((u + 2.0f) * kStripesPerRadius + p.stripe_phase);
        if (p.striped && stripe % 2 == 0) continue;
        std::copy_n(color.rgb.begin(), 3, values_.begin() + 3 * (y * side_ + x));
      }
  }

  // Adds noise uniform in [-amplitude, amplitude), rounds and clips. One random byte per value.
  void finish(Draws& draws, float amplitude, std::uint8_t* pixels) const {
    const std::size_t n = values_.size();
    std::vector<std::uint8_t> noise((n + 15) / 16 * 16);
    for (std::size_t i = 0; i < noise.size(); i += 16) {
      const auto words = draws.whole_block();
      static_assert(std::endian::native == std::endian::little && sizeof(words) == 16);
      std::memcpy(noise.data() + i, words.data(), sizeof(words));
    }
    const float scale = amplitude / 128.0f;
    for (std::size_t i = 0; i < n; ++i) {
      const float value = values_[i] + scale * (static_cast<float>(noise[i]) - 128.0f) + 0.5f;
      pixels[i] =
          static_cast<std::uint8_t>(static_cast<int>(std::min(255.0f, std::max(0.0f, value))));
    }
  }

 private:
  int side_;
  std::vector<float> values_;  // side x side x 3, 0 to 255
};

Color any_color(Draws& draws, float low, float high) {
  return {{draws.between(low, high), draws.between(low, high), draws.between(low, high)}};
}

// A colour at `contrast` from `from`, lighter or darker, with a tint of its own.
Color contrasting(Draws& draws, const Color& from, float contrast) {
  const float sign = draws.below(2) == 0 ? -1.0f : 1.0f;
  Color color;
  for (std::size_t c = 0; c < 3; ++c)
    color.rgb[c] = from.rgb[c] + sign * contrast * draws.between(0.5f, 1.5f);
  return color;
}

void require_valid(const GeneratorOptions& o) {
  if (o.train < 1 || o.test < 0 || o.train > 100'000'000 || o.test > 100'000'000)
    throw ConfigError(fmt::format(
        "generator: {} training and {} test images, wanted 1 to 100000000 and 0 to 100000000",
        o.train, o.test));
  if (o.side < 16 || o.side > 256)
    throw ConfigError(fmt::format("generator: side {}, wanted 16 to 256", o.side));
  if (!(o.difficulty >= 0 && o.difficulty <= 1))
    throw ConfigError(fmt::format("generator: difficulty {}, wanted 0 to 1", o.difficulty));
}

ImageSet generate_set(const GeneratorOptions& options, GeneratorSplit split, std::int64_t count) {
  ImageSet set{.count = count, .height = options.side, .width = options.side, .channels = 3};
  set.pixels.resize(static_cast<std::size_t>(count * set.bytes_per_image()));
  set.labels.resize(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i)
    set.labels[static_cast<std::size_t>(i)] =
        generate_image(options, split, i, set.pixels.data() + i * set.bytes_per_image());
  return set;
}

}  // namespace

std::int32_t generate_image(const GeneratorOptions& options, GeneratorSplit split,
                            std::int64_t index, std::uint8_t* pixels) {
  require_valid(options);
  Draws draws({.seed = options.seed,
               .purpose = random::Purpose::kGenerator,
               .a = static_cast<std::uint64_t>(split),
               .b = static_cast<std::uint64_t>(index)});
  const auto label = static_cast<std::int32_t>(index % kGeneratorClasses);
  const auto difficulty = static_cast<float>(options.difficulty);
  const auto side = static_cast<float>(options.side);
  const float unit = side / 32.0f;

  Canvas canvas(options.side);
  const Color background = any_color(draws, 70.0f, 185.0f);
  canvas.fill_gradient(background, any_color(draws, -40.0f, 40.0f),
                       any_color(draws, -40.0f, 40.0f));

  const int clutter = draws.below(2 + static_cast<int>(difficulty * kMostClutter));
  for (int i = 0; i < clutter; ++i) {
    const Color color = contrasting(draws, background, 70.0f);
    const auto figure = static_cast<Figure>(draws.below(kFigures));
    const float radius = unit * draws.between(1.5f, 3.5f);
    canvas.draw(figure, place(draws, 0.0f, side, radius, draws.below(2) == 0), color);
  }

  const float radius = unit * draws.between(kMinRadius, kMaxRadius);
  const float contrast = draws.between(90.0f - 70.0f * difficulty, 110.0f - 20.0f * difficulty);
  const Color color = contrasting(draws, background, contrast);
  const Placement placement =
      place(draws, 0.85f * radius, side - 0.85f * radius, radius, label >= kFigures);
  canvas.draw(static_cast<Figure>(label % kFigures), placement, color);

  canvas.finish(draws, 10.0f + 60.0f * difficulty, pixels);
  return label;
}

Dataset generate_dataset(const GeneratorOptions& options) {
  require_valid(options);
  Dataset set;
  set.name = "generator";
  set.classes = kGeneratorClasses;
  set.class_names = {"disk",          "square",       "triangle",       "cross",
                     "ring",          "striped disk", "striped square", "striped triangle",
                     "striped cross", "striped ring"};
  set.train = generate_set(options, GeneratorSplit::kTrain, options.train);
  set.test = generate_set(options, GeneratorSplit::kTest, options.test);
  set.official_train_count = set.train.count;
  return set;
}

DatasetInfo generator_info() {
  const GeneratorOptions defaults;
  return {
      .name = "generator",
      .description = "built in: any number of 32x32x3 pictures of shapes in 10 classes, no files",
      .page = "",
      .classes = kGeneratorClasses,
      .files = {},
      .downloads = {},
      .options = {{"train", fmt::to_string(defaults.train), "training images"},
                  {"test", fmt::to_string(defaults.test), "test images"},
                  {"side", fmt::to_string(defaults.side), "height and width, 16 to 256"},
                  {"difficulty", fmt::to_string(defaults.difficulty), "0 (clear) to 1"},
                  {"seed", fmt::to_string(defaults.seed), "another seed, other pictures"}},
      .needed_files = nullptr,
      .counts =
          [](const OptionValues& values) {
            return ImageCounts{parse_int(values.at("train"), "generator option train"),
                               parse_int(values.at("test"), "generator option test")};
          },
      .load =
          [](const std::filesystem::path&, const OptionValues& values) {
            const auto integer = [&](const char* name) {
              return parse_int(values.at(name), fmt::format("generator option {}", name));
            };
            return generate_dataset(
                {.train = integer("train"),
                 .test = integer("test"),
                 .side = static_cast<int>(std::clamp<long long>(integer("side"), 0, 1 << 20)),
                 .difficulty = parse_double(values.at("difficulty"), "generator option difficulty"),
                 .seed = static_cast<std::uint64_t>(integer("seed"))});
          }};
}

}  // namespace hadal::data
