// Files over HTTP(S): what has come so far waits in FILE.part, and another call goes on from there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace hadal::data {

struct DownloadProgress {
  std::string url;
  std::int64_t done = 0;     // bytes on disk, those of earlier calls included
  std::int64_t total = 0;    // 0: not known
  std::int64_t resumed = 0;  // of `done`, bytes that were there before this call
};

struct DownloadOptions {
  std::int64_t bytes = 0;   // wanted size; 0: not known
  std::string md5, sha256;  // wanted digests; empty: not known
  int attempts = 3;         // connections before giving up; each goes on where the last stopped
  double wait_s = 1.0;      // before the second attempt, doubled each time
  int connect_timeout_s = 30;
  int stall_timeout_s = 60;  // gives up a connection that brings nothing for so long
  std::function<void(const DownloadProgress&)> progress{};  // now and then; may be empty
};

/// Gets `url` (http or https, redirects followed) as `path`; its folder is made when missing.
/// Resumes from `path`.part by a range request; a server that cannot do that sends the whole.
/// Throws IoError when the server refuses or the connection breaks too often (the .part stays), and
/// DataError when size or digest are wrong (the .part goes).
void download(const std::string& url, const std::filesystem::path& path,
              const DownloadOptions& options = {});

}  // namespace hadal::data
