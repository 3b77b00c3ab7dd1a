// The terminal as a page that is drawn again and again.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace hadal::launcher::watch {

struct Size {
  std::size_t width = 80, height = 24;
};

/// While it lives the terminal shows another page, keys come without Enter and are not echoed; what
/// was there before comes back when it ends, however that is but for SIGKILL. Ctrl-C stays a
/// signal.
class Screen {
 public:
  explicit Screen(std::ostream& out);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  /// As it is now: people change it.
  Size size() const;

  /// In one write, each line cut at the width, without what did not change flickering.
  void draw(const std::vector<std::string>& lines);

  /// A key, or '\0' after `seconds`, a signal, or a change of the size.
  char wait_for_key(double seconds) const;

 private:
  std::ostream& out_;
};

/// `text` cut to `width` columns; escape sequences take none and are kept whole.
std::string cut(const std::string& text, std::size_t width);

/// Columns that `text` takes.
std::size_t width_of(const std::string& text);

}  // namespace hadal::launcher::watch
