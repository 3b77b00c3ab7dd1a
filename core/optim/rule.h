// What a rule is: a struct with
//
//   static constexpr std::array<StateSpec, K> kState;   the state tensors
//   explicit Rule(const OptimizerOptions&);
//   template <typename T> Update<T> update(double lr, std::int64_t step) const;
//
// where Update is a portable function (T& w, T g, T& state...) for the step numbered `step` (1 for
// the first), which the loops over the flat buffers inline, on the host and on accelerators.
#pragma once

#include <array>
#include <cstdint>

#include "core/base/portable.h"
#include "core/optim/optimizer.h"

namespace hadal::optim {

struct StateSpec {
  const char* name;
  double initial_value = 0.0;
};

/// Gradient of one element after clipping and decay.
template <typename T>
struct Effective {
  T scale, limit, decay;
  HADAL_PORTABLE T operator()(T g, T w) const {
    const T scaled = g * scale;
    const T clipped = scaled < -limit ? -limit : limit < scaled ? limit : scaled;
    return clipped + decay * w;
  }
};

}  // namespace hadal::optim
