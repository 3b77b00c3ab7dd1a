// Rows as pictures: components, mean, and rows beside their reconstructions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/image/image.h"
#include "core/matrix/row_source.h"
#include "experiments/figures/figure.h"
#include "launcher/decomposition/model.h"

namespace hadal::launcher {

/// A row, `low` black and `high` white.
image::Image picture_of(std::span<const double> row, const matrix::PictureShape& shape, double low,
                        double high);

/// Zero grey, as bright as dark at the same distance from it.
image::Image component_picture(std::span<const double> component,
                               const matrix::PictureShape& shape);

/// `rows` (float64, one after another) beside their reconstructions from the first 1, 5, 20, 50,
/// 100, ... and all components of the model, each in the range of its original.
figures::Figure reconstructions(const Model& model, const matrix::PictureShape& shape,
                                const linalg::DenseMatrix& rows,
                                const std::vector<std::string>& row_names);

/// At most `count` rows of `a`, evenly spread, as float64; `which` gets their numbers.
linalg::DenseMatrix sample_rows(const matrix::RowSource& a, std::int64_t count,
                                std::vector<std::int64_t>& which);

}  // namespace hadal::launcher
