#include "experiments/status_line.h"

#include <cstdio>

#include <fmt/format.h>

namespace hadal::experiments {
namespace {

constexpr double kTerminalPeriod_s = 0.2, kPlainPeriod_s = 15;

}  // namespace

StatusLine::StatusLine(Clock& clock, bool quiet, bool terminal)
    : clock_(clock), quiet_(quiet), terminal_(terminal), last_shown_(clock.now_s()) {}

StatusLine::~StatusLine() { erase(); }

void StatusLine::erase() {
  if (!on_line_) return;
  fmt::print("\r\x1b[K");
  std::fflush(stdout);
  on_line_ = false;
}

bool StatusLine::is_due() const {
  return !quiet_ &&
         clock_.now_s() - last_shown_ >= (terminal_ ? kTerminalPeriod_s : kPlainPeriod_s);
}

void StatusLine::show(const std::string& line) {
  if (quiet_) return;
  last_shown_ = clock_.now_s();
  erase();
  fmt::print("{}{}", line, terminal_ ? "" : "\n");
  std::fflush(stdout);
  on_line_ = terminal_;
}

void StatusLine::say(const std::string& line) {
  if (quiet_) return;
  erase();
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

}  // namespace hadal::experiments
