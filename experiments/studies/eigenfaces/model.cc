#include "experiments/studies/eigenfaces/model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include <cblas.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/linalg/dense.h"
#include "core/linalg/one_blas_thread.h"
#include "core/linalg/row_kernels.h"
#include "core/safetensors.h"
#include "experiments/studies/eigenfaces/projector.h"

namespace hadal::eigenfaces {
namespace {

// Products of the pictures' pixels: exact, because they are summed as integers.
class Gram {
 public:
  explicit Gram(const Pictures& pictures)
      : m_(pictures.count()), products_(linalg::packed_size(m_), 0) {
    // Panels of columns whose sums of 16-bit products the kernel can hold.
    constexpr std::int64_t kPanel = 1 << 15;
    const std::int64_t n = pictures.size();
    for (std::int64_t first = 0; first < n; first += kPanel) {
      const std::int64_t cols = std::min(kPanel, n - first);
      linalg::RowKernels<float>(cols).row_gram({.data = pictures.pixels.data() + first,
                                                .element = matrix::Element::kU8,
                                                .rows = m_,
                                                .cols = cols,
                                                .stride = n},
                                               products_);
    }
    for (std::int64_t j = 0; j < m_; ++j) {
      std::int64_t sum = 0;
      for (const std::uint8_t x : pictures.picture(j)) sum += x;
      sums_.push_back(sum);
    }
  }

  std::int64_t m() const { return m_; }
  /// x_i . x_j
  std::int64_t product(std::int64_t i, std::int64_t j) const {
    const auto index = linalg::packed_index(m_, std::min(i, j), std::max(i, j));
    return products_.words()[static_cast<std::size_t>(index)];
  }
  /// Of all pixels of x_i.
  std::int64_t sum(std::int64_t i) const { return sums_[static_cast<std::size_t>(i)]; }

 private:
  std::int64_t m_;
  linalg::FixedPointSum products_;
  std::vector<std::int64_t> sums_{};
};

std::vector<Relight> relights(const Gram& gram, std::int64_t n, Lighting lighting) {
  std::vector<Relight> all;
  for (std::int64_t j = 0; j < gram.m(); ++j)
    all.push_back(relight(lighting, n, gram.sum(j), gram.product(j, j)));
  return all;
}

// phi_i . phi_j = a_i a_j (x_i . x_j) centred in rows and columns. With lighting, the part of x_i
// that all its pixels share is taken out first: relighting makes it the same for every picture.
linalg::DenseMatrix centred(const Gram& gram, const std::vector<Relight>& relights, std::int64_t n,
                            Lighting lighting) {
  const std::int64_t m = gram.m();
  linalg::DenseMatrix products(m, m);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < m; ++j) {
      const auto product = static_cast<double>(gram.product(i, j));
      const double shared = lighting == Lighting::kAsIs
                                ? 0
                                : static_cast<double>(gram.sum(i)) *
                                      static_cast<double>(gram.sum(j)) / static_cast<double>(n);
      products(i, j) = relights[static_cast<std::size_t>(i)].scale *
                       relights[static_cast<std::size_t>(j)].scale * (product - shared);
    }
  std::vector<double> row_means(static_cast<std::size_t>(m));
  double mean = 0;
  for (std::int64_t i = 0; i < m; ++i) {
    double& row_mean = row_means[static_cast<std::size_t>(i)];
    for (const double product : products.row(i)) row_mean += product / static_cast<double>(m);
    mean += row_mean / static_cast<double>(m);
  }
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < m; ++j)
      products(i, j) +=
          mean - row_means[static_cast<std::size_t>(i)] - row_means[static_cast<std::size_t>(j)];
  return products;
}

std::vector<float> mean_face(const Pictures& pictures, const std::vector<Relight>& relights) {
  const auto n = static_cast<std::size_t>(pictures.size());
  std::vector<double> sum(n);
  for (std::int64_t j = 0; j < pictures.count(); ++j) {
    const std::span<const std::uint8_t> x = pictures.picture(j);
    const Relight& to = relights[static_cast<std::size_t>(j)];
    for (std::size_t p = 0; p < n; ++p) sum[p] += to.scale * x[p] + to.shift;
  }
  std::vector<float> mean(n);
  for (std::size_t p = 0; p < n; ++p)
    mean[p] = static_cast<float>(sum[p] / static_cast<double>(pictures.count()));
  return mean;
}

// u_i = sum_j v_ij phi_j / sigma_i, some pixels of all pictures at a time. `v`: k x m, each row
// divided by its sigma already.
void combine(const Pictures& pictures, const std::vector<Relight>& relights,
             const std::vector<float>& v, Model& model) {
  constexpr std::int64_t kPixels = 512;
  const std::int64_t m = pictures.count(), n = pictures.size(), k = model.k();
  std::vector<float> centred(static_cast<std::size_t>(m * kPixels));
  const linalg::OneBlasThread one;
  for (std::int64_t first = 0; first < n; first += kPixels) {
    const std::int64_t pixels = std::min(kPixels, n - first);
    for (std::int64_t j = 0; j < m; ++j) {
      const std::uint8_t* x = pictures.pixels.data() + j * n + first;
      const Relight& to = relights[static_cast<std::size_t>(j)];
      const auto scale = static_cast<float>(to.scale), shift = static_cast<float>(to.shift);
      float* phi = centred.data() + j * kPixels;
      for (std::int64_t p = 0; p < pixels; ++p)
        phi[p] = scale * static_cast<float>(x[p]) + shift -
                 model.mean[static_cast<std::size_t>(first + p)];
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, static_cast<int>(k),
                static_cast<int>(pixels), static_cast<int>(m), 1.0F, v.data(), static_cast<int>(m),
                centred.data(), static_cast<int>(kPixels), 0.0F, model.eigenfaces.data() + first,
                static_cast<int>(n));
  }
}

// The sign of the entry of largest magnitude, the first of equals.
float sign_of(std::span<const float> u) {
  const auto less = [](float x, float y) { return std::abs(x) < std::abs(y); };
  return *std::max_element(u.begin(), u.end(), less) < 0 ? -1.0F : 1.0F;
}

void check_pictures(const Pictures& pictures) {
  if (pictures.count() < 2)
    throw DataError(
        fmt::format("eigenfaces: {} pictures to train on, wanted at least 2", pictures.count()));
  HADAL_CHECK(static_cast<std::int64_t>(pictures.pixels.size()) ==
              pictures.count() * pictures.size());
}

Model eigenfaces_of(const Pictures& pictures, const TrainOptions& options) {
  check_pictures(pictures);
  const std::int64_t m = pictures.count(), n = pictures.size();
  const Gram gram(pictures);
  const std::vector<Relight> to = relights(gram, n, options.lighting);
  const linalg::DenseMatrix products = centred(gram, to, n, options.lighting);
  double trace = 0;
  for (std::int64_t i = 0; i < m; ++i) trace += products(i, i);
  const std::int64_t wanted =
      options.components == 0 ? m - 1 : std::min<std::int64_t>(options.components, m - 1);
  if (options.components < 0 || options.components > m - 1)
    throw ConfigError(fmt::format("eigenfaces: {} components, but {} pictures span at most {}",
                                  options.components, m, m - 1));
  const linalg::SymmetricEigen eigen = linalg::symmetric_eigen(products, wanted);

  // Rounding of the Gram matrix is below m eps trace; what is not above it is no direction.
  const double nothing = static_cast<double>(m) * std::numeric_limits<double>::epsilon() * trace;
  int k = 0;
  while (k < wanted && eigen.values[static_cast<std::size_t>(k)] > nothing) ++k;
  if (k == 0) throw DataError(fmt::format("eigenfaces: the {} pictures are all the same", m));
  if (k < options.components)
    throw ConfigError(fmt::format("eigenfaces: {} components, but the {} pictures span {}",
                                  options.components, m, k));

  Model model{.height = pictures.height,
              .width = pictures.width,
              .lighting = options.lighting,
              .mean = mean_face(pictures, to),
              .eigenfaces = std::vector<float>(static_cast<std::size_t>(k * n)),
              .total_variance = trace / static_cast<double>(m - 1),
              .weights = std::vector<float>(static_cast<std::size_t>(m * k)),
              .labels = pictures.labels,
              .people = pictures.people,
              .files = pictures.files};
  std::vector<float> v(static_cast<std::size_t>(k * m));
  for (int i = 0; i < k; ++i) {
    const double squared = eigen.values[static_cast<std::size_t>(i)];
    model.eigenvalues.push_back(squared / static_cast<double>(m - 1));
    for (std::int64_t j = 0; j < m; ++j)
      v[static_cast<std::size_t>(i * m + j)] =
          static_cast<float>(eigen.vectors(j, i) / std::sqrt(squared));
  }
  combine(pictures, to, v, model);
  for (int i = 0; i < k; ++i) {
    const float sign = sign_of(model.eigenface(i));
    float* u = model.eigenfaces.data() + i * n;
    for (std::int64_t p = 0; p < n; ++p) u[p] *= sign;
    const double squared = eigen.values[static_cast<std::size_t>(i)];
    for (std::int64_t j = 0; j < m; ++j)
      model.weights[static_cast<std::size_t>(j * k + i)] =
          sign * static_cast<float>(v[static_cast<std::size_t>(i * m + j)] * squared);
  }
  return model;
}

void add_moved(const Pictures& pictures, int shift, Model& model) {
  if (shift >= pictures.height || shift >= pictures.width)
    throw ConfigError(fmt::format("eigenfaces: copies moved by {} pixels of pictures of {}x{}",
                                  shift, pictures.height, pictures.width));
  const Projector projector(model);
  for (std::int64_t j = 0; j < pictures.count(); ++j)
    for (const auto& [down, right] : {std::pair{-shift, 0}, {shift, 0}, {0, -shift}, {0, shift}}) {
      const std::vector<float> weights =
          projector.project(shifted(pictures, j, down, right)).weights;
      model.weights.insert(model.weights.end(), weights.begin(), weights.end());
      model.labels.push_back(pictures.labels[static_cast<std::size_t>(j)]);
    }
}

}  // namespace

double Model::residual_variance() const {
  double kept = 0;
  for (const double lambda : eigenvalues) kept += lambda;
  const double left_out = total_variance - kept;
  // Less than the rounding of the sums is nothing.
  if (n() == k() || left_out < 1e-12 * total_variance) return 0;
  return left_out / static_cast<double>(n() - k());
}

Model train(const Pictures& pictures, const TrainOptions& options) {
  Model model = eigenfaces_of(pictures, options);
  if (options.shift > 0) add_moved(pictures, options.shift, model);
  return model;
}

void add_weights(const Pictures& pictures, int shift, Model& model) {
  const Projector projector(model);
  for (std::int64_t j = 0; j < pictures.count(); ++j) {
    const std::vector<float> weights = projector.project(pictures.picture(j)).weights;
    model.weights.insert(model.weights.end(), weights.begin(), weights.end());
    model.labels.push_back(pictures.labels[static_cast<std::size_t>(j)]);
  }
  if (shift > 0) add_moved(pictures, shift, model);
}

Model train_at_most(const Pictures& pictures, const TrainOptions& options) {
  const Model all = train(pictures, {.lighting = options.lighting, .shift = options.shift});
  return options.components == 0 || options.components >= all.k()
             ? all
             : truncated(all, options.components);
}

Model truncated(const Model& model, int k) {
  if (k < 1 || k > model.k())
    throw ConfigError(
        fmt::format("eigenfaces: {} components of a model that has {}", k, model.k()));
  Model shorter = model;
  shorter.eigenfaces.resize(static_cast<std::size_t>(k * model.n()));
  shorter.eigenvalues.resize(static_cast<std::size_t>(k));
  shorter.weights.clear();
  for (std::int64_t j = 0; j < model.m(); ++j) {
    const std::span<const float> w = model.weights_of(j).first(static_cast<std::size_t>(k));
    shorter.weights.insert(shorter.weights.end(), w.begin(), w.end());
  }
  return shorter;
}

std::vector<float> project(const Model& model, std::span<const float> face) {
  if (static_cast<std::int64_t>(face.size()) != model.n())
    throw ShapeError(fmt::format("eigenfaces: a picture of {} pixels, the model has {}x{}",
                                 face.size(), model.height, model.width));
  std::vector<float> weights(static_cast<std::size_t>(model.k()));
  for (int i = 0; i < model.k(); ++i) {
    const std::span<const float> u = model.eigenface(i);
    double sum = 0;
    for (std::size_t p = 0; p < face.size(); ++p)
      sum += double{u[p]} * (double{face[p]} - double{model.mean[p]});
    weights[static_cast<std::size_t>(i)] = static_cast<float>(sum);
  }
  return weights;
}

std::vector<float> reconstruct(const Model& model, std::span<const float> weights) {
  HADAL_CHECK(static_cast<int>(weights.size()) <= model.k());
  std::vector<float> face = model.mean;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::span<const float> u = model.eigenface(static_cast<int>(i));
    for (std::size_t p = 0; p < face.size(); ++p) face[p] += weights[i] * u[p];
  }
  return face;
}

namespace {

std::array<double, 6> values_of(const RoughnessRange& r) {
  return {r.low.across, r.low.down, r.high.across, r.high.down, r.low_ratio, r.high_ratio};
}

RoughnessRange range_of(const std::array<double, 6>& v) {
  return {.low = {v[0], v[1]}, .high = {v[2], v[3]}, .low_ratio = v[4], .high_ratio = v[5]};
}

}  // namespace

std::string encode(const Model& model) {
  // Views are of memory that may be written; to_safetensors() only reads.
  Model m = model;
  const Shape faces{m.k(), m.height, m.width}, mean{m.height, m.width};
  const auto count = static_cast<std::int64_t>(m.labels.size());
  nlohmann::json about{
      {"people", m.people}, {"total_variance", m.total_variance}, {"files", m.files}};
  if (m.calibration)
    about["calibration"] = {{"from_squared", m.calibration->held_out_mean.from_squared},
                            {"in_squared", m.calibration->held_out_mean.in_squared},
                            {"likeness", m.calibration->likeness},
                            {"space_threshold", m.calibration->space_threshold},
                            {"person_threshold", m.calibration->person_threshold},
                            {"ridge", m.calibration->ridge},
                            {"roughness", values_of(m.calibration->roughness)}};
  return to_safetensors({{"mean", {m.mean.data(), mean}},
                         {"eigenfaces", {m.eigenfaces.data(), faces}},
                         {"eigenvalues", {m.eigenvalues.data(), Shape{m.k()}, DType::kFloat64}},
                         {"weights", {m.weights.data(), Shape{count, m.k()}}},
                         {"labels", {m.labels.data(), Shape{count}, DType::kInt32}}},
                        {{"lighting", name_of(m.lighting)}, {"about", about.dump()}});
}

void save(const Model& model, const std::filesystem::path& folder) {
  write_folder_atomically(folder, [&](const std::filesystem::path& inside) {
    write_file_atomically(inside / kModelFile, encode(model));
  });
}

Model load(const std::filesystem::path& folder) {
  const std::string file = (folder / kModelFile).string();
  const Safetensors from = Safetensors::parse(read_file(file), file);
  Model model;
  const auto shape_of = [&](const std::string& name, int dimensions) {
    for (const Safetensors::Entry& entry : from.entries())
      if (entry.name == name && entry.shape.rank() == dimensions) return entry.shape;
    throw DataError(
        fmt::format("{}: no tensor '{}' of {} dimensions: not eigenfaces", file, name, dimensions));
  };
  const Shape faces = shape_of("eigenfaces", 3), weights = shape_of("weights", 2);
  const auto k = static_cast<std::size_t>(faces[0]);
  model.height = static_cast<int>(faces[1]);
  model.width = static_cast<int>(faces[2]);
  model.mean.resize(static_cast<std::size_t>(model.n()));
  model.eigenfaces.resize(k * model.mean.size());
  model.eigenvalues.resize(k);
  model.weights.resize(static_cast<std::size_t>(weights.elements()));
  model.labels.resize(static_cast<std::size_t>(weights[0]));
  from.copy_to({{"mean", {model.mean.data(), Shape{faces[1], faces[2]}}},
                {"eigenfaces", {model.eigenfaces.data(), faces}},
                {"eigenvalues", {model.eigenvalues.data(), Shape{faces[0]}, DType::kFloat64}},
                {"weights", {model.weights.data(), Shape{weights[0], faces[0]}}},
                {"labels", {model.labels.data(), Shape{weights[0]}, DType::kInt32}}});
  try {
    model.lighting = lighting_of(from.metadata().at("lighting"));
    const nlohmann::json about = nlohmann::json::parse(from.metadata().at("about"));
    model.people = about.at("people").get<std::vector<std::string>>();
    model.total_variance = about.at("total_variance").get<double>();
    model.files = about.at("files").get<std::vector<std::string>>();
    if (about.contains("calibration")) {
      const nlohmann::json& c = about["calibration"];
      model.calibration = {{c.at("from_squared").get<double>(), c.at("in_squared").get<double>()},
                           c.at("likeness").get<std::string>(),
                           c.at("space_threshold").get<double>(),
                           c.at("person_threshold").get<double>(),
                           c.at("ridge").get<double>(),
                           range_of(c.at("roughness").get<std::array<double, 6>>())};
    }
  } catch (const std::exception& e) {
    throw DataError(fmt::format("{}: not eigenfaces as `train` writes them: {}", file, e.what()));
  }
  for (const int label : model.labels)
    if (label < 0 || label >= static_cast<int>(model.people.size()))
      throw DataError(fmt::format("{}: label {} of {} people", file, label, model.people.size()));
  return model;
}

}  // namespace hadal::eigenfaces
