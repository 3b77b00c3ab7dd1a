#include "experiments/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/hash.h"
#include "core/base/strings.h"
#include "experiments/spec/load.h"

#include "experiments/spec/checkpoint.pb.h"

namespace hadal::experiments {
namespace {

namespace fs = std::filesystem;

constexpr int kFormat = 1;
constexpr std::size_t kMaxManifestBytes = std::size_t{4} << 20;
constexpr std::string_view kPrefix = "step-";
constexpr const char* kManifest = "manifest.pb";

/// Throws DataError beginning with "<checkpoint folder>/<file>: ".
[[noreturn]] void damaged(const fs::path& file, const std::string& what) {
  throw DataError(fmt::format("{}: {}", file.string(), what));
}

spec::TensorFile describe_file(const std::string& name, const std::string& bytes,
                               const NamedViews& tensors) {
  spec::TensorFile file;
  file.set_name(name);
  file.set_bytes(bytes.size());
  file.set_xxh3(hash64(bytes));
  for (const auto& [tensor, view] : tensors) {
    spec::TensorSum& sum = *file.add_tensor();
    sum.set_name(tensor);
    sum.set_xxh3(hash64(HostView(view).view().data, view.bytes()));
  }
  return file;
}

spec::Manifest manifest_of(const TrainingState& state) {
  spec::Manifest manifest;
  manifest.set_format(kFormat);
  manifest.set_spec(spec::canonical_text(state.spec));
  manifest.set_spec_hash(spec::spec_hash(state.spec));
  manifest.set_epoch(state.epoch);
  manifest.set_step(state.step);
  manifest.set_ranks(state.ranks);
  if (state.best_validation) {
    manifest.mutable_best_validation()->set_epoch(state.best_validation->epoch);
    manifest.mutable_best_validation()->set_step(state.best_validation->step);
    manifest.mutable_best_validation()->set_error(state.best_validation->error);
  }
  manifest.mutable_numbers()->insert(state.numbers.begin(), state.numbers.end());
  for (const Rewind& rewind : state.rewinds) {
    spec::Rewind& entry = *manifest.add_rewind();
    entry.set_step(rewind.step);
    entry.set_to(rewind.to);
    entry.set_rate_factor(rewind.rate_factor);
    entry.set_reason(rewind.reason);
  }
  manifest.mutable_rewind_point()->insert(state.rewind_points.begin(), state.rewind_points.end());
  return manifest;
}

std::string to_bytes(const spec::Manifest& manifest) {
  spec::ManifestFile file;
  file.set_manifest(manifest.SerializeAsString());
  file.set_xxh3(hash64(file.manifest()));
  return file.SerializeAsString();
}

spec::Manifest read_manifest(const fs::path& path) {
  spec::ManifestFile file;
  if (!file.ParseFromString(read_file(path, kMaxManifestBytes)) || file.manifest().empty())
    damaged(path, "is no manifest, or cut short");
  if (hash64(file.manifest()) != file.xxh3())
    damaged(path, fmt::format("checksum is {}, wanted {}", hex64(hash64(file.manifest())),
                              hex64(file.xxh3())));
  spec::Manifest manifest;
  if (!manifest.ParseFromString(file.manifest())) damaged(path, "cannot be read");
  if (manifest.format() != kFormat)
    damaged(path, fmt::format("format {}, this program reads {}", manifest.format(), kFormat));
  return manifest;
}

TrainingState state_of(const spec::Manifest& manifest, const fs::path& path) {
  TrainingState state{
      .spec = spec::experiment_from_text(manifest.spec(), path.string() + ": spec"),
      .epoch = manifest.epoch(),
      .step = manifest.step(),
      .ranks = manifest.ranks(),
      .numbers = {manifest.numbers().begin(), manifest.numbers().end()},
      .rewind_points = {manifest.rewind_point().begin(), manifest.rewind_point().end()}};
  for (const spec::Rewind& entry : manifest.rewind())
    state.rewinds.push_back({entry.step(), entry.to(), entry.rate_factor(), entry.reason()});
  if (manifest.has_best_validation())
    state.best_validation = BestValidation{.epoch = manifest.best_validation().epoch(),
                                           .step = manifest.best_validation().step(),
                                           .error = manifest.best_validation().error()};
  return state;
}

/// Names of files come from the manifest, so they may not lead out of the folder.
bool is_group_name(const std::string& name) {
  return !name.empty() && name.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
                              "WXYZ0123456789_-") == std::string::npos;
}

Safetensors read_group(const fs::path& path, const spec::TensorFile& wanted) {
  std::string bytes = read_file(path, wanted.bytes());
  if (bytes.size() != wanted.bytes())
    damaged(path, fmt::format("{} bytes, wanted {}: cut short", bytes.size(), wanted.bytes()));
  const std::uint64_t found = hash64(bytes);
  Safetensors tensors = Safetensors::parse(std::move(bytes), path.string());
  if (found == wanted.xxh3()) return tensors;
  // Something is wrong; which tensor is it?
  std::map<std::string, std::uint64_t> sums;
  for (const spec::TensorSum& sum : wanted.tensor()) sums[sum.name()] = sum.xxh3();
  for (const Safetensors::Entry& entry : tensors.entries()) {
    const std::uint64_t sum = hash64(tensors.bytes_of(entry));
    if (const auto known = sums.find(entry.name); known != sums.end() && known->second != sum)
      damaged(path, fmt::format("tensor '{}': checksum is {}, wanted {}", entry.name, hex64(sum),
                                hex64(known->second)));
  }
  damaged(path, fmt::format("header: checksum of the file is {}, wanted {}", hex64(found),
                            hex64(wanted.xxh3())));
}

bool is_kept_for_rewinds(const TrainingState& state, std::int64_t step) {
  return std::any_of(
      state.rewind_points.begin(), state.rewind_points.end(),
      [&](const auto& point) { return point.first == step || point.second == step; });
}

std::optional<std::int64_t> step_of(const fs::path& path) {
  const std::string name = path.filename().string();
  if (!name.starts_with(kPrefix)) return std::nullopt;
  std::int64_t step = 0;
  const char *begin = name.data() + kPrefix.size(), *end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(begin, end, step);
  if (error != std::errc() || stop != end || begin == end || step < 0) return std::nullopt;
  return step;
}

}  // namespace

const Safetensors& Checkpoint::group(const std::string& name) const {
  const auto found = groups.find(name);
  if (found == groups.end())
    throw DataError(fmt::format("{}: has no {}.safetensors", path.string(), name));
  return found->second;
}

Checkpoint read_checkpoint(const fs::path& path) {
  const spec::Manifest manifest = read_manifest(path / kManifest);
  Checkpoint checkpoint{.path = path,
                        .state = state_of(manifest, path / kManifest),
                        .spec_hash = manifest.spec_hash(),
                        .groups = {}};
  for (const spec::TensorFile& file : manifest.file()) {
    if (!is_group_name(file.name()))
      damaged(path / kManifest, fmt::format("'{}' is no name of a file", file.name()));
    checkpoint.groups.emplace(file.name(), read_group(path / (file.name() + ".safetensors"), file));
  }
  return checkpoint;
}

void require_same_spec(const Checkpoint& checkpoint, const spec::ExperimentSpec& wanted) {
  const std::string hash = spec::spec_hash(wanted);
  if (checkpoint.spec_hash == hash) return;
  std::string differences = spec::describe(spec::diff(checkpoint.state.spec, wanted, false));
  std::replace(differences.begin(), differences.end(), '\n', ';');
  throw ConfigError(fmt::format(
      "{}: is of spec {}, this run is {}; they differ in (checkpoint | this run) {}; give another "
      "folder with --out, or train with the checkpoint's spec",
      checkpoint.path.string(), checkpoint.spec_hash, hash,
      differences.empty() ? "the version of the program" : differences));
}

CheckpointStore::CheckpointStore(fs::path folder, int keep, Warn warn)
    : folder_(std::move(folder)), keep_(keep), warn_(std::move(warn)) {
  HADAL_CHECK(keep_ >= 1);
}

fs::path CheckpointStore::path_of(std::int64_t step) const {
  return folder_ / fmt::format("{}{:09}", kPrefix, step);
}

std::vector<std::int64_t> CheckpointStore::steps() const {
  std::vector<std::int64_t> steps;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, error))
    if (const auto step = step_of(entry.path())) steps.push_back(*step);
  std::sort(steps.begin(), steps.end());
  return steps;
}

fs::path CheckpointStore::save(const TrainingState& state, const TensorGroups& groups) {
  require_writable_folder(folder_);
  remove_leftovers();
  const fs::path path = path_of(state.step);
  std::error_code ignored;
  if (fs::exists(path, ignored)) {
    try {
      if (read_checkpoint(path).spec_hash == spec::spec_hash(state.spec)) return path;
    } catch (const Error& error) {
      warn_(fmt::format("{}; writing it again", error.what()));
    }
    fs::remove_all(path);
  }
  write_folder_atomically(path, [&](const fs::path& temporary) {
    spec::Manifest manifest = manifest_of(state);
    for (const auto& [name, tensors] : groups) {
      HADAL_CHECK(is_group_name(name));
      const std::string bytes = to_safetensors(tensors);
      *manifest.add_file() = describe_file(name, bytes, tensors);
      write_file_atomically(temporary / (name + ".safetensors"), bytes);
    }
    write_file_atomically(temporary / kManifest, to_bytes(manifest));
  });
  damaged_.erase(state.step);
  prune(state);
  return path;
}

/// Folders of writers that were killed.
void CheckpointStore::remove_leftovers() const {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, ignored))
    if (entry.path().filename().string().starts_with("." + std::string(kPrefix)))
      fs::remove_all(entry.path(), ignored);
}

void CheckpointStore::prune(const TrainingState& state) {
  int newer = 0;  // good ones that stay; steps beyond this one were gone back from
  std::vector<std::int64_t> newest_first = steps();
  std::reverse(newest_first.begin(), newest_first.end());
  for (const std::int64_t step : newest_first) {
    if (step > state.step && !damaged_.count(step)) continue;
    if (!damaged_.count(step) && newer++ < keep_) continue;
    if (state.best_validation && step == state.best_validation->step) continue;
    if (is_kept_for_rewinds(state, step)) continue;
    std::error_code error;
    fs::remove_all(path_of(step), error);
    if (error) warn_(fmt::format("cannot remove {}: {}", path_of(step).string(), error.message()));
    damaged_.erase(step);
  }
}

void CheckpointStore::remove_after(std::int64_t step) {
  std::vector<std::int64_t> newest_first = steps();
  std::reverse(newest_first.begin(), newest_first.end());
  for (const std::int64_t newer : newest_first) {
    if (newer <= step) return;
    std::error_code error;
    fs::remove_all(path_of(newer), error);
    if (error) throw io_error("cannot remove", path_of(newer).string(), error.value());
    damaged_.erase(newer);
  }
}

std::optional<Checkpoint> CheckpointStore::latest_good(const spec::ExperimentSpec& spec) {
  std::vector<std::int64_t> newest_first = steps();
  std::reverse(newest_first.begin(), newest_first.end());
  for (const std::int64_t step : newest_first) {
    std::optional<Checkpoint> checkpoint;
    try {
      checkpoint = read_checkpoint(path_of(step));
    } catch (const Error& error) {
      warn_(fmt::format("{}; trying the checkpoint before it", error.what()));
      damaged_.insert(step);
      continue;
    }
    require_same_spec(*checkpoint, spec);
    return checkpoint;
  }
  return std::nullopt;
}

std::optional<Checkpoint> CheckpointStore::best(const spec::ExperimentSpec& spec) {
  std::optional<Checkpoint> latest = latest_good(spec);
  if (!latest || !latest->state.best_validation) return std::nullopt;
  const std::int64_t step = latest->state.best_validation->step;
  if (step == latest->state.step) return latest;
  std::error_code ignored;
  if (!fs::exists(path_of(step), ignored)) return std::nullopt;
  try {
    return read_checkpoint(path_of(step));
  } catch (const Error& error) {
    warn_(error.what());
    return std::nullopt;
  }
}

}  // namespace hadal::experiments
