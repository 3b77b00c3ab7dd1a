#include "experiments/studies/eigenfaces/dictionary.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/data/permutation.h"
#include "experiments/studies/eigenfaces/sparse_code.h"

namespace hadal::eigenfaces {
namespace {

using linalg::DenseMatrix;

enum Draw : std::uint64_t { kStart = 5, kOrder = 6, kPlaces = 7 };

double dot(std::span<const double> x, std::span<const double> y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

// y += a x
void add(double a, std::span<const double> x, std::span<double> y) {
  for (std::size_t i = 0; i < x.size(); ++i) y[i] += a * x[i];
}

// To length 1; false when it has none.
bool normalise(std::span<double> x) {
  const double length = std::sqrt(dot(x, x));
  if (!(length > 0)) return false;
  for (double& value : x) value /= length;
  return true;
}

void take_mean_off(std::span<double> x) {
  double mean = 0;
  for (const double value : x) mean += value / static_cast<double>(x.size());
  for (double& value : x) value -= mean;
}

DenseMatrix first_atoms(const DenseMatrix& examples, int atoms, std::uint64_t seed) {
  DenseMatrix d(atoms, examples.cols);
  std::int64_t taken = 0;
  for (const std::int64_t i :
       data::permutation(examples.rows, {seed, random::Purpose::kSplit, kStart})) {
    if (taken == atoms) break;
    std::ranges::copy(examples.row(i), d.row(taken).begin());
    taken += normalise(d.row(taken));
  }
  if (atoms < 1 || taken < atoms)
    throw ConfigError(
        fmt::format("dictionary: {} atoms of {} examples that are not flat, wanted 1 "
                    "to as many as examples",
                    atoms, taken));
  return d;
}

double mean_error(const DenseMatrix& residuals) {
  return std::sqrt(dot(residuals.values, residuals.values) /
                   static_cast<double>(residuals.values.size()));
}

class Ksvd {
 public:
  Ksvd(const DenseMatrix& examples, const KsvdOptions& options)
      : examples_(examples),
        nonzeros_(options.nonzeros),
        atoms_(first_atoms(examples, options.atoms, options.seed)),
        codes_(static_cast<std::size_t>(examples.rows)),
        residuals_(examples) {}

  double iterate() {
    code();
    std::vector<std::vector<User>> users(static_cast<std::size_t>(atoms_.rows));
    for (std::size_t i = 0; i < codes_.size(); ++i)
      for (std::size_t at = 0; at < codes_[i].atoms.size(); ++at)
        users[static_cast<std::size_t>(codes_[i].atoms[at])].push_back({i, at});
    for (std::int64_t j = 0; j < atoms_.rows; ++j) {
      const std::vector<User>& mine = users[static_cast<std::size_t>(j)];
      if (mine.empty())
        replace(j);
      else
        fit(j, mine);
    }
    return mean_error(residuals_);
  }

  DenseMatrix take_atoms() { return std::move(atoms_); }

 private:
  struct User {
    std::size_t example, at;  // coefficient `at` of its code
  };

  void code() {
    const SparseCoder coder(atoms_);
    const DenseMatrix correlations = coder.correlations(examples_);
    for (std::int64_t i = 0; i < examples_.rows; ++i) {
      SparseCode fresh = coder.omp(correlations.row(i), nonzeros_);
      std::vector<double> left(examples_.row(i).begin(), examples_.row(i).end());
      add(-1, coder.decode(fresh), left);
      if (dot(left, left) > dot(residuals_.row(i), residuals_.row(i))) continue;
      codes_[static_cast<std::size_t>(i)] = std::move(fresh);
      std::ranges::copy(left, residuals_.row(i).begin());
    }
  }

  // d = E^T g / |E^T g|, then g = E d, E the examples less all other atoms.
  void fit(std::int64_t j, const std::vector<User>& users) {
    const std::span<double> atom = atoms_.row(j);
    std::vector<double> better(atom.size());
    for (const User& user : users) {
      const std::span<double> left = residuals_.row(static_cast<std::int64_t>(user.example));
      const double value = codes_[user.example].values[user.at];
      add(value, atom, left);
      add(value, left, better);
    }
    if (normalise(better)) std::ranges::copy(better, atom.begin());
    for (const User& user : users) {
      const std::span<double> left = residuals_.row(static_cast<std::int64_t>(user.example));
      double& value = codes_[user.example].values[user.at];
      value = dot(left, atom);
      add(-value, atom, left);
    }
  }

  // What no code uses becomes the example that is farthest from its own.
  void replace(std::int64_t j) {
    std::int64_t worst = 0;
    double most = -1;
    for (std::int64_t i = 0; i < residuals_.rows; ++i) {
      const double squared = dot(residuals_.row(i), residuals_.row(i));
      if (squared <= most || std::ranges::find(replaced_, i) != replaced_.end()) continue;
      most = squared;
      worst = i;
    }
    std::vector<double> fresh(examples_.row(worst).begin(), examples_.row(worst).end());
    if (!normalise(fresh)) return;
    std::ranges::copy(fresh, atoms_.row(j).begin());
    replaced_.push_back(worst);
  }

  const DenseMatrix& examples_;
  const int nonzeros_;
  DenseMatrix atoms_;
  std::vector<SparseCode> codes_;
  DenseMatrix residuals_;                 // examples less their codes
  std::vector<std::int64_t> replaced_{};  // examples that became atoms
};

class Online {
 public:
  Online(const DenseMatrix& examples, const OnlineOptions& options)
      : examples_(examples),
        options_(options),
        lambda_(options.lambda > 0 ? options.lambda : usual_lambda(examples)),
        atoms_(first_atoms(examples, options.atoms, options.seed)),
        a_(options.atoms, options.atoms),
        b_(options.atoms, examples.cols) {}

  double epoch(int number) {
    const std::vector<std::int64_t> order = data::permutation(
        examples_.rows,
        {options_.seed, random::Purpose::kSplit, kOrder, static_cast<std::uint64_t>(number)});
    double squared = 0;
    for (std::size_t first = 0; first < order.size();
         first += static_cast<std::size_t>(options_.batch)) {
      const std::size_t last =
          std::min(order.size(), first + static_cast<std::size_t>(options_.batch));
      squared += learn({order.data() + first, last - first});
    }
    return std::sqrt(squared / static_cast<double>(examples_.values.size()));
  }

  DenseMatrix take_atoms() {
    for (std::int64_t j = 0; j < atoms_.rows; ++j) normalise(atoms_.row(j));
    return std::move(atoms_);
  }

 private:
  // Mairal et al. 2009, 4.1: lambda = 1.2 / sqrt(n) for examples of length 1; half of it here, as
  // their codes have some 10 of 100 values other than 0 and ours are to have few, but not that few.
  static double usual_lambda(const DenseMatrix& examples) {
    double length = 0;
    for (std::int64_t i = 0; i < examples.rows; ++i)
      length += std::sqrt(dot(examples.row(i), examples.row(i)));
    return 0.6 / std::sqrt(static_cast<double>(examples.cols)) * length /
           static_cast<double>(examples.rows);
  }

  // Squared error of the batch before atoms change.
  double learn(std::span<const std::int64_t> batch) {
    ++step_;
    const double eta = options_.batch;
    const double theta = step_ < eta ? step_ * eta : eta * eta + step_ - eta;
    const double memory = (theta + 1 - eta) / (theta + 1);
    for (double& value : a_.values) value *= memory;
    for (double& value : b_.values) value *= memory;

    DenseMatrix examples(static_cast<std::int64_t>(batch.size()), examples_.cols);
    for (std::size_t i = 0; i < batch.size(); ++i)
      std::ranges::copy(examples_.row(batch[i]),
                        examples.row(static_cast<std::int64_t>(i)).begin());
    const SparseCoder coder(atoms_);
    const DenseMatrix correlations = coder.correlations(examples);
    double squared = 0;
    for (std::int64_t i = 0; i < examples.rows; ++i) {
      const SparseCode code =
          coder.lasso(correlations.row(i), lambda_, static_cast<int>(atoms_.rows));
      for (std::size_t s = 0; s < code.atoms.size(); ++s) {
        for (std::size_t t = 0; t < code.atoms.size(); ++t)
          a_(code.atoms[s], code.atoms[t]) += code.values[s] * code.values[t];
        add(code.values[s], examples.row(i), b_.row(code.atoms[s]));
      }
      std::vector<double> left(examples.row(i).begin(), examples.row(i).end());
      add(-1, coder.decode(code), left);
      squared += dot(left, left);
    }
    update();
    return squared;
  }

  // d_j = (b_j - sum_l a_jl d_l) / a_jj + d_j, then onto the ball of radius 1.
  void update() {
    for (std::int64_t j = 0; j < atoms_.rows; ++j) {
      if (!(a_(j, j) > 1e-12)) continue;  // nobody has used it
      std::vector<double> change(b_.row(j).begin(), b_.row(j).end());
      for (std::int64_t l = 0; l < atoms_.rows; ++l)
        if (a_(j, l) != 0) add(-a_(j, l), atoms_.row(l), change);
      const std::span<double> atom = atoms_.row(j);
      add(1 / a_(j, j), change, atom);
      const double length = std::sqrt(dot(atom, atom));
      if (length > 1)
        for (double& value : atom) value /= length;
    }
  }

  const DenseMatrix& examples_;
  const OnlineOptions options_;
  const double lambda_;
  DenseMatrix atoms_;
  DenseMatrix a_, b_;  // p x p: sum of a a^T; p x n: rows are columns of sum of x a^T
  double step_ = 0;
};

}  // namespace

Dictionary learn_ksvd(const DenseMatrix& examples, const KsvdOptions& options) {
  if (options.nonzeros < 1 || options.iterations < 1)
    throw ConfigError(fmt::format("dictionary: {} nonzeros, {} iterations, wanted at least 1 each",
                                  options.nonzeros, options.iterations));
  Ksvd ksvd(examples, options);
  Dictionary dictionary;
  for (int i = 0; i < options.iterations; ++i) {
    dictionary.errors.push_back(ksvd.iterate());
    if (options.on_iteration) options.on_iteration(i + 1, dictionary.errors.back());
  }
  dictionary.atoms = ksvd.take_atoms();
  return dictionary;
}

Dictionary learn_online(const DenseMatrix& examples, const OnlineOptions& options) {
  if (options.batch < 1 || options.epochs < 1 || options.lambda < 0)
    throw ConfigError(
        fmt::format("dictionary: batches of {}, {} epochs, lambda {}, wanted at least 1, 1 and 0",
                    options.batch, options.epochs, options.lambda));
  Online online(examples, options);
  Dictionary dictionary;
  for (int i = 0; i < options.epochs; ++i) {
    dictionary.errors.push_back(online.epoch(i));
    if (options.on_epoch) options.on_epoch(i + 1, dictionary.errors.back());
  }
  dictionary.atoms = online.take_atoms();
  return dictionary;
}

DenseMatrix patches_of(const Pictures& pictures, int side, std::int64_t count, std::uint64_t seed) {
  if (side == 0) {
    DenseMatrix all(pictures.count(), pictures.size());
    for (std::int64_t i = 0; i < all.rows; ++i) {
      std::ranges::copy(pictures.picture(i), all.row(i).begin());
      take_mean_off(all.row(i));
    }
    return all;
  }
  if (side < 2 || side > pictures.height || side > pictures.width)
    throw ConfigError(fmt::format("patches of {0}x{0} pixels of pictures of {1}x{2}", side,
                                  pictures.height, pictures.width));
  DenseMatrix patches(count, std::int64_t{side} * side);
  for (std::int64_t i = 0; i < count; ++i) {
    const random::Stream stream{seed, random::Purpose::kSplit, kPlaces,
                                static_cast<std::uint64_t>(i)};
    const auto draw = [&](std::int64_t n, std::uint64_t index) {
      return static_cast<std::int64_t>(random::below(stream, static_cast<std::uint32_t>(n), index));
    };
    const std::span<const std::uint8_t> picture = pictures.picture(draw(pictures.count(), 0));
    const std::int64_t top = draw(pictures.height - side + 1, 1);
    const std::int64_t left = draw(pictures.width - side + 1, 2);
    const std::span<double> patch = patches.row(i);
    for (std::int64_t y = 0; y < side; ++y)
      for (std::int64_t x = 0; x < side; ++x)
        patch[static_cast<std::size_t>(y * side + x)] =
            picture[static_cast<std::size_t>((top + y) * pictures.width + left + x)];
    take_mean_off(patch);
  }
  return patches;
}

}  // namespace hadal::eigenfaces
