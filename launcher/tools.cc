#include "launcher/tools.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/strings.h"

extern char** environ;

namespace hadal::launcher {
namespace {

constexpr int kTimedOut = 124;
constexpr std::size_t kMostOutput = std::size_t{64} << 20;

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    close();
    number_ = std::exchange(other.number_, -1);
    return *this;
  }
  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

struct Pipe {
  Descriptor read_end, write_end;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw io_error("cannot make", "a pipe", errno);
    read_end = Descriptor(ends[0]);
    write_end = Descriptor(ends[1]);
  }
};

pid_t spawn(const std::vector<std::string>& arguments, const Pipe& in, const Pipe& out,
            const Pipe& err) {
  std::vector<std::string> copies = arguments;
  std::vector<char*> argv;
  for (std::string& argument : copies) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_adddup2(&files, in.read_end.number(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, out.write_end.number(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, err.write_end.number(), STDERR_FILENO);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  // A group of its own: Ctrl-C on the terminal is for the launcher alone.
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, argv[0], &files, &attributes, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) throw io_error("cannot start", arguments[0], error);
  return child;
}

// What has come on `from`, appended to `text`; closes it at its end.
void drain_pipe(Descriptor& from, std::string& text) {
  std::array<char, 1 << 16> buffer;
  const ssize_t got = ::read(from.number(), buffer.data(), buffer.size());
  if (got > 0 && text.size() < kMostOutput)
    text.append(buffer.data(), static_cast<std::size_t>(got));
  if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) from.close();
}

void feed(Descriptor& to, std::string_view& rest) {
  const ssize_t written = rest.empty() ? 0 : ::write(to.number(), rest.data(), rest.size());
  if (written > 0) rest.remove_prefix(static_cast<std::size_t>(written));
  if (rest.empty() || (written < 0 && errno != EINTR && errno != EAGAIN)) to.close();
}

// While it lives, writing into a pipe nobody reads is an error, not the end of this process.
class IgnoredSigpipe {
 public:
  IgnoredSigpipe() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &before_);
  }
  ~IgnoredSigpipe() { ::sigaction(SIGPIPE, &before_, nullptr); }
  IgnoredSigpipe(const IgnoredSigpipe&) = delete;
  IgnoredSigpipe& operator=(const IgnoredSigpipe&) = delete;

 private:
  struct sigaction before_ {};
};

}  // namespace

std::string ToolOutput::complaint() const {
  for (std::string_view line : {std::string_view(err), std::string_view(out)}) {
    line = trim(line);
    line = trim(line.substr(0, line.find('\n')));
    for (const std::string_view word : {"error: ", "fatal: "})
      if (const auto at = line.find(word); at != std::string_view::npos)
        line.remove_prefix(at + word.size());
    if (!line.empty()) return std::string(line);
  }
  return exit_code == kTimedOut ? "no answer in time" : fmt::format("exit code {}", exit_code);
}

ToolOutput SystemTools::call(const std::vector<std::string>& arguments, std::string_view input,
                             double timeout_s) {
  const IgnoredSigpipe no_sigpipe;
  const SystemClock clock;
  Pipe in, out, err;
  const pid_t child = spawn(arguments, in, out, err);
  in.read_end.close();
  out.write_end.close();
  err.write_end.close();
  ::fcntl(in.write_end.number(), F_SETFL, O_NONBLOCK);
  ToolOutput answer;
  bool timed_out = false;
  const double deadline = clock.now_s() + timeout_s;
  while (out.read_end.is_open() || err.read_end.is_open()) {
    const double left_s = deadline - clock.now_s();
    if (left_s <= 0) {
      timed_out = true;
      ::kill(-child, SIGKILL);
      break;
    }
    // poll() passes over negative descriptors.
    pollfd ends[] = {{out.read_end.number(), POLLIN, 0},
                     {err.read_end.number(), POLLIN, 0},
                     {in.write_end.number(), POLLOUT, 0}};
    ::poll(ends, 3, static_cast<int>(left_s * 1000) + 1);
    if (ends[0].revents != 0) drain_pipe(out.read_end, answer.out);
    if (ends[1].revents != 0) drain_pipe(err.read_end, answer.err);
    if (ends[2].revents != 0) feed(in.write_end, input);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  answer.exit_code = timed_out             ? kTimedOut
                     : WIFSIGNALED(status) ? 128 + WTERMSIG(status)
                                           : WEXITSTATUS(status);
  return answer;
}

}  // namespace hadal::launcher
