// MNIST: images and labels in IDX files (idx.h).
#pragma once

#include "core/data/byte_source.h"
#include "core/data/dataset.h"
#include "core/data/dataset_info.h"

namespace hadal::data {

/// Images and their labels from a pair of IDX files; one channel. `wanted_count` -1: any number.
/// Throws DataError for another magic, sizes beyond 1,024 x 1,024 or 10 million images, truncation,
/// bytes left over, a label above 9, or pair and wanted counts that differ.
ImageSet read_mnist(ByteSource& images, ByteSource& labels, std::int64_t wanted_count = -1);

/// The set for the registry: MNIST/raw/, files as published (.gz) or inflated.
DatasetInfo mnist_info();

}  // namespace hadal::data
