// hadal watch: a running sweep in the terminal.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "launcher/command.h"
#include "launcher/stop_signals.h"
#include "launcher/sweep_status.h"
#include "launcher/sweep_store.h"
#include "launcher/watch/screen.h"
#include "launcher/watch/sweep_view.h"

namespace hadal::launcher {
namespace {

constexpr std::size_t kNews = 6;
constexpr double kShortestWait_s = 0.05;

struct Options {
  std::string folder;
  double every_s = 1;
};

/// Reading takes at most a fifth of the time: the cores belong to the trainings.
double rest_after(double work_s, double every_s) { return std::max(every_s, 4 * work_s); }

void watch_on_terminal(const Options& options, const StopSignals& signals) {
  const SystemClock clock;
  const bool color = std::getenv("NO_COLOR") == nullptr;
  watch::Screen screen(std::cout);
  while (signals.count() == 0) {
    const double began = clock.now_s();
    const SweepRecord sweep = read_sweep(options.folder);
    const auto news = watch::news_of(options.folder, kNews);
    screen.draw(watch::page_of(sweep, news, screen.size(), color));
    const double next = clock.now_s() + rest_after(clock.now_s() - began, options.every_s);
    watch::Size size = screen.size();
    while (signals.count() == 0 && clock.now_s() < next) {
      const char key = screen.wait_for_key(std::max(kShortestWait_s, next - clock.now_s()));
      if (key == 'q' || key == 'Q') return;
      if (const watch::Size now = screen.size();
          now.width != size.width || now.height != size.height) {
        size = now;
        screen.draw(watch::page_of(sweep, news, now, color));
      }
    }
  }
}

/// A line for every run whose state or epoch has changed, until nothing is at work any more.
void watch_plainly(const Options& options, StopSignals& signals) {
  SystemClock clock;
  std::map<std::string, std::pair<SweepStatus::State, int>> seen;
  std::string summary;
  while (signals.count() == 0) {
    const double began = clock.now_s();
    const SweepRecord sweep = read_sweep(options.folder);
    for (const SweepRecord::Run& run : sweep.runs) {
      const SweepStatus::State state = state_of(run);
      const int epoch = run.record && run.record->progress ? run.record->progress->epoch : 0;
      const auto [at, is_new] =
          seen.try_emplace(run.planned.hash, SweepStatus::State::kWaiting, -1);
      if (!is_new && at->second == std::pair(state, epoch)) continue;
      at->second = {state, epoch};
      if (state != SweepStatus::State::kWaiting) std::cout << watch::line_of(sweep, run) << "\n";
    }
    if (const std::string now = watch::summary_of(sweep); now != summary)
      std::cout << (summary = now) << "\n";
    std::cout << std::flush;
    if (!sweep.locked || !std::cout) return;
    const double next = clock.now_s() + rest_after(clock.now_s() - began, options.every_s);
    while (signals.count() == 0 && clock.now_s() < next) clock.sleep(kShortestWait_s);
  }
}

int watch_sweep(const Options& options) {
  read_sweep(options.folder);  // what is wrong is said before the terminal changes
  StopSignals signals;
  if (::isatty(STDOUT_FILENO) == 1 && ::isatty(STDIN_FILENO) == 1) {
    watch_on_terminal(options, signals);
    std::cout << watch::summary_of(read_sweep(options.folder)) << "\n";
  } else {
    watch_plainly(options, signals);
  }
  return 0;
}

Action declare(Arguments& app) {
  auto options = std::make_shared<Options>();
  app.add_option("FOLDER", options->folder, "folder of the sweep").required();
  app.add_option("--every", options->every_s, "seconds between two looks")
      .show_default()
      .check(Check::between(0.1, 3600.0));
  return [options] { return watch_sweep(*options); };
}

}  // namespace

Command watch_command() {
  return {"watch", "see a running sweep live in the terminal", "hadal watch runs/table1", declare};
}

}  // namespace hadal::launcher
