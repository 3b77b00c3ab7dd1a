#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace hadal {

/// Extents of a dense tensor, outermost first, rank 0 to 4. Activations are N x H x W x C, or N x C
/// after flatten, or N for one number per sample. In a graph N is 1; a plan puts its batch there.
class Shape {
 public:
  static constexpr int kMaxRank = 4;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents);
  explicit Shape(std::span<const std::int64_t> extents);

  int rank() const { return rank_; }
  std::int64_t operator[](int axis) const;
  std::int64_t elements() const;
  std::span<const std::int64_t> extents() const {
    return {extents_.data(), static_cast<std::size_t>(rank_)};
  }

  // Named extents of activations. A rank-2 shape N x C has height and width 1.
  std::int64_t n() const { return (*this)[0]; }
  std::int64_t h() const { return rank_ == 4 ? extents_[1] : 1; }
  std::int64_t w() const { return rank_ == 4 ? extents_[2] : 1; }
  std::int64_t c() const { return rank_ < 2 ? 1 : extents_[rank_ - 1]; }
  std::int64_t elements_per_sample() const { return n() == 0 ? 0 : elements() / n(); }

  Shape with_batch(std::int64_t n) const;

  /// "128x16x16x32".
  std::string to_string() const;

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::array<std::int64_t, kMaxRank> extents_{};
  int rank_ = 0;
};

}  // namespace hadal
