#include "core/data/preprocess.h"

#include <algorithm>
#include <cmath>

#include <cblas.h>
#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/data/whitening.h"
#include "core/linalg/one_blas_thread.h"

namespace hadal::data {
namespace {

// Images that go through the stages together. Fixed, and whitening fills short chunks up, so that
// the same place in a set means the same sums.
constexpr std::int64_t kChunk = 64;
constexpr double kMinNorm = 1e-8, kMinStd = 1e-8;

}  // namespace

const std::vector<std::string>& preprocess_step_names() {
  static const std::vector<std::string> names = {
      "divide_255", "divide_channel_std",    "divide_std",
      "gcn",        "lenet_range",           "normalize",
      "pad",        "subtract_channel_mean", "subtract_pixel_mean",
      "zca"};
  return names;
}

void Preprocessor::run(const Affine& stage, std::int64_t count, float* values) {
  const auto dimension = static_cast<std::int64_t>(stage.scale32.size());
  const float* scale = stage.scale32.data();
  const float* offset = stage.offset32.data();
  for (std::int64_t i = 0; i < count; ++i, values += dimension)
    for (std::int64_t e = 0; e < dimension; ++e) values[e] = values[e] * scale[e] + offset[e];
}

void Preprocessor::run(const ContrastNormalization& stage, std::int64_t dimension,
                       std::int64_t count, float* values) {
  for (std::int64_t i = 0; i < count; ++i, values += dimension) {
    double sum = 0, squares = 0;
    for (std::int64_t e = 0; e < dimension; ++e) sum += values[e];
    const double mean = sum / static_cast<double>(dimension);
    for (std::int64_t e = 0; e < dimension; ++e) squares += (values[e] - mean) * (values[e] - mean);
    const double norm = std::sqrt(squares);
    const double factor = norm < kMinNorm ? 1.0 : stage.scale / norm;
    for (std::int64_t e = 0; e < dimension; ++e)
      values[e] = static_cast<float>((values[e] - mean) * factor);
  }
}

void Preprocessor::run(const Whitening& stage, std::int64_t count, float* values) {
  HADAL_CHECK(count <= kChunk);
  const auto dimension = static_cast<std::int64_t>(stage.mean.size());
  const int d = static_cast<int>(dimension);
  std::vector<float> centred(static_cast<std::size_t>(kChunk * dimension)), whitened = centred;
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t e = 0; e < dimension; ++e)
      centred[static_cast<std::size_t>(i * dimension + e)] =
          values[i * dimension + e] - stage.mean[static_cast<std::size_t>(e)];
  const linalg::OneBlasThread one;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, kChunk, d, d, 1.0f, centred.data(), d,
              stage.matrix.data(), d, 0.0f, whitened.data(), d);
  std::copy_n(whitened.begin(), count * dimension, values);
}

bool Preprocessor::is_elementwise() const {
  return std::all_of(stages_.begin(), stages_.end(),
                     [](const Stage& s) { return std::holds_alternative<Affine>(s); });
}

Preprocessor::Elementwise Preprocessor::elementwise() const {
  HADAL_CHECK(is_elementwise());
  if (!stages_.empty()) {
    const auto& stage = std::get<Affine>(stages_[0]);
    return {stage.scale32, stage.offset32};
  }
  const auto d = static_cast<std::size_t>(elements());
  return {std::vector<float>(d, 1.0f), std::vector<float>(d, 0.0f)};
}

void Preprocessor::apply(const std::uint8_t* pixels, std::int64_t count, float* out) const {
  const std::int64_t dimension = elements();
  // The usual case in one pass over the bytes.
  if (stages_.size() == 1 && is_elementwise()) {
    const auto& stage = std::get<Affine>(stages_[0]);
    const float* scale = stage.scale32.data();
    const float* offset = stage.offset32.data();
    for (std::int64_t i = 0; i < count; ++i, pixels += dimension, out += dimension)
      for (std::int64_t e = 0; e < dimension; ++e)
        out[e] = static_cast<float>(pixels[e]) * scale[e] + offset[e];
    return;
  }
  for (std::int64_t done = 0; done < count; done += kChunk) {
    const std::int64_t m = std::min(kChunk, count - done);
    float* values = out + done * dimension;
    std::copy_n(pixels + done * dimension, m * dimension, values);
    for (const Stage& stage : stages_) {
      if (const auto* affine = std::get_if<Affine>(&stage))
        run(*affine, m, values);
      else if (const auto* contrast = std::get_if<ContrastNormalization>(&stage))
        run(*contrast, dimension, m, values);
      else
        run(std::get<Whitening>(stage), m, values);
    }
  }
}

void Preprocessor::append_affine(const std::vector<double>& scale,
                                 const std::vector<double>& offset) {
  if (stages_.empty() || !std::holds_alternative<Affine>(stages_.back()))
    stages_.push_back(Affine{.scale = std::vector<double>(scale.size(), 1.0),
                             .offset = std::vector<double>(scale.size(), 0.0),
                             .scale32 = {},
                             .offset32 = {}});
  auto& stage = std::get<Affine>(stages_.back());
  for (std::size_t e = 0; e < scale.size(); ++e) {
    stage.scale[e] *= scale[e];
    stage.offset[e] = stage.offset[e] * scale[e] + offset[e];
  }
  stage.scale32.assign(stage.scale.begin(), stage.scale.end());
  stage.offset32.assign(stage.offset.begin(), stage.offset.end());
}

// Fitting: moments of the training images as the stages so far leave them.
class Preprocessor::Fitter {
 public:
  Fitter(Preprocessor& chain, const ImageSet& images, std::span<const std::int64_t> training)
      : chain_(chain), images_(images), training_(training) {}

  void add(const PreprocessStep& step) {
    const auto d = static_cast<std::size_t>(chain_.elements());
    const auto channels = static_cast<std::size_t>(chain_.channels_);
    std::vector<double> scale(d, 1.0), offset(d, 0.0);
    if (step.name == "divide_255") {
      require_values(step, {0});
      scale.assign(d, 1.0 / 255.0);
    } else if (step.name == "lenet_range") {
      require_values(step, {0});
      scale.assign(d, (1.175 + 0.1) / 255.0);
      offset.assign(d, -0.1);
    } else if (step.name == "subtract_pixel_mean") {
      require_values(step, {0});
      const Moments m = moments();
      for (std::size_t e = 0; e < d; ++e) offset[e] = -m.mean[e];
    } else if (step.name == "subtract_channel_mean") {
      require_values(step, {0});
      const Moments m = pooled(moments(), channels);
      for (std::size_t e = 0; e < d; ++e) offset[e] = -m.mean[e % channels];
    } else if (step.name == "divide_std" || step.name == "divide_channel_std") {
      require_values(step, {0});
      const std::size_t groups = step.name == "divide_std" ? 1 : channels;
      const Moments m = pooled(moments(), groups);
      for (std::size_t e = 0; e < d; ++e) scale[e] = 1.0 / deviation(m, e % groups, step.name);
    } else if (step.name == "normalize") {
      require_values(step, {2 * channels});
      for (std::size_t e = 0; e < d; ++e) {
        const double std = step.values[channels + e % channels];
        if (!(std > 0))
          throw ConfigError(
              fmt::format("preprocessing: normalize by a std of {}, wanted > 0", std));
        scale[e] = 1.0 / std;
        offset[e] = -step.values[e % channels] / std;
      }
    } else if (step.name == "gcn") {
      require_values(step, {0, 1});
      chain_.stages_.push_back(ContrastNormalization{step.values.empty() ? 55.0 : step.values[0]});
      return;
    } else if (step.name == "zca") {
      require_values(step, {0, 1});
      chain_.stages_.push_back(whitening(step.values.empty() ? 0.1 : step.values[0]));
      return;
    } else if (step.name == "pad") {
      throw ConfigError("preprocessing: pad comes after other steps, wanted it first");
    } else {
      throw ConfigError(unknown_name("preprocessing step", step.name, preprocess_step_names()));
    }
    chain_.append_affine(scale, offset);
  }

  static void require_values(const PreprocessStep& step,
                             std::initializer_list<std::size_t> counts) {
    for (const std::size_t count : counts)
      if (step.values.size() == count) return;
    throw ConfigError(fmt::format("preprocessing: {} has {} values, wanted {}", step.name,
                                  step.values.size(), *(counts.end() - 1)));
  }

 private:
  struct Moments {
    std::vector<double> mean, mean_square;
  };

  // Calls f(values, m) for chunks of m training images as the stages so far leave them.
  template <typename F>
  void for_chunks(F f) const {
    const std::int64_t d = chain_.elements();
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(kChunk * d));
    std::vector<float> values(pixels.size());
    for (std::size_t done = 0; done < training_.size();) {
      const std::size_t m = std::min<std::size_t>(kChunk, training_.size() - done);
      for (std::size_t i = 0; i < m; ++i)
        std::copy_n(images_.image(training_[done + i]), d,
                    pixels.begin() + static_cast<std::int64_t>(i) * d);
      chain_.apply(pixels.data(), static_cast<std::int64_t>(m), values.data());
      f(values.data(), static_cast<std::int64_t>(m));
      done += m;
    }
  }

  // Per element. From exact integer sums as long as every stage is elementwise.
  Moments moments() const {
    const std::int64_t d = chain_.elements();
    Moments m{std::vector<double>(static_cast<std::size_t>(d)),
              std::vector<double>(static_cast<std::size_t>(d))};
    const auto n = static_cast<double>(training_.size());
    if (!chain_.is_elementwise()) {
      for_chunks([&](const float* values, std::int64_t count) {
        for (std::int64_t i = 0; i < count; ++i, values += d)
          for (std::size_t e = 0; e < m.mean.size(); ++e) {
            m.mean[e] += values[e];
            m.mean_square[e] += double{values[e]} * values[e];
          }
      });
      for (std::size_t e = 0; e < m.mean.size(); ++e) {
        m.mean[e] /= n;
        m.mean_square[e] /= n;
      }
      return m;
    }
    std::vector<std::int64_t> sum(m.mean.size()), squares(m.mean.size());
    for (const std::int64_t i : training_) {
      const std::uint8_t* pixels = images_.image(i);
      for (std::size_t e = 0; e < sum.size(); ++e) {
        sum[e] += pixels[e];
        squares[e] += std::int64_t{pixels[e]} * pixels[e];
      }
    }
    const auto* affine = chain_.stages_.empty() ? nullptr : &std::get<Affine>(chain_.stages_[0]);
    for (std::size_t e = 0; e < sum.size(); ++e) {
      const double s = affine ? affine->scale[e] : 1.0, o = affine ? affine->offset[e] : 0.0;
      const double mean = static_cast<double>(sum[e]) / n;
      const double square = static_cast<double>(squares[e]) / n;
      // Around the mean, not around zero: after a large offset the difference would cancel.
      const double variance = s * s * std::max(0.0, square - mean * mean);
      m.mean[e] = s * mean + o;
      m.mean_square[e] = variance + m.mean[e] * m.mean[e];
    }
    return m;
  }

  // Element e joins group e % groups.
  static Moments pooled(const Moments& m, std::size_t groups) {
    Moments p{std::vector<double>(groups), std::vector<double>(groups)};
    const double per_group = static_cast<double>(m.mean.size() / groups);
    for (std::size_t e = 0; e < m.mean.size(); ++e) {
      p.mean[e % groups] += m.mean[e] / per_group;
      p.mean_square[e % groups] += m.mean_square[e] / per_group;
    }
    return p;
  }

  static double deviation(const Moments& m, std::size_t group, const std::string& step) {
    const double variance = m.mean_square[group] - m.mean[group] * m.mean[group];
    if (!(variance > kMinStd * kMinStd))
      throw DataError(fmt::format(
          "preprocessing: {} of training images whose pixels are all alike (variance {})", step,
          variance));
    return std::sqrt(variance);
  }

  Whitening whitening(double bias) const {
    const std::int64_t d = chain_.elements();
    if (!(bias > 0))
      throw ConfigError(fmt::format("preprocessing: zca with bias {}, wanted > 0", bias));
    if (d > kMaxWhitenedElements)
      throw ConfigError(
          fmt::format("preprocessing: zca of images with {} elements, wanted at most {}", d,
                      kMaxWhitenedElements));
    const Moments m = moments();
    SecondMoments covariance(d);
    for_chunks([&](float* values, std::int64_t count) { covariance.add(values, count, m.mean); });
    return {.mean = std::vector<float>(m.mean.begin(), m.mean.end()),
            .matrix = covariance.whitening_matrix(bias)};
  }

  Preprocessor& chain_;
  const ImageSet& images_;
  std::span<const std::int64_t> training_;
};

Preprocessor Preprocessor::fit(std::span<const PreprocessStep> steps, const ImageSet& images,
                               std::span<const std::int64_t> training) {
  if (training.empty()) throw ConfigError("preprocessing: no training images to fit on");
  Preprocessor chain;
  const bool pads = !steps.empty() && steps[0].name == "pad";
  if (pads) {
    Fitter::require_values(steps[0], {1});
    const double border = steps[0].values[0];
    if (border < 0 || border > 1024 || border != std::floor(border))
      throw ConfigError(fmt::format("preprocessing: pad by {}, wanted 0 to 1024 pixels", border));
    chain.border_ = static_cast<int>(border);
    steps = steps.subspan(1);
  }
  chain.height_ = images.height + 2 * chain.border_;
  chain.width_ = images.width + 2 * chain.border_;
  chain.channels_ = images.channels;
  ImageSet with_border;
  if (chain.border_ > 0) with_border = padded(images, chain.border_);
  Fitter fitter(chain, chain.border_ > 0 ? with_border : images, training);
  for (const PreprocessStep& step : steps) fitter.add(step);
  return chain;
}

std::vector<NamedTensor> Preprocessor::state() const {
  std::vector<NamedTensor> state;
  const auto add = [&]<typename T>(const std::string& name, const std::vector<T>& values,
                                   const Shape& shape) {
    Tensor tensor(shape, dtype_of<T>());
    std::copy(values.begin(), values.end(), tensor.as<T>());
    state.push_back({name, std::move(tensor)});
  };
  add("preprocess.geometry", std::vector<std::int32_t>{border_, height_, width_, channels_}, {4});
  const std::int64_t d = elements();
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const std::string prefix = fmt::format("preprocess.stage{}.", i);
    if (const auto* affine = std::get_if<Affine>(&stages_[i])) {
      add(prefix + "scale", affine->scale, {d});
      add(prefix + "offset", affine->offset, {d});
    } else if (const auto* contrast = std::get_if<ContrastNormalization>(&stages_[i])) {
      add(prefix + "contrast", std::vector<double>{contrast->scale}, {1});
    } else {
      const auto& whitening = std::get<Whitening>(stages_[i]);
      add(prefix + "whitening_mean", whitening.mean, {d});
      add(prefix + "whitening_matrix", whitening.matrix, {d, d});
    }
  }
  return state;
}

Preprocessor Preprocessor::from_state(std::span<const NamedTensor> state) {
  const auto find = [&](const std::string& name) -> const Tensor* {
    for (const NamedTensor& entry : state)
      if (entry.name == name) return &entry.tensor;
    return nullptr;
  };
  const auto values = [&]<typename T>(const std::string& name, std::int64_t wanted, T) {
    const Tensor* tensor = find(name);
    if (!tensor || tensor->type() != dtype_of<T>() || tensor->shape().elements() != wanted)
      throw DataError(
          fmt::format("preprocessing state: no tensor {} of {} elements", name, wanted));
    return std::vector<T>(tensor->as<T>(), tensor->as<T>() + wanted);
  };
  Preprocessor chain;
  const auto geometry = values("preprocess.geometry", 4, std::int32_t{});
  chain.border_ = geometry[0];
  chain.height_ = geometry[1];
  chain.width_ = geometry[2];
  chain.channels_ = geometry[3];
  const bool sane = chain.border_ >= 0 && chain.height_ > 0 && chain.width_ > 0 &&
                    chain.channels_ > 0 && chain.height_ <= 1 << 14 && chain.width_ <= 1 << 14 &&
                    chain.channels_ <= 1 << 10;
  if (!sane)
    throw DataError(fmt::format("preprocessing state: images of {}x{}x{} with border {}",
                                chain.height_, chain.width_, chain.channels_, chain.border_));
  const std::int64_t d = chain.elements();
  for (int i = 0;; ++i) {
    const std::string prefix = fmt::format("preprocess.stage{}.", i);
    if (find(prefix + "scale")) {
      chain.append_affine(values(prefix + "scale", d, double{}),
                          values(prefix + "offset", d, double{}));
    } else if (find(prefix + "contrast")) {
      chain.stages_.push_back(ContrastNormalization{values(prefix + "contrast", 1, double{})[0]});
    } else if (find(prefix + "whitening_mean")) {
      chain.stages_.push_back(
          Whitening{.mean = values(prefix + "whitening_mean", d, float{}),
                    .matrix = values(prefix + "whitening_matrix", d * d, float{})});
    } else {
      return chain;
    }
  }
}

}  // namespace hadal::data
