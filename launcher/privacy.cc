#include "launcher/privacy.h"

#include <cerrno>
#include <vector>

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/files.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

constexpr mode_t kUserAlone = 0077, kGroupReads = 0027;
// Set-group-id is what marks a shared folder; folders made inside inherit it.
constexpr mode_t kSharedFolder = S_ISGID | S_IRWXU | S_IRGRP | S_IXGRP;
constexpr mode_t kIsShared = S_ISGID | S_IRGRP | S_IXGRP;

std::string name_of(uid_t user) {
  passwd entry{}, *found = nullptr;
  std::vector<char> buffer(1 << 14);
  const bool known =
      ::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  return fmt::format("{} ({})", known ? found->pw_name : "user", user);
}

}  // namespace

void write_for_user_alone() { ::umask(kUserAlone); }

void share_with_group(const fs::path& folder) {
  ::umask(kGroupReads);
  require_writable_folder(folder);
  if (::chmod(folder.c_str(), kSharedFolder) != 0)
    throw io_error("cannot share", folder.string(), errno);
}

void follow_folder(const fs::path& folder) {
  struct stat at {};
  if (::stat(folder.c_str(), &at) == 0 && (at.st_mode & kIsShared) == kIsShared)
    ::umask(kGroupReads);
}

void require_trusted_folder(const fs::path& folder) {
  struct stat at {};
  if (::stat(folder.c_str(), &at) != 0) return;
  if (at.st_uid != ::geteuid())
    throw IoError(ExitCode::kPermission,
                  fmt::format("{} belongs to {}, this is {}: what lies there may be anybody's; "
                              "choose another folder, or trust it with --trust-folder",
                              folder.string(), name_of(at.st_uid), user_name()));
  if (at.st_mode & S_IWOTH)
    throw IoError(ExitCode::kPermission,
                  fmt::format("{} can be written by everybody: what lies there may be anybody's; "
                              "chmod o-w it, or trust it with --trust-folder",
                              folder.string()));
}

std::string user_name() { return name_of(::geteuid()); }

}  // namespace hadal::launcher
