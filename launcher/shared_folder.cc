#include "launcher/shared_folder.h"

#include <string>

#include <fmt/format.h>

#include "core/base/files.h"

namespace hadal::launcher {
namespace fs = std::filesystem;

namespace {

void replace_folder(const fs::path& out, const std::function<void(const fs::path&)>& fill) {
  const std::string name = out.filename().string();
  const fs::path made = out.parent_path() / fmt::format(".{}.new", name);
  const fs::path old = out.parent_path() / fmt::format(".{}.old", name);
  fs::remove_all(made);
  fs::remove_all(old);
  write_folder_atomically(made, fill);
  fs::rename(out, old);
  fs::rename(made, out);
  fs::remove_all(old);
}

}  // namespace

void write_shared_folder(dist::Communicator& comm, const SharedFolder& folder,
                         const std::function<void(const fs::path&)>& fill,
                         const std::function<void(const fs::path&)>& seal) {
  const bool is_root = comm.rank() == 0;
  const auto together = [&](const fs::path& temporary) {
    const fs::path shared = comm.all_gather(temporary.string()).front();
    fill(shared);
    comm.barrier();
    if (is_root) seal(shared);
  };
  if (!is_root)
    together({});
  else if (folder.replace && fs::exists(folder.out))
    replace_folder(folder.out, together);
  else
    write_folder_atomically(folder.out, together);
  comm.barrier();
}

}  // namespace hadal::launcher
