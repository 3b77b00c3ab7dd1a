#include "launcher/strategies/learned_features.h"

#include <array>
#include <cmath>

#include "core/base/random.h"

namespace hadal::launcher {
namespace {

// Chosen by the search tests (Branin, noisy quadratic), not tuned further.
constexpr int kIterations = 600;
constexpr double kRate = 0.01, kDecay = 1e-4;
constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;  // Kingma & Ba 2015

// Centred, so that tanh sees both signs.
std::vector<double> centred(std::span<const double> point) {
  std::vector<double> x(point.begin(), point.end());
  for (double& value : x) value = 2 * value - 1;
  return x;
}

}  // namespace

LearnedFeatures::Layer LearnedFeatures::make_layer(int in, int out, std::uint64_t seed,
                                                   std::uint64_t number) {
  Layer layer{.in = in, .out = out};
  const auto count = static_cast<std::size_t>(out) * static_cast<std::size_t>(in + 1);
  layer.weights.resize(count);
  layer.gradient.resize(count);
  layer.first.resize(count);
  layer.second.resize(count);
  const random::Stream stream{.seed = seed, .purpose = random::Purpose::kSurrogate, .a = number};
  for (std::size_t i = 0; i < count; ++i)  // biases too: else all kinks meet in the centre
    layer.weights[i] = random::normal(stream, i) / std::sqrt(static_cast<double>(in));
  return layer;
}

LearnedFeatures::LearnedFeatures(const std::vector<std::vector<double>>& points,
                                 std::span<const double> targets, std::uint64_t seed) {
  const int d = static_cast<int>(points.at(0).size());
  layers_ = {make_layer(d, kWidth, seed, 0), make_layer(kWidth, kWidth, seed, 1),
             make_layer(kWidth, 1, seed, 2)};
  std::vector<std::vector<double>> inputs;
  for (const auto& point : points) inputs.push_back(centred(point));
  for (int iteration = 1; iteration <= kIterations; ++iteration) {
    for (std::size_t i = 0; i < inputs.size(); ++i)
      add_gradient(inputs[i], targets[i], 1.0 / static_cast<double>(inputs.size()));
    step(iteration);
  }
}

void LearnedFeatures::forward(const Layer& layer, std::span<const double> in,
                              std::span<double> out) {
  const double* row = layer.weights.data();
  const double* bias = row + static_cast<std::ptrdiff_t>(layer.out) * layer.in;
  for (int o = 0; o < layer.out; ++o, row += layer.in) {
    double sum = bias[o];
    for (int i = 0; i < layer.in; ++i) sum += row[i] * in[static_cast<std::size_t>(i)];
    out[static_cast<std::size_t>(o)] = sum;
  }
}

// Of scale (output - target)^2 / 2.
void LearnedFeatures::add_gradient(std::span<const double> point, double target, double scale) {
  std::array<double, kWidth> h1, h2, d1{}, d2{};
  std::array<double, 1> output;
  forward(layers_[0], point, h1);
  for (double& value : h1) value = std::tanh(value);
  forward(layers_[1], h1, h2);
  for (double& value : h2) value = std::tanh(value);
  forward(layers_[2], h2, output);

  const auto backward = [](Layer& layer, std::span<const double> in, std::span<const double> d_out,
                           std::span<double> d_in) {
    const auto inputs = static_cast<std::size_t>(layer.in);
    const std::size_t biases = static_cast<std::size_t>(layer.out) * inputs;
    for (std::size_t o = 0; o < d_out.size(); ++o) {
      double* gradient = layer.gradient.data() + o * inputs;
      const double* weights = layer.weights.data() + o * inputs;
      for (std::size_t i = 0; i < inputs; ++i) gradient[i] += d_out[o] * in[i];
      for (std::size_t i = 0; i < d_in.size(); ++i) d_in[i] += d_out[o] * weights[i];
      layer.gradient[biases + o] += d_out[o];
    }
  };
  const std::array<double, 1> d_output = {scale * (output[0] - target)};
  backward(layers_[2], h2, d_output, d2);
  for (std::size_t i = 0; i < kWidth; ++i) d2[i] *= 1 - h2[i] * h2[i];
  backward(layers_[1], h1, d2, d1);
  for (std::size_t i = 0; i < kWidth; ++i) d1[i] *= 1 - h1[i] * h1[i];
  backward(layers_[0], point, d1, {});
}

void LearnedFeatures::step(int iteration) {
  const double correct1 = 1 - std::pow(kBeta1, iteration);
  const double correct2 = 1 - std::pow(kBeta2, iteration);
  for (Layer& layer : layers_)
    for (std::size_t i = 0; i < layer.weights.size(); ++i) {
      const double g = layer.gradient[i] + kDecay * layer.weights[i];
      layer.first[i] = kBeta1 * layer.first[i] + (1 - kBeta1) * g;
      layer.second[i] = kBeta2 * layer.second[i] + (1 - kBeta2) * g * g;
      layer.weights[i] -=
          kRate * (layer.first[i] / correct1) / (std::sqrt(layer.second[i] / correct2) + kEpsilon);
      layer.gradient[i] = 0;
    }
}

std::vector<double> LearnedFeatures::of(std::span<const double> point) const {
  std::vector<double> h1(kWidth), features(kWidth + 1, 1.0);
  forward(layers_[0], centred(point), h1);
  for (double& value : h1) value = std::tanh(value);
  forward(layers_[1], h1, std::span(features).first(kWidth));
  for (std::size_t i = 0; i < kWidth; ++i) features[i] = std::tanh(features[i]);
  return features;
}

linalg::DenseMatrix LearnedFeatures::of(const std::vector<std::vector<double>>& points) const {
  linalg::DenseMatrix matrix(static_cast<std::int64_t>(points.size()), kWidth + 1);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::vector<double> features = of(points[i]);
    std::copy(features.begin(), features.end(),
              matrix.values.begin() + static_cast<std::ptrdiff_t>(i) * matrix.cols);
  }
  return matrix;
}

}  // namespace hadal::launcher
