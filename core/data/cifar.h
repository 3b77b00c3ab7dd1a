// CIFAR-10 and CIFAR-100, binary version (A. Krizhevsky, "Learning Multiple Layers of Features from
// Tiny Images", 2009; the format is described on the sets' page). A file is records of label bytes
// (CIFAR-10: class; CIFAR-100: coarse class, fine class), then 1,024 red, 1,024 green and 1,024
// blue bytes, each plane 32 x 32 by rows.
#pragma once

#include "core/data/byte_source.h"
#include "core/data/dataset.h"
#include "core/data/dataset_info.h"

namespace hadal::data {

inline constexpr int kCifarSide = 32;
inline constexpr int kCifarImageBytes = 3 * kCifarSide * kCifarSide;

struct CifarFormat {
  int label_bytes = 1;
  int label_byte = 0;  // which of them is the label
  int classes = 10;
};
inline constexpr CifarFormat kCifar10Format{.label_bytes = 1, .label_byte = 0, .classes = 10};
inline constexpr CifarFormat kCifar100FineFormat{.label_bytes = 2, .label_byte = 1, .classes = 100};

/// All records of `source`, as 32 x 32 x 3. Throws DataError for a torn record, a label out of
/// range, or another number of records than `wanted_records` (-1: any number from 1 on).
ImageSet read_cifar(ByteSource& source, const CifarFormat& format,
                    std::int64_t wanted_records = -1);

/// The sets for the registry: cifar-10-batches-bin/ and cifar-100-binary/ (fine labels).
DatasetInfo cifar10_info();
DatasetInfo cifar100_info();

}  // namespace hadal::data
