// U from the scores: u.npy, m x k, orthonormal columns.
#pragma once

#include <filesystem>
#include <vector>

#include "dist/communicator.h"

namespace hadal::launcher {

/// Writes folder/u.npy = scores diag(1 / sigma), in the type of folder/scores.npy, which is whole;
/// columns of sigma 0 become 0. Collective.
void write_left_vectors(dist::Communicator& comm, const std::filesystem::path& folder,
                        const std::vector<double>& sigma);

}  // namespace hadal::launcher
