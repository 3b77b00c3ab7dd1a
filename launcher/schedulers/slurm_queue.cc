#include "launcher/schedulers/slurm_queue.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/base/strings.h"

namespace hadal::launcher {

int QueueEntry::task() const {
  const std::size_t at = id.find('_');
  int number = 0;
  if (at != std::string::npos) std::from_chars(id.data() + at + 1, id.data() + id.size(), number);
  return number;
}

bool QueueEntry::is_over() const {
  return state == "COMPLETED" || state == "FAILED" || was_killed(state);
}

bool was_killed(const std::string& state) {
  static const std::set<std::string> killed = {"BOOT_FAIL", "CANCELLED",     "DEADLINE",
                                               "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
                                               "REVOKED",   "TIMEOUT"};
  return killed.contains(state);
}

bool SlurmQueue::look() {
  looked_at_ = clock_.now_s();
  const ToolOutput answer = tools_.call(
      {"squeue", "--me", "--noheader", "--array", "--states=all", "--format=%i|%T|%k|%r"});
  if (answer.ok() != answers_)
    news_.push_back(answer.ok() ? "slurm: the controller answers again"
                                : fmt::format("slurm: the controller does not answer ({}); what "
                                              "was submitted goes on",
                                              answer.complaint()));
  answers_ = answer.ok();
  if (!answers_) return false;
  entries_.clear();
  for (const std::string& line : split(answer.out, '\n')) {
    const std::vector<std::string> fields = split(line, '|');
    if (fields.size() >= 4) entries_.push_back({fields[0], fields[1], fields[2], fields[3]});
  }
  return true;
}

const QueueEntry* SlurmQueue::of_id(const std::string& id) const {
  const auto at = std::ranges::find(entries_, id, &QueueEntry::id);
  return at == entries_.end() ? nullptr : &*at;
}

const QueueEntry* SlurmQueue::of_comment(const std::string& comment, int task) const {
  const auto at = std::ranges::find_if(entries_, [&](const QueueEntry& entry) {
    return entry.comment == comment && entry.task() == task && !entry.is_over();
  });
  return at == entries_.end() ? nullptr : &*at;
}

std::vector<std::string> SlurmQueue::news() { return std::exchange(news_, {}); }

}  // namespace hadal::launcher
