// What sbatch is told.
#pragma once

#include <string>
#include <vector>

#include "launcher/schedulers/slurm.h"

namespace hadal::launcher {

/// Submits these jobs, which ask for the same: as an array when there are several. `first` is the
/// ticket of the first of them. Values of a sweep are in `files`, not here, and of the environment
/// only what is named is taken along.
std::vector<std::string> sbatch_arguments(const SlurmOptions& options,
                                          const std::vector<BatchJob>& jobs, const Ticket& first,
                                          const SubmissionFiles& files);

/// How the queue tells jobs of Hadal from others, and those of one sbatch from another's.
std::string comment_of(const Ticket& ticket);

/// Of the run's folder.
std::string name_of(const Job& job);

}  // namespace hadal::launcher
