// A folder of results that the ranks of a job fill together: whole or not there.
#pragma once

#include <filesystem>
#include <functional>

#include "dist/communicator.h"

namespace hadal::launcher {

struct SharedFolder {
  std::filesystem::path out;
  bool replace = false;  // what is there already; it stays until the new one is whole
};

/// Collective: `fill(folder)` on every rank, with a temporary folder of rank 0's beside `out`; when
/// all have ended, `seal(folder)` on rank 0 alone, and the folder becomes `out`. On any exception
/// the temporary is removed. Throws IoError, and what the two throw; REQUIRES: all ranks see one
/// file system.
void write_shared_folder(dist::Communicator& comm, const SharedFolder& folder,
                         const std::function<void(const std::filesystem::path&)>& fill,
                         const std::function<void(const std::filesystem::path&)>& seal);

}  // namespace hadal::launcher
