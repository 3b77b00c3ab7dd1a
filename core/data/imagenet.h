#pragma once

#include "core/data/dataset_info.h"

namespace hadal::data {

/// ILSVRC-2012: its size is known, so that plans can be made of nets that want it; loading it
/// throws ConfigError.
DatasetInfo imagenet_info();

}  // namespace hadal::data
