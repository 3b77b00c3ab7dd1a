#include "launcher/processes.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/strings.h"

extern char** environ;

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw io_error("cannot make", "a pipe", errno);
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    ::close(read_end);
    if (write_end >= 0) ::close(write_end);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
};

struct OpenLog {
  int descriptor;
  explicit OpenLog(const fs::path& path)
      : descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
    if (descriptor < 0) throw io_error("cannot write", path.string(), errno);
  }
  ~OpenLog() { ::close(descriptor); }
  OpenLog(const OpenLog&) = delete;
  OpenLog& operator=(const OpenLog&) = delete;
};

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> merged;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string entry = *variable;
    if (!added.contains(entry.substr(0, entry.find('=')))) merged.push_back(entry);
  }
  for (const auto& [name, value] : added) merged.push_back(name + "=" + value);
  return merged;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

cpu_set_t core_set(const std::vector<int>& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) CPU_SET(core, &set);
  return set;
}

// Between fork and exec only calls that are safe after a fork, no allocation; ends by exec or by
// writing errno into the pipe.
[[noreturn]] void become(char* const* arguments, char* const* environment, const cpu_set_t* cores,
                         int log, int signal_when_orphaned, pid_t parent, int failure_pipe) {
  ::setsid();
  if (signal_when_orphaned != 0) {
    ::prctl(PR_SET_PDEATHSIG, signal_when_orphaned);
    if (::getppid() != parent) ::_exit(static_cast<int>(ExitCode::kDrained));  // died meanwhile
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (cores != nullptr) ::sched_setaffinity(0, sizeof *cores, cores);
  const int null = ::open("/dev/null", O_RDONLY);
  if (null >= 0) ::dup2(null, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execvpe(arguments[0], arguments, environment);
  const int error = errno;
  if (::write(failure_pipe, &error, sizeof error) != sizeof error) ::_exit(126);
  ::_exit(127);
}

bool is_pid(const std::string& name) {
  return !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
}

// Third field of /proc/PID/stat, after the name in parentheses.
char state_of(const fs::path& process) {
  std::ifstream file(process / "stat");
  const std::string stat{std::istreambuf_iterator<char>(file), {}};
  const std::size_t name_end = stat.rfind(") ");
  return name_end == std::string::npos ? 'Z' : stat[name_end + 2];
}

bool has_variable(const fs::path& process, const std::string& entry) {
  std::ifstream file(process / "environ", std::ios::binary);
  for (std::string variable; std::getline(file, variable, '\0');)
    if (variable == entry) return true;
  return false;
}

}  // namespace

int SystemProcesses::start(const ProcessSpec& spec) {
  const OpenLog log(spec.log);
  Pipe failure;
  std::vector<std::string> arguments = spec.arguments;
  std::vector<std::string> environment = merged_environment(spec.environment);
  const std::vector<char*> argv = pointers(arguments), envp = pointers(environment);
  const cpu_set_t cores = core_set(spec.cores);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw io_error("cannot start", arguments[0], errno);
  if (child == 0)
    become(argv.data(), envp.data(), spec.cores.empty() ? nullptr : &cores, log.descriptor,
           spec.signal_when_orphaned, parent, failure.write_end);
  ::close(std::exchange(failure.write_end, -1));
  int error = 0;
  ssize_t got;
  while ((got = ::read(failure.read_end, &error, sizeof error)) < 0 && errno == EINTR) continue;
  if (got == 0) return child;  // closed by a successful exec
  ::waitpid(child, nullptr, 0);
  throw io_error("cannot start", arguments[0], error);
}

std::optional<int> SystemProcesses::try_wait(int pid) {
  int status = 0;
  pid_t ended;
  while ((ended = ::waitpid(pid, &status, WNOHANG)) < 0 && errno == EINTR) continue;
  if (ended == 0) return std::nullopt;
  HADAL_CHECK(ended == pid);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void SystemProcesses::send_signal(int pid, int signal) { ::kill(pid, signal); }

std::vector<int> SystemProcesses::find_marked(const std::string& variable,
                                              const std::string& value) {
  std::vector<int> found;
  const std::string entry = variable + "=" + value;
  std::error_code ignored;
  for (const auto& process : fs::directory_iterator("/proc", ignored)) {
    const std::string name = process.path().filename().string();
    struct stat info {};
    if (!is_pid(name) || ::stat(process.path().c_str(), &info) != 0 || info.st_uid != ::geteuid())
      continue;
    const int pid = std::atoi(name.c_str());
    if (pid != ::getpid() && has_variable(process.path(), entry) && state_of(process.path()) != 'Z')
      found.push_back(pid);
  }
  return found;
}

}  // namespace hadal::launcher
