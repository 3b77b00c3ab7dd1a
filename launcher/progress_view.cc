#include "launcher/progress_view.h"

#include <ostream>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "experiments/progress_line.h"

namespace hadal::launcher {

int terminal_width(int descriptor) {
  if (::isatty(descriptor) == 0) return 0;
  winsize size{};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

int terminal_height(int descriptor) {
  if (::isatty(descriptor) == 0) return 0;
  winsize size{};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

std::string progress_line(const std::string& name, const std::optional<Progress>& progress) {
  if (!progress) return name + "  starting";
  const Progress& p = *progress;
  return name + "  " +
         experiments::to_text({.epoch = p.epoch,
                               .epochs = p.epochs,
                               .step = p.step,
                               .steps = p.steps,
                               .loss = p.loss,
                               .images_per_second = p.images_per_second,
                               .seconds_left = p.seconds_left});
}

ProgressView::ProgressView(std::ostream& out, int terminal_width, double plain_interval_s)
    : out_(out), width_(terminal_width), plain_interval_s_(plain_interval_s) {}

ProgressView::~ProgressView() {
  erase();
  out_ << std::flush;
}

void ProgressView::erase() {
  for (; drawn_ > 0; --drawn_) out_ << "\x1b[A\x1b[2K";  // up one line, clear it
}

void ProgressView::draw() {
  erase();
  for (const std::string& line : block_)
    out_ << line.substr(0, static_cast<std::size_t>(width_ - 1)) << "\n";
  drawn_ = block_.size();
  out_ << std::flush;
}

void ProgressView::note(const std::string& line) {
  erase();
  out_ << line << "\n" << std::flush;
}

void ProgressView::update(double now_s, const std::vector<Line>& running,
                          const std::string& summary) {
  if (width_ == 0) return print_plain(now_s, running);
  std::vector<std::string> block;
  for (const Line& line : running) block.push_back(progress_line(line.name, line.progress));
  block.push_back(summary);
  show(std::move(block));
}

void ProgressView::show(std::vector<std::string> lines) {
  if (lines == block_ && drawn_ == block_.size()) return;
  erase();
  block_ = std::move(lines);
  draw();
}

void ProgressView::print_plain(double now_s, const std::vector<Line>& running) {
  for (const Line& line : running) {
    if (!line.progress) continue;
    const auto [at, first] = shown_.try_emplace(line.name);
    Shown& shown = at->second;
    const bool due = now_s - shown.at_s >= plain_interval_s_ && line.progress->step != shown.step;
    if (!first && line.progress->epoch == shown.epoch && !due) continue;
    shown = {line.progress->epoch, line.progress->step, now_s};
    out_ << progress_line(line.name, line.progress) << "\n" << std::flush;
  }
}

}  // namespace hadal::launcher
