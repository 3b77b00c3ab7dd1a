// What a sweep shows while it runs: on a terminal one line per running run, rewritten in place;
// elsewhere (a file, a pipe) a plain line whenever there is something new to say.
#pragma once

#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "launcher/run_store.h"

namespace hadal::launcher {

/// "resnet20  epoch 3/10  step 1170/3900  loss 1.2340  412 images/s  2m 10s left"
std::string progress_line(const std::string& name, const std::optional<Progress>& progress);

class ProgressView {
 public:
  struct Line {
    std::string name;
    std::optional<Progress> progress;  // none: starting
  };

  /// `terminal_width` in columns; 0: `out` is no terminal. Seconds between two plain lines of a run
  /// whose epoch has not changed: `plain_interval_s`.
  ProgressView(std::ostream& out, int terminal_width, double plain_interval_s = 30);
  /// Leaves the terminal with the cursor below what stays.
  ~ProgressView();

  /// A line that stays. What runs is shown below it again by the next update().
  void note(const std::string& line);
  /// What is running now, and a last line about the whole ("3 of 8 finished, …").
  void update(double now_s, const std::vector<Line>& running, const std::string& summary);
  /// Lines in place of those shown last; on a terminal only.
  void show(std::vector<std::string> lines);

 private:
  struct Shown {
    int epoch = -1;
    long long step = -1;
    double at_s = 0;
  };
  void erase();
  void draw();
  void print_plain(double now_s, const std::vector<Line>& running);

  std::ostream& out_;
  int width_;
  double plain_interval_s_;
  std::vector<std::string> block_;  // below the lines that stay
  std::size_t drawn_ = 0;
  std::map<std::string, Shown> shown_;
};

/// Columns and lines of the terminal on `descriptor`; 0 when it is none.
int terminal_width(int descriptor);
int terminal_height(int descriptor);

}  // namespace hadal::launcher
