// Stands in for `hadal train SPEC --out FOLDER --resume` as one of several ranks, without MPI and
// without training: it counts steps, saves them, writes the files of a run, and misbehaves as the
// words in SPEC say.
//
//   steps=20 step_ms=20 save_every=5   the run
//   die_at=7                           at this step rank 0 …
//   die=kill|segv|hang|exit3|words78   … kills itself, hangs, or exits (with last words)
//   die_once=1                         only in the first attempt
//   ignore=1                           deaf to SIGUSR1 and SIGTERM
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/base/files.h"
#include "core/base/strings.h"
#include "launcher/claim.h"
#include "launcher/run_store.h"

namespace {

namespace fs = std::filesystem;
using namespace hadal;
using namespace hadal::launcher;

volatile std::sig_atomic_t drain_wanted = 0;

std::map<std::string, std::string> words_of(std::string text) {
  for (char& c : text)
    if (c == '"' || c == '\n') c = ' ';
  std::map<std::string, std::string> words = {
      {"steps", "10"}, {"step_ms", "20"}, {"save_every", "5"}};
  for (const std::string& word : split(text, ' '))
    if (const std::size_t at = word.find('='); at != std::string::npos)
      words[word.substr(0, at)] = word.substr(at + 1);
  return words;
}

void die(const std::string& how) {
  if (how == "kill") std::raise(SIGKILL);
  if (how == "segv") {
    std::signal(SIGSEGV, SIG_DFL);  // sanitizers have a handler
    std::raise(SIGSEGV);
  }
  if (how == "hang")
    for (;;) ::pause();
  if (how.starts_with("words")) {
    std::cerr << "hadal: the fake has had enough\n";
    ::_exit(std::stoi(how.substr(5)));
  }
  ::_exit(std::stoi(how.substr(4)));
}

void write_cores(const fs::path& file) {
  cpu_set_t set;
  ::sched_getaffinity(0, sizeof set, &set);
  std::ofstream out(file);
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &set)) out << core << " ";
}

// Two trainers of one run at a time leave a file `overlapped`.
void require_alone(const fs::path& folder) {
  const int lock = ::open((folder / "trainer.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) std::ofstream(folder / "overlapped") << "yes";
}

// Those after the ones it knows, each with a NUL behind.
void write_arguments(const fs::path& file, const std::vector<std::string>& arguments) {
  std::ofstream out(file);
  for (const std::string& argument : arguments) out << argument << '\0';
}

void finish(const fs::path& folder, RunStatus status, int exit_code, long long steps) {
  RunResult result;
  result.status = status;
  result.exit_code = exit_code;
  result.steps = steps;
  write_result(folder, result);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5 || std::string(argv[1]) != "train" || std::string(argv[3]) != "--out") return 64;
  const fs::path folder = argv[4];
  const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
  if (rank == nullptr) rank = std::getenv("PMIX_RANK");  // under srun
  const bool first_rank = rank == nullptr || std::string(rank) == "0";
  auto words = words_of(read_file(argv[2]));
  const auto number = [&](const char* name) { return std::stoll(words[name]); };

  if (words.contains("ignore")) {
    std::signal(SIGUSR1, SIG_IGN);
    std::signal(SIGTERM, SIG_IGN);
  } else {
    std::signal(SIGUSR1, [](int) { drain_wanted = 1; });
  }
  const Fence fence(folder);
  const fs::path saved = folder / "checkpoints" / "step", died = folder / "died";
  long long step = fs::exists(saved) ? std::stoll(read_file(saved)) : 0;
  if (first_rank) {
    require_alone(folder);
    fs::create_directories(saved.parent_path());
    fence.require_open();
    std::ofstream(folder / "started_at", std::ios::app) << step << " ";
    std::ofstream(folder / "threads") << std::getenv("OMP_NUM_THREADS");
    write_cores(folder / "cores");
    write_arguments(folder / "arguments", {argv + 5, argv + argc});
  }
  const bool dies =
      first_rank && words.contains("die") && !(words.contains("die_once") && fs::exists(died));
  while (step < number("steps")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(number("step_ms")));
    ++step;
    if (first_rank) {
      fence.require_open();
      write_progress(folder, {.epoch = 1, .epochs = 1, .step = step, .steps = number("steps")});
      if (drain_wanted || step % number("save_every") == 0)
        write_file_atomically(saved, std::to_string(step));
    }
    if (dies && step == number("die_at")) {
      std::ofstream{died};
      die(words["die"]);
    }
    if (drain_wanted) {
      if (first_rank) finish(folder, RunStatus::kDrained, 75, step);
      return 75;
    }
  }
  if (first_rank) finish(folder, RunStatus::kFinished, 0, step);
  return 0;
}
