#include "tests/faults/injector.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/train/replica_group_around.h"
#include "dist/communicator.h"

namespace hadal::faults {
namespace fs = std::filesystem;
namespace {

/// Parent of a process, from /proc/PID/stat.
pid_t parent_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  const std::string stat{std::istreambuf_iterator<char>(file), {}};
  const std::size_t name_end = stat.rfind(") ");
  return name_end == std::string::npos ? 0 : std::stoi(stat.substr(name_end + 4));
}

/// Waits for somebody else's signal to take effect here.
void wait_for_the_end() { std::this_thread::sleep_for(std::chrono::seconds(20)); }

void deadlock() {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  pthread_mutex_lock(&mutex);
}

[[noreturn]] void spin() {
  for (static std::atomic<unsigned> turn{0};; turn.fetch_add(1, std::memory_order_relaxed)) {
  }
}

void flip_a_bit(void* data, std::size_t byte, int bit) {
  static_cast<unsigned char*>(data)[byte] ^= static_cast<unsigned char>(1u << bit);
}

/// Claims the run for a later attempt, as its supervisor would.
void supersede() {
  const char* folder = std::getenv("HADAL_RUN");
  const char* attempt = std::getenv("HADAL_ATTEMPT");
  if (folder == nullptr || attempt == nullptr) return;
  ::mkdir((fs::path(folder) / "attempts" / fmt::format("{:04}", std::atoi(attempt) + 1)).c_str(),
          0777);
}

/// Of the run of this process; -1: none.
std::int64_t newest_checkpoint() {
  std::int64_t newest = -1;
  const char* folder = std::getenv("HADAL_RUN");
  if (folder == nullptr) return newest;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(fs::path(folder) / "checkpoints", ignored))
    if (const std::string name = entry.path().filename(); name.starts_with("step-"))
      newest = std::max<std::int64_t>(newest, std::stoll(name.substr(5)));
  return newest;
}

/// As if the plug had been pulled: what is not on the disk by now never gets there.
void cut_power() {
  if (const char* folder = std::getenv("HADAL_RUN")) {
    constexpr unsigned kShutdown = _IOR('X', 125, std::uint32_t);  // FS_IOC_SHUTDOWN
    std::uint32_t without_flushing_the_journal = 2;
    const int file = ::open(folder, O_RDONLY | O_CLOEXEC);
    ::ioctl(file, kShutdown, &without_flushing_the_journal);
  }
  ::raise(SIGKILL);
}

bool is_of_files(Kind kind) {
  return kind == Kind::kNoSpace || kind == Kind::kIoError || kind == Kind::kTornWrite;
}

bool is_of_numbers(Kind kind) { return kind >= Kind::kFlipWeight && kind < Kind::kTruncated; }

class FaultyGroup final : public ReplicaGroupAround {
 public:
  FaultyGroup(Injector& injector, ReplicaGroup& group)
      : ReplicaGroupAround(group), injector_(injector) {}
  ~FaultyGroup() override { injector_.reach(Point::kFinalize); }

  void attach(const ReplicaBuffers& buffers) override {
    injector_.set_buffers(buffers);
    inner_.attach(buffers);
  }
  void begin_step(std::int64_t step, std::span<const std::uint8_t> active,
                  std::span<const std::uint8_t> active_statistics) override {
    injector_.set_step(step);
    inner_.begin_step(step, active, active_statistics);
  }
  void ready(int entry) override {
    injector_.reach(Point::kBackward);
    injector_.touch_gradients(false);
    inner_.ready(entry);
  }
  void finish() override {
    injector_.reach(Point::kAllReduce);
    inner_.finish();
    injector_.touch_gradients(true);
  }
  void enter(Phase phase, std::string_view operation) override {
    inner_.enter(phase, operation);
    if (phase == Phase::kData) injector_.reach(Point::kData);
    if (phase == Phase::kCheckpoint) injector_.reach(Point::kCheckpoint);
    if (operation == "forward") injector_.reach(Point::kForward);
    if (operation == "optimizer") injector_.reach(Point::kOptimizer);
    if (operation == "evaluate") injector_.reach(Point::kEvaluate);
  }

 private:
  Injector& injector_;
};

}  // namespace

Injector::Injector() {
  if (const char* list = std::getenv(kFaultsVariable)) {
    list_ = list;
    faults_ = read_faults(list_);
  }
}

std::unique_ptr<ReplicaGroup> Injector::around(ReplicaGroup& group) {
  group_ = &group;
  std::erase_if(faults_, [&](const Fault& fault) { return fault.rank != group.rank(); });
  return std::make_unique<FaultyGroup>(*this, group);
}

const Fault* Injector::due(Point point) const {
  if (group_ == nullptr) return nullptr;
  for (const Fault& fault : faults_)
    if (fault.point == point && fault.step <= step_) return &fault;
  return nullptr;
}

bool Injector::claim(const Fault& fault) {
  const Happened now{group_->rank(), static_cast<int>(::getpid()), step_, dist::host_name(),
                     newest_checkpoint()};
  const bool first = claim_fault(list_, fault.id, now);
  std::erase_if(faults_, [id = fault.id](const Fault& other) { return other.id == id; });
  return first;
}

void Injector::reach(Point point) {
  const Fault* next = due(point);
  if (next == nullptr || is_of_files(next->kind) || is_of_numbers(next->kind)) return;
  const Fault fault = *next;
  if (claim(fault)) happen(fault);
}

int Injector::reach_file(Point point, const std::function<std::string()>& path,
                         const std::function<void()>& half) {
  const Fault* next = due(point);
  if (next == nullptr) return 0;
  const std::string file = path();
  if (file.find("/checkpoints/") == std::string::npos &&
      file.find("result.json") == std::string::npos)
    return 0;
  const Fault fault = *next;
  if (!claim(fault)) return 0;
  if (fault.kind == Kind::kNoSpace) return ENOSPC;
  if (fault.kind == Kind::kIoError) return EIO;
  if (fault.kind == Kind::kTornWrite) {
    half();
    ::raise(SIGKILL);
  }
  happen(fault);
  return 0;
}

void Injector::happen(const Fault& fault) {
  switch (fault.kind) {
    case Kind::kKill:
      ::raise(SIGKILL);
      break;
    case Kind::kSegv:
      ::signal(SIGSEGV, SIG_DFL);  // Open MPI's handler prints a stack
      ::raise(SIGSEGV);
      break;
    case Kind::kAbort:
      ::signal(SIGABRT, SIG_DFL);
      std::abort();
    case Kind::kException:
      throw std::runtime_error("made by the fault test");
    case Kind::kExit:
      ::_exit(0);
    case Kind::kStop:
      ::raise(SIGSTOP);
      break;
    case Kind::kPause:
      for (;;) ::pause();
    case Kind::kSpin:
      spin();
    case Kind::kLock:
      deadlock();
      break;
    case Kind::kExtraCollective:
      group_->barrier();
      break;
    case Kind::kMpirunKilled:
      ::kill(::getppid(), SIGKILL);
      wait_for_the_end();
      break;
    case Kind::kLauncherKilled:
      ::kill(parent_of(::getppid()), SIGKILL);
      break;
    case Kind::kInterrupt:
      ::kill(parent_of(::getppid()), SIGINT);
      break;
    case Kind::kDrainAll:
      ::kill(::getppid(), SIGUSR1);
      break;
    case Kind::kDrainOne:
      ::raise(SIGUSR2);
      break;
    case Kind::kTerminate:
      ::raise(SIGTERM);
      break;
    case Kind::kPowerCut:
      cut_power();
      break;
    case Kind::kSuperseded:
      supersede();
      break;
    default:
      break;
  }
}

// One line a shard: "epoch step shard: index index …", of all images that count.
void Injector::write_ids(const data::Batch& batch) {
  const char* file = std::getenv("HADAL_FAULTS_IDS");
  if (file == nullptr) return;
  std::string line = fmt::format("{} {} {}:", batch.epoch, batch.step, batch.shard);
  for (std::size_t n = 0; n < batch.indices.size(); ++n)
    if (batch.weights.as<float>()[n] > 0) line += fmt::format(" {}", batch.indices[n]);
  line += "\n";
  const int descriptor = ::open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  ::syscall(SYS_write, descriptor, line.data(), line.size());
  ::close(descriptor);
}

void Injector::on_batch(const data::Batch& batch) {
  write_ids(batch);
  const Fault* next = due(Point::kForward);
  if (next == nullptr || next->kind != Kind::kNanImage || !claim(Fault(*next))) return;
  TensorView first = batch.images.view();
  first.shape = {1};
  fill_bytes(first, std::byte{0xff});  // a NaN, wherever the images lie
}

void Injector::touch_gradients(bool after_sum) {
  const Fault* next = due(Point::kAllReduce);
  if (next == nullptr || !is_of_numbers(next->kind)) return;
  const Fault fault = *next;
  if ((fault.kind == Kind::kFlipGradient) != after_sum || !claim(fault)) return;
  // The last layer's, which is complete first and never left out.
  float& gradient = buffers_.gradients[static_cast<std::size_t>(buffers_.entries.front().offset)];
  if (fault.kind == Kind::kNanGradient) gradient = std::numeric_limits<float>::quiet_NaN();
  // A bit of the mantissa that survives the multiplication by the learning rate.
  if (fault.kind != Kind::kNanGradient) flip_a_bit(&gradient, 2, 6);
}

void Injector::on_state(std::int64_t, const experiments::TensorGroups& state) {
  const Fault* next = due(Point::kOptimizer);
  if (next == nullptr || !is_of_numbers(next->kind)) return;
  const Fault fault = *next;
  const auto group = state.find(fault.kind == Kind::kFlipOptimizer ? "optimizer" : "weights");
  const bool of_statistics = fault.kind == Kind::kFlipStatistic;
  for (const auto& [name, view] : group->second) {
    if (name.ends_with(".mean") != of_statistics) continue;
    if (fault.kind == Kind::kFlipOptimizer && (name == "steps" || name == "warm_up")) continue;
    if (!claim(fault)) return;
    if (fault.kind == Kind::kNanWeight)
      view.as<float>()[0] = std::numeric_limits<float>::quiet_NaN();
    else
      flip_a_bit(view.data, 1, static_cast<int>(fault.step % 8));
    return;
  }
}

Injector& injector() {
  static Injector the_one;
  return the_one;
}

}  // namespace hadal::faults
