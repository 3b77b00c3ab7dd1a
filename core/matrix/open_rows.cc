#include "core/matrix/open_rows.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/matrix/npy.h"

namespace hadal::matrix {

std::unique_ptr<RowSource> open_rows(const std::vector<std::string>& paths,
                                     const OpenOptions& options) {
  if (paths.size() != 1) throw ConfigError(fmt::format("{} input files, wanted one", paths.size()));
  return open_npy(paths[0], options.use, options.on_note);
}

}  // namespace hadal::matrix
