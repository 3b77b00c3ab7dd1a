// Lets the faults of a list happen inside a rank that trains: a group around its group sees the
// phases of every step, a probe its state and images, and the program's own write(), fsync() and
// rename() (faulty_files.cc) what it does to files.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/train/replica_group.h"
#include "experiments/run.h"
#include "tests/faults/fault.h"

namespace hadal::faults {

class Injector final : public experiments::ReplicaProbe {
 public:
  /// The list named in the environment; none: nothing ever happens.
  Injector();

  /// The group to train with in place of `group`, which this process is in.
  std::unique_ptr<ReplicaGroup> around(ReplicaGroup& group);

  void on_batch(const data::Batch& batch) override;
  void on_state(std::int64_t step, const experiments::TensorGroups& state) override;

  /// Whatever is due at this point of the current step happens now.
  void reach(Point point);
  /// The same for a file: an error number that the call is to fail with, or 0. `half` is called for
  /// a write that is to be torn.
  int reach_file(Point point, const std::function<std::string()>& path,
                 const std::function<void()>& half);

  void set_step(std::int64_t step) { step_ = step; }
  void set_buffers(const ReplicaBuffers& buffers) { buffers_ = buffers; }
  /// Gradients as they are before or after the sum over ranks.
  void touch_gradients(bool after_sum);

 private:
  const Fault* due(Point point) const;
  bool claim(const Fault& fault);
  void happen(const Fault& fault);

  std::filesystem::path list_;
  std::vector<Fault> faults_;  // that may still happen here
  void write_ids(const data::Batch& batch);

  ReplicaGroup* group_ = nullptr;
  ReplicaBuffers buffers_;
  std::int64_t step_ = 0;
};

/// The one of this process, whose files faulty_files.cc watches.
Injector& injector();

}  // namespace hadal::faults
