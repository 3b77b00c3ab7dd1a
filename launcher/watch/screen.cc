#include "launcher/watch/screen.h"

#include <csignal>
#include <functional>
#include <ostream>

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace hadal::launcher::watch {
namespace {

constexpr const char* kOtherPage = "\x1b[?1049h\x1b[?25l";  // and no cursor
constexpr const char* kFirstPage = "\x1b[?25h\x1b[?1049l";

termios before{};  // one terminal a process

// Does nothing: it only ends the wait for a key.
void wake(int) {}

/// Bytes of the escape sequence at `at`, 0 where there is none. Only "ESC [ … letter" is written.
std::size_t sequence_at(const std::string& text, std::size_t at) {
  if (text.compare(at, 2, "\x1b[") != 0) return 0;
  const std::size_t end = text.find_first_of("mK", at);
  return end == std::string::npos ? 0 : end + 1 - at;
}

/// Calls `use(begin, bytes, columns)` for every character and escape sequence until it says no.
void walk(const std::string& text,
          const std::function<bool(std::size_t, std::size_t, std::size_t)>& use) {
  for (std::size_t at = 0; at < text.size();) {
    if (const std::size_t bytes = sequence_at(text, at)) {
      if (!use(at, bytes, 0)) return;
      at += bytes;
      continue;
    }
    std::size_t end = at + 1;
    while (end < text.size() && (text[end] & 0xc0) == 0x80) ++end;
    if (!use(at, end - at, 1)) return;
    at = end;
  }
}

}  // namespace

std::size_t width_of(const std::string& text) {
  std::size_t width = 0;
  walk(text, [&](std::size_t, std::size_t, std::size_t columns) {
    width += columns;
    return true;
  });
  return width;
}

std::string cut(const std::string& text, std::size_t width) {
  std::string kept;
  std::size_t used = 0;
  walk(text, [&](std::size_t at, std::size_t bytes, std::size_t columns) {
    if (columns == 0 || used + columns <= width) kept += text.substr(at, bytes);
    used += columns;
    return true;  // sequences that end colours are kept
  });
  return kept;
}

Screen::Screen(std::ostream& out) : out_(out) {
  ::tcgetattr(STDIN_FILENO, &before);
  termios raw = before;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  struct sigaction action {};
  action.sa_handler = wake;
  ::sigaction(SIGWINCH, &action, nullptr);
  out_ << kOtherPage << std::flush;
}

Screen::~Screen() {
  out_ << kFirstPage << std::flush;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

Size Screen::size() const {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    return {};
  return {size.ws_col, size.ws_row};
}

void Screen::draw(const std::vector<std::string>& lines) {
  const Size size = this->size();
  std::string page = "\x1b[H";
  for (std::size_t i = 0; i < size.height && i < lines.size(); ++i)
    page += (i > 0 ? "\r\n" : "") + cut(lines[i], size.width) + "\x1b[0m\x1b[K";
  out_ << page << "\x1b[J" << std::flush;
}

char Screen::wait_for_key(double seconds) const {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  char key = 0;
  if (::poll(&input, 1, static_cast<int>(1000 * seconds)) > 0 && ::read(STDIN_FILENO, &key, 1) != 1)
    key = 'q';  // the terminal has gone
  return key;
}

}  // namespace hadal::launcher::watch
