#include "core/cuda/plan_choices.h"

#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"

namespace hadal::cuda {

PlanChoices::PlanChoices(std::filesystem::path file, std::string machine)
    : file_(std::move(file)), machine_(std::move(machine)) {
  read();
}

void PlanChoices::read() {
  std::error_code ignored;
  if (!std::filesystem::exists(file_, ignored)) return;
  for (const std::string& line : split(read_file(file_), '\n')) {
    if (trim(line).empty()) continue;
    const std::size_t equals = line.rfind('=');
    if (equals == std::string::npos)
      throw DataError(
          fmt::format("{}: '{}' is no choice of an engine, wanted WHAT = NUMBER; remove "
                      "the file to choose anew",
                      file_.string(), line));
    choices_[std::string(trim(line.substr(0, equals)))] =
        static_cast<int>(parse_int(trim(line.substr(equals + 1)), file_.string()));
  }
}

std::optional<int> PlanChoices::find(const std::string& what) const {
  const auto found = choices_.find(machine_ + " " + what);
  return found == choices_.end() ? std::nullopt : std::optional(found->second);
}

void PlanChoices::remember(const std::string& what, int choice) {
  if (!measures()) return;
  read();
  choices_[machine_ + " " + what] = choice;
  std::string text;
  for (const auto& [key, number] : choices_) text += fmt::format("{} = {}\n", key, number);
  write_file_atomically(file_, text);
}

}  // namespace hadal::cuda
