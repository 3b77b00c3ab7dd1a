#include "launcher/last_words.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace hadal::launcher {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr double kLookEvery_s = 1;
constexpr double kGraceAfterLastWords_s = 5;
constexpr double kGraceAfterTerm_s = 3;  // mpirun itself gives its ranks 1 s between TERM and KILL

// In the order in which they were written: who speaks later may only have seen the others leave.
std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (const std::string name = entry.path().filename().string();
        name.starts_with("rank") && name.ends_with(".last.json"))
      found.emplace_back(entry.last_write_time(ignored), entry.path());
  std::ranges::sort(found);
  std::vector<fs::path> files;
  for (auto& [time, file] : found) files.push_back(std::move(file));
  return files;
}

}  // namespace

LastWordsWatch::LastWordsWatch(fs::path folder, Processes& processes, Clock& clock)
    : folder_(std::move(folder)), processes_(processes), clock_(clock) {
  std::error_code ignored;
  for (const fs::path& file : files_in(folder_)) fs::remove(file, ignored);
}

void LastWordsWatch::look(int pid) {
  const double now = clock_.now_s();
  if (!heard_at_ && now - looked_at_ > kLookEvery_s) {
    looked_at_ = now;
    if (!files_in(folder_).empty()) heard_at_ = now;
  }
  if (heard_at_ && !ended_at_ && now - *heard_at_ > kGraceAfterLastWords_s) {
    ended_at_ = now;
    processes_.send_signal(pid, SIGTERM);
  }
  if (ended_at_ && !killed_ && now - *ended_at_ > kGraceAfterTerm_s) {
    killed_ = true;
    processes_.send_signal(pid, SIGKILL);
  }
}

std::string LastWordsWatch::words() const {
  for (const fs::path& path : files_in(folder_)) {
    std::ifstream file(path);
    const json word = json::parse(std::string(std::istreambuf_iterator<char>(file), {}), nullptr,
                                  /*allow_exceptions=*/false);
    if (word.is_object() && word.contains("reason") && word["reason"].is_string())
      return word["reason"];
  }
  return "";
}

}  // namespace hadal::launcher
