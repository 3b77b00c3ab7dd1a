// Files of the source tree that the program carries with it, so that it finds them anywhere: the
// layouts of published tables and the experiments they name.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace hadal::launcher {

/// Contents by path from the root of the source tree: "launcher/layouts/table2.textproto",
/// "experiments/resnet/resnet110_c10.textproto".
const std::map<std::string, std::string_view>& carried_files();

}  // namespace hadal::launcher
