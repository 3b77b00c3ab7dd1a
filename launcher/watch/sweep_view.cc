#include "launcher/watch/sweep_view.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/json.h"
#include "core/base/strings.h"
#include "launcher/sheet_text.h"
#include "launcher/sweep_status.h"
#include "launcher/watch/sparkline.h"

namespace hadal::launcher::watch {
namespace {

using nlohmann::json;

constexpr std::size_t kBarWidth = 16, kCurveWidth = 16, kNews = 6, kLeastRuns = 3;

using State = SweepStatus::State;

/// Rows and columns of the table that the run is in, and its seed: what people call it.
std::string title_of(const SweepRecord& sweep, const SweepRecord::Run& run) {
  for (const PlannedCell& cell : sweep.cells)
    if (std::find(cell.hashes.begin(), cell.hashes.end(), run.planned.hash) != cell.hashes.end()) {
      std::string title = cell.row;
      if (!cell.column.empty()) title += (title.empty() ? "" : ", ") + cell.column;
      return one_line(
          fmt::format("{}{}seed {}", title, title.empty() ? "" : " ", run.planned.seed));
    }
  return one_line(run.planned.name);
}

double share_of(const SweepRecord::Run& run) {
  const State state = state_of(run);
  if (state == State::kFinished || state == State::kFailed) return 1;
  if (!run.record || !run.record->progress || run.record->progress->steps <= 0) return 0;
  const Progress& p = *run.record->progress;
  return static_cast<double>(p.step) / static_cast<double>(p.steps);
}

struct Curve {
  std::string name;  // "validation"
  std::vector<double> errors;
};

/// Errors by epoch: of validation where there is a split for it, else of training.
Curve curve_of(const RunRecord& record) {
  Curve curve{"validation", {}};
  for (const EpochMetrics& epoch : record.epochs)
    if (epoch.validation_error) curve.errors.push_back(*epoch.validation_error);
  if (!curve.errors.empty()) return curve;
  curve.name = "training";
  for (const EpochMetrics& epoch : record.epochs) curve.errors.push_back(epoch.train_error);
  return curve;
}

std::string padded(const std::string& text, std::size_t width) {
  const std::string kept = cut(text, width);
  return kept + std::string(width - width_of(kept), ' ');
}

class Painter {
 public:
  explicit Painter(bool color) : color_(color) {}
  std::string operator()(const std::string& text, const char* code) const {
    return color_ && !text.empty() ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  }

 private:
  bool color_;
};

constexpr const char* kBold = "1";
constexpr const char* kFaint = "2";

const char* code_of(State state) {
  switch (state) {
    case State::kRunning:
      return "36";
    case State::kFinished:
      return "32";
    case State::kFailed:
      return "31";
    case State::kPaused:
    case State::kIdle:
    case State::kCancelled:
      return "33";
    case State::kWaiting:
      return kFaint;
  }
  return kFaint;
}

const char* mark_of(State state) {
  switch (state) {
    case State::kRunning:
      return "▶";
    case State::kFinished:
      return "✓";
    case State::kFailed:
      return "✗";
    case State::kPaused:
    case State::kIdle:
      return "‖";
    case State::kCancelled:
      return "×";
    case State::kWaiting:
      return "·";
  }
  return " ";
}

std::string progress_text(const Progress& p) {
  return fmt::format("epoch {}/{}  loss {:.3f}  {:.0f} images/s  {} left", p.epoch, p.epochs,
                     p.loss, p.images_per_second, format_duration(p.seconds_left));
}

/// What there is to say of a run behind its bar and curve.
std::string state_text(const SweepRecord::Run& run, bool over) {
  const State state = state_of(run);
  switch (state) {
    case State::kRunning:
      return run.record && run.record->progress ? progress_text(*run.record->progress) : "starting";
    case State::kFinished: {
      const RunResult& result = *run.record->result;
      const std::string error = result.last && result.last->test_error
                                    ? fmt::format("test error {:.2f} %  ", *result.last->test_error)
                                    : "";
      return error + format_duration(result.seconds);
    }
    case State::kFailed:
      return one_line(run.record->result->reason);
    case State::kPaused:
    case State::kIdle:
    case State::kCancelled:
      return run.record && run.record->progress
                 ? fmt::format("{} at epoch {} of {}", name_of(state, over),
                               run.record->progress->epoch, run.record->progress->epochs)
                 : name_of(state, over);
    case State::kWaiting:
      return one_line(run.again);
  }
  return "";
}

/// Running first, then what failed, what finished last, what stopped, what waits.
std::vector<const SweepRecord::Run*> ordered(const SweepRecord& sweep) {
  std::vector<const SweepRecord::Run*> runs;
  for (const SweepRecord::Run& run : sweep.runs) runs.push_back(&run);
  std::stable_sort(runs.begin(), runs.end(),
                   [](const auto* a, const auto* b) { return state_of(*a) < state_of(*b); });
  return runs;
}

class Page {
 public:
  Page(const SweepRecord& sweep, Size size, bool color)
      : sweep_(sweep), size_(size), paint_(color) {}

  std::vector<std::string> lines(const std::vector<std::string>& news) {
    head();
    const std::size_t below = news.empty() ? 2 : std::min(news.size(), kNews) + 4;
    const std::size_t room = size_.height > lines_.size() + below + kLeastRuns
                                 ? size_.height - lines_.size() - below
                                 : kLeastRuns;
    runs(room);
    if (!news.empty()) {
      lines_.push_back("");
      lines_.push_back(paint_("news", kBold));
      const std::size_t shown = std::min(news.size(), kNews);
      for (std::size_t i = news.size() - shown; i < news.size(); ++i)
        lines_.push_back("  " + news[i]);
    }
    lines_.push_back("");
    lines_.push_back(paint_("q leaves; the sweep goes on without this view", kFaint));
    return std::move(lines_);
  }

 private:
  void head() {
    const std::string launcher = sweep_.locked ? "a launcher is at work" : "no launcher at work";
    const std::string name = one_line(sweep_.name);
    lines_.push_back(paint_(name, kBold) + "  " + counts_of(sweep_) + "  " +
                     paint_(launcher, kFaint));
    const double done = share_done(sweep_);
    const auto left = seconds_left(sweep_);
    const std::size_t width = std::clamp<std::size_t>(size_.width / 2, 10, 60);
    lines_.push_back(paint_(bar(done, width), "36") + paint_("▏", kFaint) +
                     fmt::format(" {:.0f} %", 100 * done) +
                     (left ? fmt::format("  about {} left", format_duration(*left)) : ""));
    lines_.push_back("");
  }

  void runs(std::size_t room) {
    const auto all = ordered(sweep_);
    std::size_t title = 0;
    for (const auto* run : all) title = std::max(title, width_of(title_of(sweep_, *run)));
    title = std::min(title, std::max<std::size_t>(16, size_.width / 3));
    const std::size_t shown = all.size() <= room ? all.size() : room - 1;
    for (std::size_t i = 0; i < shown; ++i) lines_.push_back(run_line(*all[i], title));
    if (shown < all.size())
      lines_.push_back(paint_(fmt::format("  and {} more", all.size() - shown), kFaint));
  }

  std::string run_line(const SweepRecord::Run& run, std::size_t title) const {
    const State state = state_of(run);
    const char* code = code_of(state);
    std::string line = paint_(mark_of(state), code) + " " + padded(title_of(sweep_, run), title);
    if (state == State::kWaiting)
      return paint_(line + (run.again.empty() ? "" : "  " + state_text(run, sweep_.over)), kFaint);
    line += "  " + paint_(bar(share_of(run), kBarWidth), code) + paint_("▏", kFaint);
    const Curve curve = run.record ? curve_of(*run.record) : Curve{};
    const std::string last =
        curve.errors.empty() ? "" : fmt::format("{:.2f} % {}", curve.errors.back(), curve.name);
    line += " " + padded(sparkline(curve.errors, kCurveWidth), kCurveWidth) + " ";
    return line + padded(last, 18) + "  " +
           (state == State::kFailed ? paint_(state_text(run, sweep_.over), code)
                                    : state_text(run, sweep_.over));
  }

  const SweepRecord& sweep_;
  Size size_;
  Painter paint_;
  std::vector<std::string> lines_;
};

}  // namespace

double share_done(const SweepRecord& sweep) {
  if (sweep.runs.empty()) return 1;
  double done = 0;
  for (const SweepRecord::Run& run : sweep.runs) done += share_of(run);
  return done / static_cast<double>(sweep.runs.size());
}

std::vector<std::string> news_of(const std::filesystem::path& sweep, std::size_t most) {
  const std::filesystem::path journal = sweep / "sweep.jsonl";
  if (!std::filesystem::exists(journal)) return {};
  const std::vector<std::string> lines = split(read_file(journal), '\n');
  std::vector<std::string> news;
  for (auto line = lines.rbegin(); line != lines.rend() && news.size() < most; ++line) {
    json said;
    try {
      said = parse_json(*line, journal.string());
    } catch (const DataError&) {
      continue;
    }
    if (!said.is_object()) continue;
    const auto text = [&](const char* key) {
      const auto at = said.find(key);
      return at != said.end() && at->is_string() ? one_line(at->get<std::string>()) : "";
    };
    const std::string time = text("time"), what = text("what");
    if (what == "skipped") continue;  // of every run that a launcher finds finished
    news.push_back(fmt::format("{}  {:<9}  {}{}{}", time.size() >= 19 ? time.substr(11, 8) : time,
                               what, text("run"), text("detail").empty() ? "" : "  ",
                               text("detail")));
  }
  std::reverse(news.begin(), news.end());
  return news;
}

std::vector<std::string> page_of(const SweepRecord& sweep, const std::vector<std::string>& news,
                                 Size size, bool color) {
  return Page(sweep, size, color).lines(news);
}

std::string summary_of(const SweepRecord& sweep) {
  const auto left = seconds_left(sweep);
  return fmt::format("{}: {} of {} runs, {:.0f} %{}", one_line(sweep.name), counts_of(sweep),
                     sweep.runs.size(), 100 * share_done(sweep),
                     left ? fmt::format(", about {} left", format_duration(*left)) : "");
}

std::string line_of(const SweepRecord& sweep, const SweepRecord::Run& run) {
  const std::string state = name_of(state_of(run), sweep.over);
  std::string text = state_text(run, sweep.over);
  if (!text.starts_with(state)) text = state + (text.empty() ? "" : ": " + text);
  return title_of(sweep, run) + "  " + text;
}

}  // namespace hadal::launcher::watch
