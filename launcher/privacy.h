// Who may read what this program writes. Files are for their user alone, whatever the umask says,
// unless a folder was made to be shared: then its group may read it, and all that is written there
// later, by ranks and by launchers that go on with it, follows the folder.
#pragma once

#include <filesystem>
#include <string>

namespace hadal::launcher {

/// From now on this process and those it starts make files that only their user may read.
void write_for_user_alone();

/// Makes the folder, or what is there already, one that its group may read (mode 2750), and writes
/// for the group too from now on. Throws IoError.
void share_with_group(const std::filesystem::path& folder);

/// Writes for the group too from now on where the folder was shared.
void follow_folder(const std::filesystem::path& folder);

/// Throws IoError (kPermission), with the way out, when the folder is there and belongs to another
/// user, or everybody may write in it: what lies there may then be anybody's.
void require_trusted_folder(const std::filesystem::path& folder);

/// "alice (1000)": who runs this process.
std::string user_name();

}  // namespace hadal::launcher
