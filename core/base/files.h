// Files that are whole or not there: every write goes to a temporary beside its target, is synced,
// renamed, and the folder synced (a rename without the two syncs may come back empty or old after a
// power cut).
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace hadal {

/// Whole contents; throws IoError, or DataError when the file is larger than `limit_bytes`.
std::string read_file(const std::filesystem::path& path,
                      std::size_t limit_bytes = std::size_t{1} << 32);

/// Replaces `path` in one step. Throws IoError; the old file is then still there.
void write_file_atomically(const std::filesystem::path& path, std::string_view contents);

/// Fills a temporary folder beside `path` by `fill(folder)`, syncs all of it and renames it to
/// `path`, which must not exist yet. On any exception the temporary is removed and nothing is
/// there.
void write_folder_atomically(const std::filesystem::path& path,
                             const std::function<void(const std::filesystem::path&)>& fill);

/// Takes off what follows the last newline: a line that a killed writer left torn. Does nothing
/// where there is no file. Throws IoError.
void cut_torn_line(const std::filesystem::path& path);

/// Appends one line (a newline is added) by a single write, so that a killed writer leaves at most
/// one torn last line.
class LineAppender {
 public:
  explicit LineAppender(const std::filesystem::path& path);
  ~LineAppender();
  LineAppender(const LineAppender&) = delete;
  LineAppender& operator=(const LineAppender&) = delete;
  void append(std::string_view line);
  void sync();

 private:
  std::string path_;
  int descriptor_ = -1;
};

/// A folder that goes away with the object; for tests and scratch.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Throws IoError (missing, no permission) unless the folder exists or can be made, and can be
/// written.
void require_writable_folder(const std::filesystem::path& path);

}  // namespace hadal
