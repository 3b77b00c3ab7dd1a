// What layers say when shapes do not fit.
#pragma once

#include <string_view>

#include "core/shape.h"

namespace hadal {

/// Throws ShapeError "input is 1x10, wanted N x H x W x C" unless `shape` has the rank that
/// `wanted` describes.
void expect_rank(const Shape& shape, int rank, std::string_view who, std::string_view wanted);

/// Throws ShapeError unless `shape` has a batch and channels: N x C or N x H x W x C.
void expect_channels(const Shape& shape, std::string_view who);

/// Throws ShapeError "branch is 1x8x8x32, wanted 1x8x8x16 as shortcut" unless both are equal.
void expect_same(const Shape& shape, std::string_view who, const Shape& wanted,
                 std::string_view as);

/// Scores N x classes and labels N.
void expect_scores_and_labels(const Shape& scores, const Shape& labels);

}  // namespace hadal
