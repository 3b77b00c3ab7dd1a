#include "core/layers/expect.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal {

void expect_rank(const Shape& shape, int rank, std::string_view who, std::string_view wanted) {
  if (shape.rank() != rank)
    throw ShapeError(fmt::format("{} is {}, wanted {}", who, shape.to_string(), wanted));
}

void expect_channels(const Shape& shape, std::string_view who) {
  if (shape.rank() != 2 && shape.rank() != 4)
    throw ShapeError(
        fmt::format("{} is {}, wanted N x H x W x C or N x C", who, shape.to_string()));
}

void expect_same(const Shape& shape, std::string_view who, const Shape& wanted,
                 std::string_view as) {
  if (shape != wanted)
    throw ShapeError(
        fmt::format("{} is {}, wanted {} as {}", who, shape.to_string(), wanted.to_string(), as));
}

void expect_scores_and_labels(const Shape& scores, const Shape& labels) {
  expect_rank(scores, 2, "scores", "N x classes (flatten first)");
  expect_same(labels, "labels", {scores.n()}, "one per sample");
}

}  // namespace hadal
