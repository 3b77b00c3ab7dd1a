#include "experiments/studies/eigenfaces/sparse_code.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

#include "core/base/error.h"
#include "core/linalg/dense.h"

namespace hadal::eigenfaces {
namespace {

// Atoms that are this near to depending on those taken add nothing but rounding.
constexpr double kIndependent = 1e-10;

// L L^T = G of the atoms taken, a row for each; grows and shrinks with them.
class Factor {
 public:
  explicit Factor(const linalg::DenseMatrix& gram) : gram_(gram) {}

  // False, with nothing changed, when the atom depends on those taken.
  bool take(int atom) {
    std::vector<double> row(atoms_.size() + 1);
    double left = gram_(atom, atom);
    for (std::size_t i = 0; i < atoms_.size(); ++i) {
      double sum = gram_(atoms_[i], atom);
      for (std::size_t j = 0; j < i; ++j) sum -= rows_[i][j] * row[j];
      row[i] = sum / rows_[i][i];
      left -= row[i] * row[i];
    }
    if (left <= kIndependent) return false;
    row.back() = std::sqrt(left);
    rows_.push_back(std::move(row));
    atoms_.push_back(atom);
    return true;
  }

  void drop(std::size_t which) {
    std::vector<int> after(atoms_.begin() + static_cast<std::ptrdiff_t>(which) + 1, atoms_.end());
    atoms_.resize(which);
    rows_.resize(which);
    for (const int atom : after) take(atom);
  }

  // G_taken^-1 b
  std::vector<double> solve(std::vector<double> b) const {
    for (std::size_t i = 0; i < b.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) b[i] -= rows_[i][j] * b[j];
      b[i] /= rows_[i][i];
    }
    for (std::size_t i = b.size(); i-- > 0;) {
      for (std::size_t j = i + 1; j < b.size(); ++j) b[i] -= rows_[j][i] * b[j];
      b[i] /= rows_[i][i];
    }
    return b;
  }

  const std::vector<int>& atoms() const { return atoms_; }
  bool has(int atom) const { return std::ranges::find(atoms_, atom) != atoms_.end(); }

 private:
  const linalg::DenseMatrix& gram_;
  std::vector<std::vector<double>> rows_{};
  std::vector<int> atoms_{};
};

std::vector<double> of_atoms(std::span<const double> correlations, const std::vector<int>& atoms) {
  std::vector<double> chosen;
  for (const int atom : atoms) chosen.push_back(correlations[static_cast<std::size_t>(atom)]);
  return chosen;
}

// c - G a: what correlates with each atom still.
std::vector<double> left_over(std::span<const double> correlations, const linalg::DenseMatrix& gram,
                              const std::vector<int>& atoms, const std::vector<double>& values) {
  std::vector<double> left(correlations.begin(), correlations.end());
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    const std::span<const double> row = gram.row(atoms[i]);
    for (std::size_t j = 0; j < left.size(); ++j) left[j] -= values[i] * row[j];
  }
  return left;
}

// One homotopy: the lasso's solution is linear in lambda between the values where an atom enters or
// leaves.
class LassoPath {
 public:
  LassoPath(const linalg::DenseMatrix& gram, std::span<const double> correlations)
      : gram_(gram), correlations_(correlations), factor_(gram), barred_(correlations.size()) {}

  SparseCode follow(double lambda, int nonzeros) {
    std::vector<double> left(correlations_.begin(), correlations_.end());
    const auto first = std::ranges::max_element(left, {}, [](double c) { return std::abs(c); });
    lambda_ = first == left.end() ? 0 : std::abs(*first);
    int entering = static_cast<int>(first - left.begin());
    int dropped = -1;
    // Every event changes the set of atoms; more events than this is a cycle of rounding.
    for (std::size_t events = 0; events < 8 * left.size() && lambda_ > lambda; ++events) {
      if (entering >= 0) {
        if (static_cast<int>(values_.size()) >= nonzeros) break;
        if (factor_.take(entering)) {
          values_.push_back(0);
          signs_.push_back(left[static_cast<std::size_t>(entering)] < 0 ? -1 : 1);
        } else {
          barred_[static_cast<std::size_t>(entering)] = true;
        }
      }
      if (values_.empty()) break;
      std::tie(entering, dropped) = advance(left, lambda, dropped);
      left = left_over(correlations_, gram_, factor_.atoms(), values_);
    }
    return {factor_.atoms(), values_};
  }

 private:
  // To the next event or to `lambda`: the atom that enters, or -1; the atom that left, or -1.
  std::pair<int, int> advance(const std::vector<double>& left, double lambda, int just_dropped) {
    const std::vector<double> direction = factor_.solve(signs_);
    // How the correlations fall as lambda falls by one.
    std::vector<double> fall(left.size());
    for (std::size_t i = 0; i < direction.size(); ++i) {
      const std::span<const double> row = gram_.row(factor_.atoms()[i]);
      for (std::size_t j = 0; j < fall.size(); ++j) fall[j] += direction[i] * row[j];
    }
    double step = lambda_ - lambda;
    int entering = -1;
    for (std::size_t j = 0; j < left.size(); ++j) {
      const int atom = static_cast<int>(j);
      if (barred_[j] || atom == just_dropped || factor_.has(atom)) continue;
      for (const double sign : {1.0, -1.0}) {
        const double closing = 1 - sign * fall[j];
        const double at = (lambda_ - sign * left[j]) / closing;
        if (closing > kIndependent && at >= 0 && at < step) {
          step = at;
          entering = atom;
        }
      }
    }
    std::optional<std::size_t> leaving;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const double at = -values_[i] / direction[i];
      if (at > 0 && at < step) {
        step = at;
        leaving = i;
      }
    }
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i] += step * direction[i];
    lambda_ -= step;
    if (!leaving) return {entering, -1};
    const int gone = factor_.atoms()[*leaving];
    const auto at = static_cast<std::ptrdiff_t>(*leaving);
    factor_.drop(*leaving);
    values_.erase(values_.begin() + at);
    signs_.erase(signs_.begin() + at);
    return {-1, gone};
  }

  const linalg::DenseMatrix& gram_;
  std::span<const double> correlations_;
  Factor factor_;
  std::vector<bool> barred_;  // depend on atoms taken
  std::vector<double> values_{}, signs_{};
  double lambda_ = 0;
};

}  // namespace

SparseCoder::SparseCoder(const linalg::DenseMatrix& atoms)
    : atoms_(&atoms), gram_(linalg::multiply_transposed_right(atoms, atoms)) {}

linalg::DenseMatrix SparseCoder::correlations(const linalg::DenseMatrix& signals) const {
  return linalg::multiply_transposed_right(signals, *atoms_);
}

SparseCode SparseCoder::omp(std::span<const double> correlations, int nonzeros) const {
  Factor factor(gram_);
  std::vector<double> values, left(correlations.begin(), correlations.end());
  double scale = 0;
  for (const double c : correlations) scale = std::max(scale, std::abs(c));
  while (static_cast<int>(values.size()) < nonzeros) {
    int best = -1;
    double most = kIndependent * scale;
    for (std::size_t j = 0; j < left.size(); ++j)
      if (std::abs(left[j]) > most && !factor.has(static_cast<int>(j))) {
        most = std::abs(left[j]);
        best = static_cast<int>(j);
      }
    if (best < 0 || !factor.take(best)) break;
    values = factor.solve(of_atoms(correlations, factor.atoms()));
    left = left_over(correlations, gram_, factor.atoms(), values);
  }
  return {factor.atoms(), values};
}

SparseCode SparseCoder::lasso(std::span<const double> correlations, double lambda,
                              int nonzeros) const {
  return LassoPath(gram_, correlations).follow(lambda, nonzeros);
}

SparseCode SparseCoder::refitted(const SparseCode& code,
                                 std::span<const double> correlations) const {
  Factor factor(gram_);
  for (const int atom : code.atoms) factor.take(atom);
  return {factor.atoms(), factor.solve(of_atoms(correlations, factor.atoms()))};
}

std::vector<double> SparseCoder::decode(const SparseCode& code) const {
  std::vector<double> x(static_cast<std::size_t>(atoms_->cols));
  for (std::size_t i = 0; i < code.atoms.size(); ++i) {
    const std::span<const double> atom = atoms_->row(code.atoms[i]);
    for (std::size_t j = 0; j < x.size(); ++j) x[j] += code.values[i] * atom[j];
  }
  return x;
}

}  // namespace hadal::eigenfaces
