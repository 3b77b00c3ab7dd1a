#include "experiments/progress_line.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/strings.h"

namespace hadal::experiments {
namespace {

constexpr double kRateWindow_s = 5;

}  // namespace

std::string to_text(const ProgressText& p) {
  return fmt::format("epoch {}/{}  step {}/{}  loss {:.4f}  {}{:.0f} images/s  {} left", p.epoch,
                     p.epochs, p.step, p.steps, p.loss,
                     p.error ? fmt::format("error {:.2f}%  ", *p.error) : "", p.images_per_second,
                     format_duration(p.seconds_left));
}

ProgressLine::ProgressLine(Clock& clock, bool quiet, bool terminal)
    : clock_(clock),
      line_(clock, quiet, terminal),
      started_(clock.now_s()),
      window_start_(started_) {}

void ProgressLine::update(const ProgressState& s, std::int64_t images) {
  const double now = clock_.now_s();
  if (first_step_ < 0) first_step_ = s.step - 1;
  window_images_ += images;
  if (now - window_start_ > kRateWindow_s || images_per_second_ == 0) {
    images_per_second_ = static_cast<double>(window_images_) / std::max(now - window_start_, 1e-9);
    if (now - window_start_ > kRateWindow_s) {
      window_start_ = now;
      window_images_ = 0;
    }
  }
  if (!line_.is_due()) return;
  const double per_step = (now - started_) / static_cast<double>(s.step - first_step_);
  line_.show(to_text({.epoch = s.epoch,
                      .epochs = s.epochs,
                      .step = s.step_of_epoch,
                      .steps = s.steps_per_epoch,
                      .loss = s.loss,
                      .error = s.error,
                      .images_per_second = images_per_second_,
                      .seconds_left = per_step * static_cast<double>(s.total_steps - s.step)}));
}

}  // namespace hadal::experiments
