#include "launcher/claim.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/files.h"
#include "core/base/strings.h"
#include "launcher/environment.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

fs::path folder_of(const fs::path& attempts, int number) {
  return attempts / fmt::format("{:04}", number);
}

// 0 for what is no attempt.
int number_of(const fs::path& entry) {
  const std::string name = entry.filename().string();
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() ? number : 0;
}

std::vector<int> numbers_in(const fs::path& attempts) {
  std::vector<int> numbers;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(attempts, ignored))
    if (const int number = number_of(entry.path()); number > 0) numbers.push_back(number);
  std::ranges::sort(numbers);
  return numbers;
}

int latest_in(const fs::path& attempts) {
  const std::vector<int> numbers = numbers_in(attempts);
  return numbers.empty() ? 0 : numbers.back();
}

// Contents, or "" when it is not there.
std::string contents_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

ClaimRecord read_claim(const fs::path& attempts, int number) {
  const fs::path folder = folder_of(attempts, number);
  ClaimRecord claim{.number = number, .beat = contents_of(folder / "beat")};
  const auto parse = [&](const char* name) {
    return json::parse(contents_of(folder / name), nullptr, /*allow_exceptions=*/false);
  };
  try {
    if (const json owner = parse("owner.json"); owner.is_object()) {
      claim.job = owner.value("job", "");
      claim.host = owner.value("host", "");
    }
    if (const json exit = parse("exit.json"); exit.is_object())
      claim.exit_code = exit.value("exit_code", 0);
  } catch (const json::exception&) {
    // Somebody else's file: as good as none.
  }
  return claim;
}

}  // namespace

void release_claim(const fs::path& folder, int number, int exit_code) {
  write_file_atomically(folder_of(folder / "attempts", number) / "exit.json",
                        json{{"exit_code", exit_code}, {"time", utc_now()}}.dump() + "\n");
}

std::vector<ClaimRecord> read_claims(const fs::path& folder) {
  std::vector<ClaimRecord> claims;
  for (const int number : numbers_in(folder / "attempts"))
    claims.push_back(read_claim(folder / "attempts", number));
  return claims;
}

Claim::Claim(const fs::path& folder, const std::string& job) : folder_(folder / "attempts") {
  require_writable_folder(folder_);
  for (number_ = latest_in(folder_) + 1;; ++number_) {
    if (::mkdir(folder_of(folder_, number_).c_str(), 0777) == 0) break;
    if (errno != EEXIST)
      throw io_error("cannot create", folder_of(folder_, number_).string(), errno);
  }
  write_file_atomically(
      folder_of(folder_, number_) / "owner.json",
      json{{"job", job}, {"host", host_name()}, {"pid", ::getpid()}, {"time", utc_now()}}.dump() +
          "\n");
  beat();
}

void Claim::beat() {
  // Opened and closed each time, which is what makes NFS show it to others.
  std::ofstream(folder_of(folder_, number_) / "beat", std::ios::trunc) << ++beats_ << "\n";
}

bool Claim::is_latest() const { return latest_in(folder_) <= number_; }

bool ClaimWatch::is_alive(const fs::path& folder, const ClaimRecord& claim) {
  if (claim.exit_code) return false;
  const double now = clock_.now_s();
  const auto [at, is_new] =
      heard_.try_emplace(folder_of(folder, claim.number).string(), Heard{claim.beat, now});
  if (at->second.beat != claim.beat) at->second = {claim.beat, now};
  return now - at->second.at < silence_limit_s_;
}

Fence::Fence(const fs::path& folder) : folder_(folder) {
  if (const char* number = std::getenv(kAttemptVariable))
    number_ = static_cast<int>(parse_int(number, kAttemptVariable));
}

void Fence::require_open() const {
  if (number_ == 0) return;
  const int latest = latest_in(folder_ / "attempts");
  if (latest <= number_) return;
  const ClaimRecord owner = read_claim(folder_ / "attempts", latest);
  throw Superseded(fmt::format("{}: attempt {} is owned by job {} on {}; attempt {} stops",
                               folder_.filename().string(), latest, owner.job, owner.host,
                               number_));
}

}  // namespace hadal::launcher
