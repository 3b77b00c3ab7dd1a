#include "launcher/sweep_requests.h"

#include <algorithm>
#include <atomic>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "launcher/environment.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr const char* kFolder = "requests";

// Names sort by time; two of the same moment differ by host, process and number.
std::string unique_name() {
  static std::atomic<int> number = 0;
  return fmt::format("{:017.6f}-{}-{}-{}.json", wall_time_s(), host_name(), ::getpid(), number++);
}

}  // namespace

fs::path leave_request(const fs::path& sweep, const SweepRequest& request) {
  require_writable_folder(sweep / kFolder);
  const fs::path path = sweep / kFolder / unique_name();
  const char* what = request.what == SweepRequest::What::kCancel ? "cancel" : "retry";
  write_file_atomically(path, json{{"what", what}, {"runs", request.hashes}}.dump() + "\n");
  return path;
}

std::vector<SweepRequest> pending_requests(const fs::path& sweep) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(sweep / kFolder, ignored))
    if (const std::string name = entry.path().filename().string();
        !name.starts_with('.') && name.ends_with(".json"))
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<SweepRequest> requests;
  for (const fs::path& file : files) try {
      const json from = json::parse(read_file(file));
      requests.push_back({.what = from.at("what") == "retry" ? SweepRequest::What::kRetry
                                                             : SweepRequest::What::kCancel,
                          .hashes = from.at("runs"),
                          .file = file});
    } catch (const std::exception&) {
      // Half a file of another program, or one that was just taken away.
    }
  return requests;
}

}  // namespace hadal::launcher
