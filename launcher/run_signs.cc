#include "launcher/run_signs.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "launcher/run_store.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

std::uintmax_t size_of(const fs::path& file) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(file, error);
  return error ? 0 : size;
}

}  // namespace

std::uintmax_t log_bytes(const fs::path& folder) { return size_of(folder / "log.txt"); }

std::string last_words(const fs::path& folder, std::uintmax_t from) {
  std::ifstream file(folder / "log.txt");
  file.seekg(static_cast<std::streamoff>(from));
  std::string words;
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("hadal: ") && !line.starts_with("hadal: warning")) words = line.substr(7);
  return words;
}

std::string newest_checkpoint(const fs::path& folder) {
  std::error_code error;
  std::pair<fs::file_time_type, std::string> newest;
  for (const auto& entry : fs::directory_iterator(folder / "checkpoints", error)) {
    const std::string name = entry.path().filename().string();
    const auto time = entry.last_write_time(error);
    if (!error && !name.starts_with(".")) newest = std::max(newest, {time, name});
  }
  if (newest.second.empty()) return "";
  return fmt::format("{}@{}", newest.second, newest.first.time_since_epoch().count());
}

std::string sound_of(const fs::path& folder) {
  std::error_code ignored;
  const auto progress = fs::last_write_time(folder / "progress.json", ignored);
  return fmt::format("{} {} {}", log_bytes(folder), size_of(folder / "metrics.jsonl"),
                     ignored ? 0 : progress.time_since_epoch().count());
}

long long furthest_step(const fs::path& folder) {
  const auto progress = read_progress(folder);
  return progress ? progress->step : 0;
}

}  // namespace hadal::launcher
