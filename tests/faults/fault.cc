#include "tests/faults/fault.h"

#include <array>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal::faults {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 11> kPoints = {
    "data",  "forward", "backward", "all-reduce", "optimizer", "checkpoint",
    "write", "fsync",   "rename",   "evaluation", "finalize"};

constexpr std::array<std::string_view, 32> kKinds = {"SIGKILL",
                                                     "SIGSEGV",
                                                     "abort",
                                                     "exception",
                                                     "exit(0)",
                                                     "SIGSTOP",
                                                     "pause",
                                                     "spin",
                                                     "deadlock",
                                                     "extra-collective",
                                                     "mpirun-killed",
                                                     "launcher-killed",
                                                     "interrupt",
                                                     "drain-all",
                                                     "drain-one",
                                                     "terminate",
                                                     "superseded",
                                                     "power-cut",
                                                     "no-space",
                                                     "io-error",
                                                     "torn-write",
                                                     "flip-weight",
                                                     "flip-optimizer",
                                                     "flip-statistic",
                                                     "flip-gradient",
                                                     "nan-image",
                                                     "nan-gradient",
                                                     "nan-weight",
                                                     "flip-gradient-before",
                                                     "truncated",
                                                     "flipped",
                                                     "removed"};

template <typename Names>
int index_of(const Names& names, std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<int>(i);
  throw DataError(fmt::format("faults: unknown word '{}'", name));
}

std::map<std::string, std::string> words_of(const std::string& line) {
  std::map<std::string, std::string> words;
  for (const std::string& word : split(line, ' '))
    if (const auto equals = word.find('='); equals != std::string::npos)
      words[word.substr(0, equals)] = word.substr(equals + 1);
  return words;
}

fs::path mark_of(const fs::path& faults, int id) {
  return fmt::format("{}.{}", faults.string(), id);
}

std::string contents_of(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

std::string_view name_of(Kind kind) { return kKinds.at(static_cast<std::size_t>(kind)); }
std::string_view name_of(Point point) { return kPoints.at(static_cast<std::size_t>(point)); }

std::string describe(const Fault& fault) {
  return fmt::format("{} of rank {} at step {} in {}", name_of(fault.kind), fault.rank, fault.step,
                     name_of(fault.point));
}

void write_faults(const fs::path& path, const std::vector<Fault>& faults) {
  std::ofstream file(path);
  for (const Fault& fault : faults)
    file << fmt::format("id={} kind={} rank={} step={} point={}\n", fault.id, name_of(fault.kind),
                        fault.rank, fault.step, name_of(fault.point));
}

std::vector<Fault> read_faults(const fs::path& path) {
  std::vector<Fault> faults;
  std::istringstream text(contents_of(path));
  for (std::string line; std::getline(text, line);) {
    const auto words = words_of(line);
    faults.push_back({std::stoi(words.at("id")),
                      static_cast<Kind>(index_of(kKinds, words.at("kind"))),
                      std::stoi(words.at("rank")), std::stoll(words.at("step")),
                      static_cast<Point>(index_of(kPoints, words.at("point")))});
  }
  return faults;
}

// By system calls alone: the trainer's write() may be the one that is to fail.
bool claim_fault(const fs::path& faults, int id, const Happened& happened) {
  const std::string mark = mark_of(faults, id).string();
  const int file = static_cast<int>(
      ::syscall(SYS_openat, AT_FDCWD, mark.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (file < 0) return false;
  const std::string text = fmt::format("rank={} pid={} step={} host={} saved={}\n", happened.rank,
                                       happened.pid, happened.step, happened.host, happened.saved);
  const bool written = ::syscall(SYS_write, file, text.data(), text.size()) > 0;
  ::syscall(SYS_close, file);
  return written;
}

std::optional<Happened> read_happened(const fs::path& faults, int id) {
  const auto words = words_of(std::string(trim(contents_of(mark_of(faults, id)))));
  if (!words.contains("rank")) return std::nullopt;
  return Happened{std::stoi(words.at("rank")), std::stoi(words.at("pid")),
                  std::stoll(words.at("step")), words.at("host"), std::stoll(words.at("saved"))};
}

}  // namespace hadal::faults
