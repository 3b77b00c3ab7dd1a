#include "core/data/download.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <system_error>
#include <thread>

#include <curl/curl.h>
#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/hash.h"

namespace hadal::data {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kMaxUnknownBytes = std::int64_t{1} << 36;
constexpr long kHttpOk = 200, kHttpRangeNotSatisfiable = 416;
constexpr long kMaxRedirects = 10;

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
using Handle = std::unique_ptr<CURL, void (*)(CURL*)>;

std::int64_t size_or_zero(const fs::path& path) {
  std::error_code missing;
  const auto size = fs::file_size(path, missing);
  return missing ? 0 : static_cast<std::int64_t>(size);
}

// One connection's state, seen by libcurl's callbacks.
struct Transfer {
  CURL* curl = nullptr;
  const fs::path& part;
  const DownloadOptions& options;
  DownloadProgress progress;
  std::FILE* file = nullptr;
  bool has_started = false;
  bool is_too_large = false;
  int write_error = 0;

  std::size_t write(const char* data, std::size_t bytes) {
    if (!has_started) start_body();
    const std::int64_t most = options.bytes > 0 ? options.bytes : kMaxUnknownBytes;
    is_too_large = progress.done + static_cast<std::int64_t>(bytes) > most;
    if (is_too_large) return 0;
    const std::size_t written = std::fwrite(data, 1, bytes, file);
    if (written < bytes) write_error = errno;
    progress.done += static_cast<std::int64_t>(written);
    return written;
  }

  void report() {
    if (options.progress) options.progress(progress);
  }

 private:
  void start_body() {
    has_started = true;
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    // The whole file in answer to a range request: begin again.
    if (status == kHttpOk && progress.done > 0) {
      file = std::freopen(part.c_str(), "wb", file);
      if (!file) throw io_error("cannot write", part.string(), errno);
      progress.done = progress.resumed = 0;
    }
  }
};

// Exceptions must not pass through C code; a short count makes libcurl stop.
std::size_t on_data(char* data, std::size_t size, std::size_t count, void* transfer) {
  try {
    return static_cast<Transfer*>(transfer)->write(data, size * count);
  } catch (const std::exception&) {
    static_cast<Transfer*>(transfer)->write_error = EIO;
    return 0;
  }
}

int on_progress(void* transfer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  static_cast<Transfer*>(transfer)->report();
  return 0;
}

enum class Outcome { kComplete, kBroken, kStartAgain };

struct Attempt {
  Outcome outcome = Outcome::kBroken;
  std::string reason;
};

void configure(CURL* curl, const std::string& url, Transfer& transfer, char* error_text) {
  const DownloadOptions& o = transfer.options;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kMaxRedirects);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(o.connect_timeout_s));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(o.stall_timeout_s));
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "hadal");
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_text);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
}

[[noreturn]] void refuse_too_large(const std::string& url, const fs::path& part,
                                   std::int64_t wanted) {
  fs::remove(part);
  throw DataError(
      fmt::format("{}: the server sends more than the wanted {} bytes; is this the "
                  "official file?",
                  url, wanted > 0 ? wanted : kMaxUnknownBytes));
}

Attempt attempt(const std::string& url, const fs::path& part, const DownloadOptions& options) {
  const std::int64_t there = size_or_zero(part);
  File file(std::fopen(part.c_str(), there > 0 ? "ab" : "wb"), &std::fclose);
  if (!file) throw io_error("cannot write", part.string(), errno);
  const Handle handle(curl_easy_init(), &curl_easy_cleanup);
  HADAL_CHECK(handle != nullptr);
  Transfer transfer{.curl = handle.get(),
                    .part = part,
                    .options = options,
                    .progress = {url, there, options.bytes, there},
                    .file = file.get()};
  char error_text[CURL_ERROR_SIZE] = "";
  configure(handle.get(), url, transfer, error_text);
  const std::string range = fmt::format("{}-", there);
  if (there > 0) curl_easy_setopt(handle.get(), CURLOPT_RANGE, range.c_str());

  const CURLcode result = curl_easy_perform(handle.get());
  (void)file.release();  // start_body() may have reopened it
  const bool is_closed = transfer.file && std::fclose(transfer.file) == 0;
  if (transfer.is_too_large) refuse_too_large(url, part, options.bytes);
  if (transfer.write_error != 0 || !is_closed)
    throw io_error("cannot write", part.string(),
                   transfer.write_error != 0 ? transfer.write_error : errno);
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  if (result == CURLE_HTTP_RETURNED_ERROR) {
    if (status == kHttpRangeNotSatisfiable && there > 0) return {Outcome::kStartAgain, ""};
    if (status < 500)
      throw IoError(ExitCode::kIo,
                    fmt::format("{}: the server answers {}; another address can be given with "
                                "--mirror",
                                url, status));
  }
  if (result == CURLE_UNSUPPORTED_PROTOCOL || result == CURLE_URL_MALFORMAT)
    throw IoError(ExitCode::kIo, fmt::format("{}: wanted an http or https address", url));
  if (result != CURLE_OK)
    return {Outcome::kBroken, *error_text ? error_text : curl_easy_strerror(result)};
  transfer.report();
  return {Outcome::kComplete, ""};
}

void require_digests(const std::string& url, const fs::path& part, const DownloadOptions& options) {
  const auto require = [&](const char* kind, const std::string& found, const std::string& wanted) {
    if (found == wanted) return;
    fs::remove(part);
    throw DataError(fmt::format("{}: {} of what came is {}, wanted {}; it was thrown away", url,
                                kind, found, wanted));
  };
  if (const std::int64_t bytes = size_or_zero(part); options.bytes > 0 && bytes != options.bytes)
    require("size", fmt::to_string(bytes), fmt::to_string(options.bytes));
  if (!options.md5.empty()) require("md5", md5_of_file(part.string()), options.md5);
  if (!options.sha256.empty()) require("sha256", sha256_of_file(part.string()), options.sha256);
}

}  // namespace

void download(const std::string& url, const fs::path& path, const DownloadOptions& options) {
  static const CURLcode initialized = curl_global_init(CURL_GLOBAL_DEFAULT);
  HADAL_CHECK(initialized == CURLE_OK);
  require_writable_folder(path.has_parent_path() ? path.parent_path() : fs::path("."));
  const fs::path part = path.string() + ".part";
  if (options.bytes > 0 && size_or_zero(part) > options.bytes) fs::remove(part);

  bool is_complete = options.bytes > 0 && size_or_zero(part) == options.bytes;
  double wait_s = options.wait_s;
  std::string reason;
  for (int i = 0; i < options.attempts && !is_complete; ++i) {
    if (i > 0) {
      std::this_thread::sleep_for(std::chrono::duration<double>(wait_s));
      wait_s *= 2;
    }
    const Attempt result = attempt(url, part, options);
    is_complete = result.outcome == Outcome::kComplete;
    if (result.outcome == Outcome::kStartAgain) fs::remove(part);
    reason = result.reason;
  }
  if (!is_complete)
    throw IoError(ExitCode::kIo,
                  fmt::format("{}: {} after {} attempts with {} bytes; the same command goes on "
                              "from there",
                              url, reason, options.attempts, size_or_zero(part)));
  require_digests(url, part, options);
  fs::rename(part, path);
}

}  // namespace hadal::data
