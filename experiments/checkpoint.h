// The state of a training on disk, from which it goes on to the same bits. A checkpoint is a folder
// that is whole or not there:
//
//   checkpoints/step-000000780/
//     weights.safetensors     parameters and running statistics
//     optimizer.safetensors   what the optimizer and the learning rate remember
//     ...                     any further group of tensors the trainer has
//     manifest.pb             epoch, step, spec, and checksums of every file and tensor
//
// Everything is verified when it is read. A damaged checkpoint is left where it is, with one line
// of warning, and the one before it is taken.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/safetensors.h"

#include "experiments/spec/experiment.pb.h"

namespace hadal::experiments {

struct BestValidation {
  std::int64_t epoch = 0, step = 0;
  double error = 0;  // percent
  friend bool operator==(const BestValidation&, const BestValidation&) = default;
};

/// A loss that was not finite, and the way back from it.
struct Rewind {
  std::int64_t step = 0, to = 0;  // steps done when it happened, and in the state gone back to
  double rate_factor = 1;         // of all learning rates from then on
  std::string reason;
  friend bool operator==(const Rewind&, const Rewind&) = default;
};

/// Where a training stands.
struct TrainingState {
  spec::ExperimentSpec spec;  // resolved
  std::int64_t epoch = 0;     // whole epochs done
  std::int64_t step = 0;      // optimizer steps done
  int ranks = 1;
  std::optional<BestValidation> best_validation = {};
  std::map<std::string, double> numbers = {};  // further numbers by name
  std::vector<Rewind> rewinds = {};            // oldest first
  /// Steps of the states the training may go back to, each with the step of best_validation in it
  /// (-1: none): the checkpoints of all these steps are kept.
  std::map<std::int64_t, std::int64_t> rewind_points = {};
};

/// Tensors by file: {"weights", {...}}. Names of groups are letters, digits, '_' and '-'.
using TensorGroups = std::map<std::string, NamedViews>;

struct Checkpoint {
  std::filesystem::path path;
  TrainingState state;
  std::string spec_hash;
  std::map<std::string, Safetensors> groups;

  /// Throws DataError for a group that is not there.
  const Safetensors& group(const std::string& name) const;
};

/// Reads and verifies one checkpoint folder. Throws DataError naming the file, and the tensor whose
/// bytes differ; IoError.
Checkpoint read_checkpoint(const std::filesystem::path& path);

/// Throws ConfigError with both hashes and the fields that differ, unless `wanted` is the spec the
/// checkpoint was trained with (fields that cannot change a result may differ).
void require_same_spec(const Checkpoint& checkpoint, const spec::ExperimentSpec& wanted);

/// The checkpoints of one run. One process writes (rank 0); any may read.
class CheckpointStore {
 public:
  using Warn = std::function<void(const std::string& line)>;

  /// `keep`: how many of the newest stay, at least 1. The folder need not exist yet.
  CheckpointStore(std::filesystem::path folder, int keep, Warn warn);

  /// Writes a checkpoint of state.step, unless there is a good one of the same spec, then removes
  /// all but the `keep` newest, the one of state.best_validation and those of state.rewind_points;
  /// those latest_good() found
  /// damaged do not count and go. Throws IoError (full disk, no permission); what was there before
  /// is still there then.
  std::filesystem::path save(const TrainingState& state, const TensorGroups& groups);

  /// The newest checkpoint that is whole, nothing when there is none; warns of damaged ones. Throws
  /// ConfigError when it is of another spec.
  std::optional<Checkpoint> latest_good(const spec::ExperimentSpec& spec);

  /// The checkpoint of the lowest validation error, as the newest good one records it.
  std::optional<Checkpoint> best(const spec::ExperimentSpec& spec);

  /// Removes all checkpoints of more than `step` steps, newest first. Throws IoError.
  void remove_after(std::int64_t step);

  /// Steps of all checkpoints, good or damaged, ascending.
  std::vector<std::int64_t> steps() const;

  std::filesystem::path path_of(std::int64_t step) const;

 private:
  void remove_leftovers() const;
  void prune(const TrainingState& state);

  std::filesystem::path folder_;
  int keep_;
  Warn warn_;
  std::set<std::int64_t> damaged_;
};

}  // namespace hadal::experiments
