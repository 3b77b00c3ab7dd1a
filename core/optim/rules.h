// One factory per rule, each in its own file; registry.cc lists them.
#pragma once

#include "core/optim/optimizer.h"

namespace hadal::optim {

std::unique_ptr<Optimizer> make_sgd(Parameters& parameters, const OptimizerOptions& options);
std::unique_ptr<Optimizer> make_rmsprop_keras(Parameters& parameters,
                                              const OptimizerOptions& options);
std::unique_ptr<Optimizer> make_rmsprop_tensorflow(Parameters& parameters,
                                                   const OptimizerOptions& options);
std::unique_ptr<Optimizer> make_adam(Parameters& parameters, const OptimizerOptions& options);

}  // namespace hadal::optim
