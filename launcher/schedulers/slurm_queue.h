// What Slurm's queue says about jobs of Hadal, asked for all of them at once: its controller serves
// many.
#pragma once

#include <string>
#include <vector>

#include "core/base/clock.h"
#include "launcher/tools.h"

namespace hadal::launcher {

struct QueueEntry {   // a job, or a task of an array
  std::string id;     // "36", or "36_7" for task 7
  std::string state;  // "RUNNING"
  std::string comment;
  std::string reason;  // why it waits

  /// Of the array; 0 for a job that is none.
  int task() const;
  /// Everything that is not over waits, runs, or is about to do either.
  bool is_over() const;
};

/// By Slurm, with no time for last words.
bool was_killed(const std::string& state);

class SlurmQueue {
 public:
  SlurmQueue(Tools& tools, Clock& clock) : tools_(tools), clock_(clock) {}

  /// False when the controller does not answer; then what it said before stays.
  bool look();
  double age_s() const { return clock_.now_s() - looked_at_; }

  const QueueEntry* of_id(const std::string& id) const;
  /// Of those that are not over.
  const QueueEntry* of_comment(const std::string& comment, int task) const;

  /// That the controller fell silent or came back, once each.
  std::vector<std::string> news();

 private:
  Tools& tools_;
  Clock& clock_;
  std::vector<QueueEntry> entries_;
  std::vector<std::string> news_;
  double looked_at_ = -1e9;
  bool answers_ = true;
};

}  // namespace hadal::launcher
