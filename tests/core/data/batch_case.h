// Judges the batches that a device makes by those of the host's loader, over a table of sets and
// changes.
#pragma once

#include <string>
#include <vector>

#include "core/backend.h"
#include "core/data/augment.h"
#include "core/data/preprocess.h"

namespace hadal::test {

struct BatchCase {
  std::string name;  // of letters and digits, so it can name a test
  int height = 16, width = 16, channels = 3;
  std::vector<data::PreprocessStep> steps{};
  data::Augmentation augmentation{};
  bool shuffle = true;
};

/// Every padding, mirrored and cut out or not; odd sizes, one channel and four; images kept as
/// bytes and as floats.
std::vector<BatchCase> batch_cases();

/// Expects of loaders on 1, 2 and 4 ranks, through two epochs that end in a partial batch and again
/// from the middle of one, that `backend`, which has a device, makes there the bits that the host
/// makes.
void judge(Backend& backend, const BatchCase& batch_case);

}  // namespace hadal::test
