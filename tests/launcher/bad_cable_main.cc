#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <iostream>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "tests/launcher/bad_cable.h"

namespace hadal::launcher {
namespace {

constexpr double kLookEvery_s = 0.1;
constexpr std::size_t kLongestFrame = 65536;
constexpr std::size_t kWaiting = 1000;  // frames in the cable; one more is lost

int open_tap(const char* name) {
  const int tap = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ifreq request{};
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (tap < 0 || ::ioctl(tap, TUNSETIFF, &request) != 0) throw io_error("cannot make", name, errno);
  return tap;
}

void enter_network_of(const char* file) {
  const int there = ::open(file, O_RDONLY | O_CLOEXEC);
  if (there < 0 || ::setns(there, CLONE_NEWNET) != 0) throw io_error("cannot enter", file, errno);
  ::close(there);
}

struct Frame {
  double due = 0;
  std::int64_t number = 0;
  int to = 0;
  std::string bytes;
  bool operator<(const Frame& other) const {  // the earliest comes first
    return due != other.due ? due > other.due : number > other.number;
  }
};

class Cable {
 public:
  Cable(std::array<int, 2> taps, std::string file, unsigned seed)
      : taps_(taps), file_(std::move(file)), random_(seed) {}

  [[noreturn]] void run() {
    for (double looked_at = -1;; pass_on()) {
      if (clock_.now_s() > looked_at + kLookEvery_s) {
        looked_at = clock_.now_s();
        look();
      }
      wait();
      for (const int side : {0, 1}) take_from(side);
    }
  }

 private:
  void look() {
    const std::string text = read_file(file_);
    if (text == seen_) return;
    faults_ = cable_faults_from(text);
    seen_ = text;
    write_file_atomically(file_ + ".seen", text);
  }

  void wait() {
    double seconds = kLookEvery_s;
    if (!frames_.empty()) seconds = std::min(seconds, frames_.top().due - clock_.now_s());
    std::array<pollfd, 2> waits = {{{taps_[0], POLLIN, 0}, {taps_[1], POLLIN, 0}}};
    const timespec time{0, std::max(0L, static_cast<long>(seconds * 1e9))};
    ::ppoll(waits.data(), waits.size(), &time, nullptr);
  }

  void take_from(int side) {
    std::string bytes(kLongestFrame, '\0');
    for (;;) {
      const ssize_t size =
          ::read(taps_[static_cast<std::size_t>(side)], bytes.data(), bytes.size());
      if (size <= 0) return;
      if ((faults_.deaf && side == 1) || happens(faults_.lost) || frames_.size() >= kWaiting)
        continue;
      Frame frame{.number = ++frames_met_,
                  .to = 1 - side,
                  .bytes = bytes.substr(0, static_cast<std::size_t>(size))};
      if (is_tcp(frame.bytes) && happens(faults_.damaged)) damage(frame.bytes);
      frame.due = due(side, frame.bytes.size());
      frames_.push(std::move(frame));
    }
  }

  /// When the last bit of a frame that came now is through, behind those before it.
  double due(int side, std::size_t bytes) {
    double& free_at = free_at_[static_cast<std::size_t>(side)];
    const double took = faults_.bits_per_s > 0 ? 8 * static_cast<double>(bytes) /
                                                     static_cast<double>(faults_.bits_per_s)
                                               : 0;
    free_at = std::max(free_at, clock_.now_s()) + took;
    return free_at + faults_.delay_s;
  }

  void pass_on() {
    for (; !frames_.empty() && frames_.top().due <= clock_.now_s(); frames_.pop()) {
      const Frame& frame = frames_.top();
      // What finds no room is lost, as everywhere.
      [[maybe_unused]] const ssize_t written = ::write(taps_[static_cast<std::size_t>(frame.to)],
                                                       frame.bytes.data(), frame.bytes.size());
    }
  }

  bool happens(double share) { return std::uniform_real_distribution<>(0, 1)(random_) < share; }

  static constexpr std::size_t kHeaders = 14 + 20;  // of Ethernet and IPv4
  static bool is_tcp(const std::string& frame) {
    return frame.size() > kHeaders && frame[12] == 0x08 && frame[13] == 0x00 && frame[23] == 6;
  }
  void damage(std::string& frame) {
    const std::size_t bit =
        std::uniform_int_distribution<std::size_t>(8 * kHeaders, 8 * frame.size() - 1)(random_);
    frame[bit / 8] = static_cast<char>(frame[bit / 8] ^ (1 << bit % 8));
  }

  const std::array<int, 2> taps_;
  const std::string file_;
  std::mt19937 random_;
  SystemClock clock_;
  std::string seen_;
  CableFaults faults_;
  std::priority_queue<Frame> frames_;
  std::int64_t frames_met_ = 0;
  std::array<double, 2> free_at_{};
};

}  // namespace
}  // namespace hadal::launcher

int main(int argc, char** argv) {
  using namespace hadal::launcher;
  if (argc != 6) return 64;
  try {
    const int here = open_tap(argv[1]);
    enter_network_of(argv[3]);
    const int there = open_tap(argv[2]);
    Cable({here, there}, argv[4], static_cast<unsigned>(std::stoul(argv[5]))).run();
  } catch (const std::exception& error) {
    std::cerr << "bad_cable: " << error.what() << "\n";
    return 1;
  }
}
