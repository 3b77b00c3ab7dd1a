#include "launcher/run_store.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/json.h"
#include "core/base/strings.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr const char* kSpec = "spec.textproto";
constexpr const char* kEnvironment = "environment.json";
constexpr const char* kMetrics = "metrics.jsonl";
constexpr const char* kProgress = "progress.json";
constexpr const char* kResult = "result.json";

// Reading: what is absent keeps its default, null is NaN, a wrong type throws json::exception.
void get(const json& from, const char* key, double& to) {
  const auto at = from.find(key);
  if (at == from.end()) return;
  to = at->is_null() ? std::numeric_limits<double>::quiet_NaN() : at->get<double>();
}

void get(const json& from, const char* key, std::optional<double>& to) {
  if (from.contains(key)) get(from, key, to.emplace());
}

template <typename T>
void get(const json& from, const char* key, T& to) {
  if (const auto at = from.find(key); at != from.end()) at->get_to(to);
}

void put(json& to, const char* key, const std::optional<double>& value) {
  if (value) to[key] = *value;
}

std::optional<std::string> read_if_there(const fs::path& path) {
  if (!fs::exists(path)) return std::nullopt;
  return read_file(path);
}

// Runs `read` on the parsed text; whatever does not fit is a DataError that names `where`.
template <typename Read>
void parse(const std::string& text, const std::string& where, Read read) {
  const json whole = parse_json(text, where);
  try {
    read(whole);
  } catch (const json::exception& error) {
    throw DataError(fmt::format("{}: damaged ({})", where, error.what()));
  }
}

json to_json(const EpochMetrics& m) {
  json line = {{"kind", "epoch"},
               {"epoch", m.epoch},
               {"step", m.step},
               {"learning_rate", m.learning_rate},
               {"train_loss", m.train_loss},
               {"train_error", m.train_error},
               {"images_per_second", m.images_per_second},
               {"seconds", m.seconds},
               {"bytes_sent", m.bytes_sent},
               {"macs", m.macs}};
  put(line, "validation_loss", m.validation_loss);
  put(line, "validation_error", m.validation_error);
  put(line, "test_loss", m.test_loss);
  put(line, "test_error", m.test_error);
  return line;
}

EpochMetrics epoch_from(const json& line) {
  EpochMetrics m;
  get(line, "epoch", m.epoch);
  get(line, "step", m.step);
  get(line, "learning_rate", m.learning_rate);
  get(line, "train_loss", m.train_loss);
  get(line, "train_error", m.train_error);
  get(line, "validation_loss", m.validation_loss);
  get(line, "validation_error", m.validation_error);
  get(line, "test_loss", m.test_loss);
  get(line, "test_error", m.test_error);
  get(line, "images_per_second", m.images_per_second);
  get(line, "seconds", m.seconds);
  get(line, "bytes_sent", m.bytes_sent);
  get(line, "macs", m.macs);
  return m;
}

json to_json(const StepTimesRecord& times) {
  json line = {{"kind", "times"}, {"step", times.step}, {"steps", times.steps}};
  for (const auto& [host, phases] : times.hosts)
    for (const auto& [phase, spread] : phases)
      line["hosts"][host][phase] = {spread.min, spread.median, spread.max};
  return line;
}

StepTimesRecord times_from(const json& line) {
  StepTimesRecord times;
  get(line, "step", times.step);
  get(line, "steps", times.steps);
  for (const auto& [host, phases] : line.at("hosts").items())
    for (const auto& [phase, spread] : phases.items())
      times.hosts[host][phase] = {spread.at(0), spread.at(1), spread.at(2)};
  return times;
}

void take_gates(const json& line, RunRecord& record) {
  GateRecord& gates = record.gates ? *record.gates : record.gates.emplace();
  get(line, "names", gates.names);
  get(line, "survival", gates.survival);
}

void take_open_gates(const json& line, RunRecord& record) {
  GateRecord::Epoch epoch;
  get(line, "epoch", epoch.epoch);
  get(line, "steps", epoch.steps);
  get(line, "open", epoch.open);
  GateRecord& gates = record.gates ? *record.gates : record.gates.emplace();
  std::erase_if(gates.epochs, [&](const auto& old) { return old.epoch >= epoch.epoch; });
  gates.epochs.push_back(std::move(epoch));
}

// A run resumed from an older checkpoint repeats epochs and steps; the later line stands.
void take_line(const json& line, RunRecord& record) {
  const std::string kind = line.at("kind");
  if (kind == "epoch") {
    const EpochMetrics m = epoch_from(line);
    std::erase_if(record.epochs, [&](const EpochMetrics& old) { return old.epoch >= m.epoch; });
    record.epochs.push_back(m);
  } else if (kind == "times") {
    const StepTimesRecord times = times_from(line);
    std::erase_if(record.times, [&](const StepTimesRecord& old) { return old.step >= times.step; });
    record.times.push_back(times);
  } else if (kind == "gates") {
    take_gates(line, record);
  } else if (kind == "open_gates") {
    take_open_gates(line, record);
  } else if (kind == "event") {
    RunEvent event;
    get(line, "what", event.what);
    get(line, "step", event.step);
    get(line, "detail", event.detail);
    get(line, "time", event.time);
    record.events.push_back(event);
  }
}

void read_metrics(const fs::path& path, RunRecord& record) {
  const std::string text = read_if_there(path).value_or("");
  std::size_t begin = 0;
  for (int number = 1; begin < text.size(); ++number) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) return;  // torn by a killed writer
    parse(text.substr(begin, end - begin), fmt::format("{}:{}", path.string(), number),
          [&](const json& line) { take_line(line, record); });
    begin = end + 1;
  }
}

RunStatus status_from(const std::string& name) {
  for (const RunStatus status :
       {RunStatus::kFinished, RunStatus::kFailed, RunStatus::kDrained, RunStatus::kPaused})
    if (name_of(status) == name) return status;
  throw DataError(fmt::format("unknown status '{}'", name));
}

std::map<std::string, std::string> read_environment(const fs::path& folder) {
  std::map<std::string, std::string> environment;
  const fs::path path = folder / kEnvironment;
  if (const auto text = read_if_there(path))
    parse(*text, path.string(), [&](const json& whole) {
      for (const auto& [key, value] : whole.items())
        environment[key] = value.is_string() ? value.get<std::string>() : value.dump();
    });
  return environment;
}

bool is_hash(std::string_view text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// "resnet-s1", "0123456789abcdef" from "resnet-s1-0123456789abcdef"; hash "" where there is none.
std::pair<std::string, std::string> split_folder_name(const std::string& folder) {
  if (is_hash(folder)) return {folder, folder};
  if (folder.size() > 17 && folder[folder.size() - 17] == '-')
    if (const std::string hash = folder.substr(folder.size() - 16); is_hash(hash))
      return {folder.substr(0, folder.size() - 17), hash};
  return {folder, ""};
}

}  // namespace

std::string name_of(RunStatus status) {
  switch (status) {
    case RunStatus::kFinished:
      return "finished";
    case RunStatus::kFailed:
      return "failed";
    case RunStatus::kDrained:
      return "drained";
    case RunStatus::kPaused:
      return "paused";
  }
  HADAL_CHECK(false);
  return {};
}

void require_safe_name(const std::string& what, const std::string& name) {
  constexpr const char* kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-";
  const bool safe = !name.empty() && name.size() <= 200 && name[0] != '.' && name[0] != '-' &&
                    name.find_first_not_of(kAllowed) == std::string::npos;
  if (!safe)
    throw ConfigError(
        fmt::format("{} name '{}': wanted 1 to 200 letters, digits, '.', '_', '+', '-', "
                    "not starting with '.' or '-'",
                    what, name));
}

std::string run_folder_name(const std::string& name, const std::string& spec_hash) {
  require_safe_name("run", name);
  if (!is_hash(spec_hash))
    throw ConfigError(
        fmt::format("run {}: hash '{}' is not 16 hexadecimal digits", name, spec_hash));
  return name + "-" + spec_hash;
}

void prepare_run_folder(const fs::path& folder, const std::string& spec_text,
                        const std::string& spec_hash,
                        std::map<std::string, std::string> environment) {
  require_writable_folder(folder);
  const auto known = read_environment(folder);
  if (const auto at = known.find("spec_hash"); at != known.end() && at->second != spec_hash)
    throw ConfigError(
        fmt::format("{} holds a run of another spec ({}, this one is {}); choose another folder",
                    folder.string(), at->second, spec_hash));
  environment["spec_hash"] = spec_hash;
  write_file_atomically(folder / kSpec, spec_text);
  write_file_atomically(folder / kEnvironment, json(environment).dump(2) + "\n");
}

MetricsWriter::MetricsWriter(const fs::path& folder) {
  cut_torn_line(folder / kMetrics);
  lines_ = std::make_unique<LineAppender>(folder / kMetrics);
}

MetricsWriter::~MetricsWriter() = default;

void MetricsWriter::epoch(const EpochMetrics& metrics) {
  lines_->append(to_json(metrics).dump());
  lines_->sync();
}

// Not worth a sync: what is lost with the power is told again by the steps that are repeated.
void MetricsWriter::times(const StepTimesRecord& times) { lines_->append(to_json(times).dump()); }

void MetricsWriter::gates(const std::vector<std::string>& names,
                          const std::vector<double>& survival) {
  lines_->append(json{{"kind", "gates"}, {"names", names}, {"survival", survival}}.dump());
}

void MetricsWriter::open_gates(const GateRecord::Epoch& epoch) {
  lines_->append(json{
      {"kind", "open_gates"}, {"epoch", epoch.epoch}, {"steps", epoch.steps}, {"open", epoch.open}}
                     .dump());
}

void MetricsWriter::event(const RunEvent& event) {
  lines_->append(json{{"kind", "event"},
                      {"what", event.what},
                      {"step", event.step},
                      {"detail", event.detail},
                      {"time", event.time == 0 ? wall_time_s() : event.time}}
                     .dump());
  lines_->sync();
}

void write_progress(const fs::path& folder, const Progress& p) {
  // Not worth a sync: after a power cut nobody asks how far the run was, only what it saved.
  const fs::path temporary = folder / ".progress.tmp";
  std::ofstream(temporary, std::ios::trunc) << json{
      {"epoch", p.epoch},
      {"epochs", p.epochs},
      {"step", p.step},
      {"steps", p.steps},
      {"loss", p.loss},
      {"images_per_second", p.images_per_second},
      {"seconds_left", p.seconds_left}}.dump();
  std::error_code ignored;
  fs::rename(temporary, folder / kProgress, ignored);
}

std::optional<Progress> read_progress(const fs::path& folder) {
  std::ifstream file(folder / kProgress);
  const json whole = json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!whole.is_object()) return std::nullopt;
  Progress p;
  try {
    get(whole, "epoch", p.epoch);
    get(whole, "epochs", p.epochs);
    get(whole, "step", p.step);
    get(whole, "steps", p.steps);
    get(whole, "loss", p.loss);
    get(whole, "images_per_second", p.images_per_second);
    get(whole, "seconds_left", p.seconds_left);
  } catch (const json::exception&) {
    return std::nullopt;
  }
  return p;
}

void write_result(const fs::path& folder, const RunResult& r) {
  json whole = {{"status", name_of(r.status)},
                {"exit_code", r.exit_code},
                {"reason", r.reason},
                {"spec_hash", r.spec_hash},
                {"name", r.name},
                {"ranks", r.ranks},
                {"epochs", r.epochs},
                {"steps", r.steps},
                {"seconds", r.seconds},
                {"weights_hash", r.weights_hash},
                {"parameters", r.parameters},
                {"bytes_sent", r.bytes_sent},
                {"macs", r.macs}};
  put(whole, "deepest_column_test_error", r.deepest_column_test_error);
  for (const RunResult::Rewind& rewind : r.rewinds)
    whole["rewinds"].push_back({{"step", rewind.step},
                                {"to", rewind.to},
                                {"rate_factor", rewind.rate_factor},
                                {"reason", rewind.reason}});
  if (r.last) {
    json& last = whole["last"] = {{"epoch", r.last->epoch},
                                  {"train_loss", r.last->train_loss},
                                  {"train_error", r.last->train_error}};
    put(last, "validation_error", r.last->validation_error);
    put(last, "test_error", r.last->test_error);
  }
  if (r.best_validation) {
    json& best =
        whole["best_validation"] = {{"epoch", r.best_validation->epoch},
                                    {"validation_error", r.best_validation->validation_error}};
    put(best, "test_error", r.best_validation->test_error);
  }
  write_file_atomically(folder / kResult,
                        whole.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

std::optional<RunResult> read_result(const fs::path& folder) {
  const fs::path path = folder / kResult;
  const auto text = read_if_there(path);
  if (!text) return std::nullopt;
  RunResult r;
  parse(*text, path.string(), [&](const json& whole) {
    r.status = status_from(whole.at("status"));
    get(whole, "exit_code", r.exit_code);
    get(whole, "reason", r.reason);
    get(whole, "spec_hash", r.spec_hash);
    get(whole, "name", r.name);
    get(whole, "ranks", r.ranks);
    get(whole, "epochs", r.epochs);
    get(whole, "steps", r.steps);
    get(whole, "seconds", r.seconds);
    get(whole, "weights_hash", r.weights_hash);
    get(whole, "parameters", r.parameters);
    get(whole, "bytes_sent", r.bytes_sent);
    get(whole, "macs", r.macs);
    get(whole, "deepest_column_test_error", r.deepest_column_test_error);
    if (const auto at = whole.find("rewinds"); at != whole.end())
      for (const json& entry : *at) {
        RunResult::Rewind& rewind = r.rewinds.emplace_back();
        get(entry, "step", rewind.step);
        get(entry, "to", rewind.to);
        get(entry, "rate_factor", rewind.rate_factor);
        get(entry, "reason", rewind.reason);
      }
    if (const auto at = whole.find("last"); at != whole.end()) {
      auto& last = r.last.emplace();
      get(*at, "epoch", last.epoch);
      get(*at, "train_loss", last.train_loss);
      get(*at, "train_error", last.train_error);
      get(*at, "validation_error", last.validation_error);
      get(*at, "test_error", last.test_error);
    }
    if (const auto at = whole.find("best_validation"); at != whole.end()) {
      auto& best = r.best_validation.emplace();
      get(*at, "epoch", best.epoch);
      get(*at, "validation_error", best.validation_error);
      get(*at, "test_error", best.test_error);
    }
  });
  return r;
}

std::vector<EpochMetrics> read_epochs(const fs::path& folder) {
  RunRecord record;
  read_metrics(folder / kMetrics, record);
  return record.epochs;
}

std::optional<RunRecord> read_run_state(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) return std::nullopt;
  RunRecord record;
  record.folder = folder;
  record.progress = read_progress(folder);
  record.result = read_result(folder);
  std::tie(record.name, record.spec_hash) = split_folder_name(folder.filename().string());
  return record;
}

std::optional<RunRecord> read_run_result(const fs::path& folder) {
  const auto spec = read_if_there(folder / kSpec);
  if (!spec) return std::nullopt;
  RunRecord record;
  record.folder = folder;
  record.spec_text = *spec;
  record.environment = read_environment(folder);
  record.progress = read_progress(folder);
  record.result = read_result(folder);
  std::tie(record.name, record.spec_hash) = split_folder_name(folder.filename().string());
  if (const auto at = record.environment.find("spec_hash"); at != record.environment.end())
    record.spec_hash = at->second;
  if (record.result && !record.result->name.empty()) record.name = record.result->name;
  return record;
}

std::optional<RunRecord> read_run(const fs::path& folder) {
  std::optional<RunRecord> record = read_run_result(folder);
  if (record) read_metrics(folder / kMetrics, *record);
  return record;
}

}  // namespace hadal::launcher
