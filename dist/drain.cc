#include "dist/drain.h"

#include <atomic>

#include "core/base/error.h"

namespace hadal::dist {
namespace {

// A handler reaches nothing but globals.
std::atomic<int> caught{0};
std::atomic<bool> installed{false};
static_assert(std::atomic<int>::is_always_lock_free, "used in a signal handler");

void note(int signal) { caught.store(signal, std::memory_order_relaxed); }

}  // namespace

Drain::Drain() {
  HADAL_CHECK(!installed.exchange(true));
  caught.store(0);
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i)
    HADAL_CHECK(::sigaction(kSignals[i], &action, &before_[i]) == 0);
}

Drain::~Drain() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
  installed.store(false);
}

int Drain::signal() const { return caught.load(std::memory_order_relaxed); }

const char* Drain::signal_name() const {
  switch (signal()) {
    case SIGTERM:
      return "SIGTERM";
    case SIGUSR1:
      return "SIGUSR1";
    case SIGUSR2:
      return "SIGUSR2";
  }
  return "no signal";
}

}  // namespace hadal::dist
