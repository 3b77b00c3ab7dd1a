#include "launcher/environment.h"

#include <cstdlib>
#include <ctime>
#include <fstream>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/base/strings.h"
#include "launcher/privacy.h"
#include "launcher/version.h"

namespace hadal::launcher {
namespace {

// "model name\t: AMD EPYC" -> "AMD EPYC"
std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name"))
      return std::string(trim(std::string_view(line).substr(line.find(':') + 1)));
  return "unknown";
}

}  // namespace

std::string utc_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

std::string host_name() {
  utsname names{};
  return ::uname(&names) == 0 ? names.nodename : "unknown";
}

std::vector<int> usable_cores() {
  std::vector<int> cores;
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0)
    for (int core = 0; core < CPU_SETSIZE; ++core)
      if (CPU_ISSET(core, &set)) cores.push_back(core);
  if (cores.empty()) cores.push_back(0);
  return cores;
}

std::map<std::string, std::string> describe_environment(const std::vector<std::string>& command,
                                                        int ranks) {
  utsname names{};
  ::uname(&names);
  const double memory = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) *
                        static_cast<double>(::sysconf(_SC_PAGE_SIZE));
  std::map<std::string, std::string> environment = {
      {"version", version()},
      {"commit", source_commit()},
      {"compiler", compiler()},
      {"host", host_name()},
      {"user", user_name()},
      {"processor", processor()},
      {"cores", std::to_string(usable_cores().size())},
      {"memory", format_bytes(memory)},
      {"kernel", fmt::format("{} {}", names.sysname, names.release)},
      {"command", join(command, " ")},
      {"ranks", std::to_string(ranks)},
      {"started", utc_now()}};
  for (const char* name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "HADAL_DATA",
                           "CUDA_VISIBLE_DEVICES", "OMPI_MCA_mpi_yield_when_idle"})
    if (const char* value = std::getenv(name)) environment[name] = value;
  return environment;
}

}  // namespace hadal::launcher
