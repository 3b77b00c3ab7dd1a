// Eigenfaces of more pictures than a Gram matrix has room for.
#pragma once

#include <cstdint>

#include "dist/communicator.h"
#include "experiments/studies/eigenfaces/model.h"

namespace hadal::eigenfaces {

/// train() by the randomized SVD of the centred pictures (dist/linalg/svd.h) in place of their Gram
/// matrix: time grows with m n k instead of m^2 n. Every eigenvalue is right to the accuracy of
/// that SVD. Collective: every rank gives the same pictures and gets the same model. Throws as
/// train(); `options.components` must be set.
Model train_randomized(dist::Communicator& comm, const Pictures& pictures,
                       const TrainOptions& options, std::uint64_t seed = 1);

}  // namespace hadal::eigenfaces
