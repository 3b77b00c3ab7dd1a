// SVHN, format 2: cropped digits (Netzer et al., "Reading Digits in Natural Images with
// Unsupervised Feature Learning", NIPS workshop 2011). Each .mat file holds X, 32 x 32 x 3 x N
// uint8 in column-major order (row fastest, then column, channel, image), and y, N x 1, 1 to 10,
// where 10 is the digit zero.
#pragma once

#include "core/data/byte_source.h"
#include "core/data/dataset.h"
#include "core/data/dataset_info.h"

namespace hadal::data {

/// Appends the digits of one .mat file to `set` (empty, or 32 x 32 x 3); label 10 becomes 0.
/// `wanted_count` -1: any number. Throws DataError for damage, variables that are missing or of
/// another shape, or labels out of range.
void read_svhn(ByteSource& source, ImageSet& set, std::int64_t wanted_count = -1);

/// The set for the registry: svhn/. Options train_file, test_file and extra_file name other files
/// in that folder (slices, say), or `none` for no test or extra digits. Extra digits follow the
/// official training digits in `train`.
DatasetInfo svhn_info();

}  // namespace hadal::data
