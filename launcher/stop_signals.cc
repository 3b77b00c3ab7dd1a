#include "launcher/stop_signals.h"

#include <csignal>

#include "core/base/error.h"

namespace hadal::launcher {
namespace {

// A handler can reach nothing but globals.
volatile std::sig_atomic_t signals_seen = 0;
volatile std::sig_atomic_t last_signal = 0;

constexpr int kStopSignals[] = {SIGINT, SIGTERM, SIGHUP};

void note(int signal) {
  signals_seen = signals_seen + 1;
  last_signal = signal;
}

void set_handler(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  for (const int signal : kStopSignals) HADAL_CHECK(::sigaction(signal, &action, nullptr) == 0);
}

}  // namespace

StopSignals::StopSignals() {
  signals_seen = 0;
  last_signal = 0;
  set_handler(note);
}

StopSignals::~StopSignals() { set_handler(SIG_DFL); }

int StopSignals::count() const { return signals_seen; }

int StopSignals::last() const { return last_signal; }

}  // namespace hadal::launcher
