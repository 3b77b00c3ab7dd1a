#pragma once

#include <string>

#include "core/base/clock.h"

namespace hadal::experiments {

/// A line on standard output that tells how far something is: on a terminal rewritten in place a
/// few times a second, elsewhere a plain line every quarter of a minute.
class StatusLine {
 public:
  /// `terminal`: somebody watches a terminal. (mpirun gives its ranks a pseudo-terminal of its own,
  /// so isatty() alone does not tell.)
  StatusLine(Clock& clock, bool quiet, bool terminal);
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  /// Whether it is time for another show().
  bool is_due() const;
  void show(const std::string& line);
  /// A line that stays, above the one that is rewritten.
  void say(const std::string& line);

 private:
  void erase();

  Clock& clock_;
  bool quiet_, terminal_;
  bool on_line_ = false;
  double last_shown_;
};

}  // namespace hadal::experiments
