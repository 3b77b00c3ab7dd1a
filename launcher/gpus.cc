#include "launcher/gpus.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal::launcher {
namespace {

ToolOutput ask(Tools& tools) {
  try {
    return tools.call(
        {"nvidia-smi", "--query-gpu=index,uuid,mig.mode.current", "--format=csv,noheader"});
  } catch (const IoError& error) {
    return {.exit_code = 127, .err = error.what()};
  }
}

// CUDA too takes the beginning of a UUID for all of it.
bool is_named(const std::string& index, const std::string& uuid, const std::string& visible) {
  return std::ranges::any_of(split(visible, ','), [&](const std::string& word) {
    const std::string name(trim(word));
    return name == index || (name.starts_with("GPU-") && uuid.starts_with(name));
  });
}

}  // namespace

std::vector<std::string> usable_gpus(Tools& tools, const char* visible) {
  const ToolOutput answer = ask(tools);
  if (!answer.ok())
    throw ConfigError(fmt::format(
        "no GPU can be found ({}); a sweep without gpus_per_rank needs none", answer.complaint()));
  std::vector<std::string> uuids;
  for (const std::string& line : split(answer.out, '\n')) {
    std::vector<std::string> fields;
    for (const std::string& field : split(line, ',')) fields.emplace_back(trim(field));
    if (fields.size() < 3 || fields[2] == "Enabled") continue;
    if (visible == nullptr || is_named(fields[0], fields[1], visible)) uuids.push_back(fields[1]);
  }
  return uuids;
}

}  // namespace hadal::launcher
