#include "experiments/studies/eigenfaces/model.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <cblas.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/linalg/one_blas_thread.h"
#include "core/safetensors.h"
#include "experiments/studies/eigenfaces/gram.h"

// LAPACK: eigenvalues and eigenvectors of a symmetric matrix by divide and conquer.
extern "C" void dsyevd_(const char* job, const char* triangle, const int* n, double* a,
                        const int* lda, double* eigenvalues, double* work, const int* work_size,
                        int* integer_work, const int* integer_work_size, int* info);

namespace hadal::eigenfaces {
namespace {

constexpr const char* kFile = "model.safetensors";

// a: m x m symmetric; becomes its eigenvectors, one a row, by ascending eigenvalue.
std::vector<double> eigen_decompose(int m, std::vector<double>& a) {
  std::vector<double> eigenvalues(static_cast<std::size_t>(m)), work(1);
  std::vector<int> integer_work(1);
  int info = 0;
  const auto call = [&](int work_size, int integer_work_size) {
    dsyevd_("V", "L", &m, a.data(), &m, eigenvalues.data(), work.data(), &work_size,
            integer_work.data(), &integer_work_size, &info);
    HADAL_CHECK(info == 0);
  };
  call(-1, -1);
  const int work_size = static_cast<int>(work[0]), integer_work_size = integer_work[0];
  work.resize(static_cast<std::size_t>(work_size));
  integer_work.resize(static_cast<std::size_t>(integer_work_size));
  call(work_size, integer_work_size);
  return eigenvalues;
}

std::vector<Relight> relights(const GramMatrix& gram, std::int64_t n, Lighting lighting) {
  const std::size_t m = gram.sums.size();
  std::vector<Relight> all(m);
  for (std::size_t i = 0; i < m; ++i)
    all[i] = relight(lighting, n, gram.sums[i], gram.products[i * m + i]);
  return all;
}

// phi_i . phi_j = a_i a_j (x_i . x_j) centred in rows and columns. With lighting, the part of x_i
// that all its pixels share is taken out first: relighting makes it the same for every picture.
std::vector<double> centred(const GramMatrix& gram, const std::vector<Relight>& relights,
                            std::int64_t n, Lighting lighting) {
  const std::size_t m = gram.sums.size();
  std::vector<double> products(m * m);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < m; ++j) {
      const double product = static_cast<double>(gram.products[i * m + j]);
      const double shared = lighting == Lighting::kAsIs
                                ? 0
                                : static_cast<double>(gram.sums[i]) *
                                      static_cast<double>(gram.sums[j]) / static_cast<double>(n);
      products[i * m + j] = relights[i].scale * relights[j].scale * (product - shared);
    }
  std::vector<double> row_means(m);
  double mean = 0;
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < m; ++j) row_means[i] += products[i * m + j];
    row_means[i] /= static_cast<double>(m);
    mean += row_means[i] / static_cast<double>(m);
  }
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < m; ++j) products[i * m + j] += mean - row_means[i] - row_means[j];
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

}  // namespace

double Model::residual_variance() const {
  double kept = 0;
  for (const double lambda : eigenvalues) kept += lambda;
  const std::int64_t directions = n() - k();
  return directions > 0 ? std::max(0.0, total_variance - kept) / static_cast<double>(directions)
                        : 0;
}

Model train(const Pictures& pictures, const TrainOptions& options) {
  check_pictures(pictures);
  const std::int64_t m = pictures.count(), n = pictures.size();
  const GramMatrix gram = gram_of(pictures.pixels, m, n);
  const std::vector<Relight> to = relights(gram, n, options.lighting);
  std::vector<double> vectors = centred(gram, to, n, options.lighting);
  double trace = 0;
  for (std::int64_t i = 0; i < m; ++i) trace += vectors[static_cast<std::size_t>(i * m + i)];
  const std::vector<double> ascending = eigen_decompose(static_cast<int>(m), vectors);

  // Rounding of the Gram matrix is below m eps trace; what is not above it is no direction.
  const double nothing = static_cast<double>(m) * std::numeric_limits<double>::epsilon() * trace;
  int rank = 0;
  while (rank < m - 1 && ascending[static_cast<std::size_t>(m - 1 - rank)] > nothing) ++rank;
  if (rank == 0) throw DataError(fmt::format("eigenfaces: the {} pictures are all the same", m));
  const int k = options.components == 0 ? rank : options.components;
  if (k < 0 || k > rank)
    throw ConfigError(
        fmt::format("eigenfaces: {} components, but {} pictures span {} directions", k, m, rank));

  Model model{.height = pictures.height,
              .width = pictures.width,
              .lighting = options.lighting,
              .mean = mean_face(pictures, to),
              .eigenfaces = std::vector<float>(static_cast<std::size_t>(k * n)),
              .total_variance = trace / static_cast<double>(m - 1),
              .weights = std::vector<float>(static_cast<std::size_t>(m * k)),
              .labels = pictures.labels,
              .people = pictures.people};
  std::vector<float> v(static_cast<std::size_t>(k * m));
  std::vector<double> sigma(static_cast<std::size_t>(k));
  for (int i = 0; i < k; ++i) {
    const auto from = static_cast<std::size_t>(m - 1 - i), row = static_cast<std::size_t>(i);
    sigma[row] = std::sqrt(ascending[from]);
    model.eigenvalues.push_back(ascending[from] / static_cast<double>(m - 1));
    for (std::size_t j = 0; j < static_cast<std::size_t>(m); ++j)
      v[row * static_cast<std::size_t>(m) + j] =
          static_cast<float>(vectors[from * static_cast<std::size_t>(m) + j] / sigma[row]);
  }
  combine(pictures, to, v, model);
  for (int i = 0; i < k; ++i) {
    const float sign = sign_of(model.eigenface(i));
    float* u = model.eigenfaces.data() + i * n;
    for (std::int64_t p = 0; p < n; ++p) u[p] *= sign;
    const double variance = sigma[static_cast<std::size_t>(i)] * sigma[static_cast<std::size_t>(i)];
    for (std::int64_t j = 0; j < m; ++j)
      model.weights[static_cast<std::size_t>(j * k + i)] =
          sign * static_cast<float>(v[static_cast<std::size_t>(i * m + j)] * variance);
  }
  return model;
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

std::string encode(const Model& model) {
  // Views are of memory that may be written; to_safetensors() only reads.
  Model m = model;
  const Shape faces{m.k(), m.height, m.width}, mean{m.height, m.width};
  const auto count = static_cast<std::int64_t>(m.labels.size());
  nlohmann::json about{{"people", m.people}, {"total_variance", m.total_variance}};
  if (m.thresholds)
    about["thresholds"] = {{"space", m.thresholds->space}, {"person", m.thresholds->person}};
  return to_safetensors({{"mean", {m.mean.data(), mean}},
                         {"eigenfaces", {m.eigenfaces.data(), faces}},
                         {"eigenvalues", {m.eigenvalues.data(), Shape{m.k()}, DType::kFloat64}},
                         {"weights", {m.weights.data(), Shape{count, m.k()}}},
                         {"labels", {m.labels.data(), Shape{count}, DType::kInt32}}},
                        {{"lighting", name_of(m.lighting)}, {"about", about.dump()}});
}

void save(const Model& model, const std::filesystem::path& folder) {
  write_folder_atomically(folder, [&](const std::filesystem::path& inside) {
    write_file_atomically(inside / kFile, encode(model));
  });
}

Model load(const std::filesystem::path& folder) {
  const std::string file = (folder / kFile).string();
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
    if (about.contains("thresholds"))
      model.thresholds = {about["thresholds"].at("space").get<double>(),
                          about["thresholds"].at("person").get<double>()};
  } catch (const std::exception& e) {
    throw DataError(fmt::format("{}: not eigenfaces as `train` writes them: {}", file, e.what()));
  }
  for (const int label : model.labels)
    if (label < 0 || label >= static_cast<int>(model.people.size()))
      throw DataError(fmt::format("{}: label {} of {} people", file, label, model.people.size()));
  return model;
}

}  // namespace hadal::eigenfaces
