#pragma once

#include <string>

#include "core/graph.h"
#include "core/layers/window.h"

namespace hadal {

struct PoolOptions {
  int window = 2;                  // extent of the square window
  int window_h = 0, window_w = 0;  // of one that is not square; 0: window
  int stride = 0;                  // 0: the window's own extents, so windows do not overlap
  PaddingOption padding = PaddingRule::kValid;
  Rounding rounding = Rounding::kFloor;
  bool count_padding = false;  // average: divide by the cells inside the padded image
};

/// Maximum or mean over windows, per channel:
///
///   y[n,p,q,c] = max | mean  over (i,j) in the window of  x[n, p s + i - top, q s + j - left, c]
///
/// x: N x H x W x C. y: N x H' x W' x C, H' = floor | ceil ((H + top + bottom - window) / s) + 1;
/// with ceil (Caffe's rule) the last window may hang over the padded edge. Cells outside the image
/// never win a maximum; the mean is over the cells inside the image (TensorFlow's rule), or with
/// count_padding over those inside the padded image, where padding counts as zeros (Caffe's). The
/// gradient of a maximum goes to the first of equal cells, row by row.
/// Throws ConfigError for extents that are not positive or padding as large as the window,
/// ShapeError unless x has four dimensions and the window fits.
Value max_pool(Graph& g, std::string name, Value x, const PoolOptions& options = {});
Value average_pool(Graph& g, std::string name, Value x, const PoolOptions& options = {});

/// Over all of H x W. y: N x 1 x 1 x C.
Value global_max_pool(Graph& g, std::string name, Value x);
Value global_average_pool(Graph& g, std::string name, Value x);

}  // namespace hadal
