#include "experiments/spec/load.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"
#include "experiments/spec/fields.h"

namespace hadal::spec {
namespace {

std::string read_spec(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw ConfigError(fmt::format("{}: is a folder, wanted a .textproto file", path.string()));
  // A pipe may never end, and a device has no end.
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored))
    throw ConfigError(fmt::format("{}: is no file, wanted a .textproto file", path.string()));
  return read_file(path, kMaxSpecBytes);
}

template <typename Message>
Message with_checked_fields(std::string_view text, const std::string& file) {
  Message message;
  const Locations locations = parse_text(text, file, message);
  fill_defaults(message);
  std::vector<Problem> problems;
  check_fields(message, problems);
  if (!problems.empty()) throw ConfigError(describe(problems, file, locations));
  return message;
}

bool is_sweep_text(const std::string& text) {
  try {
    SweepSpec sweep;
    parse_text(text, "", sweep);
    return true;
  } catch (const ConfigError&) {
    return false;
  }
}

}  // namespace

ExperimentSpec read_experiment(const std::filesystem::path& path) {
  ExperimentSpec spec;
  parse_text(read_spec(path), path.string(), spec);
  return spec;
}

ExperimentSpec experiment_from_text(std::string_view text, const std::string& file,
                                    const std::vector<std::string>& overrides,
                                    const Complete& complete) {
  ExperimentSpec spec;
  Locations locations = parse_text(text, file, spec);
  for (const std::string& assignment : overrides) {
    try {
      set_field(spec, assignment);
    } catch (const ConfigError& error) {
      throw ConfigError(fmt::format("--set {}: {}", assignment, error.what()));
    }
    // What the file says there is no longer what is wrong.
    locations.erase(std::string(trim(assignment.substr(0, assignment.find('=')))));
  }
  std::vector<Problem> problems;
  resolve_into(spec, complete, problems);
  if (!problems.empty()) throw ConfigError(describe(problems, file, locations));
  return spec;
}

ExperimentSpec load_experiment(const std::filesystem::path& path,
                               const std::vector<std::string>& overrides,
                               const Complete& complete) {
  const std::string text = read_spec(path);
  try {
    return experiment_from_text(text, path.string(), overrides, complete);
  } catch (const ConfigError&) {
    if (!is_sweep_text(text)) throw;
    throw ConfigError(
        fmt::format("{} is a sweep, not an experiment; run it with: hadal sweep run {}",
                    path.string(), path.string()));
  }
}

bool is_sweep(const std::filesystem::path& path) { return is_sweep_text(read_spec(path)); }

SweepSpec sweep_from_text(std::string_view text, const std::string& file) {
  return with_checked_fields<SweepSpec>(text, file);
}

LayoutSpec layout_from_text(std::string_view text, const std::string& file) {
  return with_checked_fields<LayoutSpec>(text, file);
}

SweepSpec load_sweep(const std::filesystem::path& path) {
  return sweep_from_text(read_spec(path), path.string());
}

}  // namespace hadal::spec
