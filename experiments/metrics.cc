#include "experiments/metrics.h"

#include <sstream>

#include <nlohmann/json.hpp>

#include "core/base/clock.h"

namespace hadal::experiments {
namespace {

using Json = nlohmann::ordered_json;

void set_if(Json& object, const char* key, const std::optional<double>& value) {
  if (value) object[key] = *value;
}

Json as_json(const SplitErrors& errors) {
  Json object = {{"epoch", errors.epoch}};
  set_if(object, "train_loss", errors.train_loss);
  set_if(object, "train_error", errors.train_error);
  set_if(object, "validation_error", errors.validation_error);
  set_if(object, "test_error", errors.test_error);
  return object;
}

}  // namespace

MetricsLog::MetricsLog(const std::filesystem::path& file) : file_(file) {}

void MetricsLog::epoch(const EpochMetrics& m) {
  Json line = {{"kind", "epoch"},
               {"epoch", m.epoch},
               {"step", m.step},
               {"learning_rate", m.learning_rate},
               {"train_loss", m.train_loss},
               {"train_error", m.train_error}};
  set_if(line, "validation_loss", m.validation_loss);
  set_if(line, "validation_error", m.validation_error);
  line["images_per_second"] = m.images_per_second;
  line["seconds"] = m.seconds;
  line["bytes_sent"] = m.bytes_sent;
  line["macs"] = m.macs;
  file_.append(line.dump());
}

void MetricsLog::event(const std::string& what, const std::string& detail) {
  Json line = {{"kind", "event"}, {"what", what}, {"time", wall_time_s()}};
  if (!detail.empty()) line["detail"] = detail;
  file_.append(line.dump());
}

void rewind_metrics(const std::filesystem::path& file, std::int64_t step) {
  if (!std::filesystem::exists(file)) return;
  std::istringstream lines(read_file(file));
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    const Json object = Json::parse(line, nullptr, false);
    if (object.is_discarded()) continue;  // the torn last line of a killed writer
    if (object.value("kind", "") != "event" && object.value("step", std::int64_t{0}) > step)
      continue;
    kept += line + "\n";
  }
  write_file_atomically(file, kept);
}

void write_result(const std::filesystem::path& file, const RunResult& r) {
  Json result = {{"status", r.status},   {"exit_code", static_cast<int>(r.exit_code)},
                 {"reason", r.reason},   {"spec_hash", r.spec_hash},
                 {"name", r.name},       {"ranks", r.ranks},
                 {"epochs", r.epochs},   {"steps", r.steps},
                 {"seconds", r.seconds}, {"last", as_json(r.last)}};
  if (r.best_validation) result["best_validation"] = as_json(*r.best_validation);
  if (r.deepest_column_test_error)
    result["deepest_column"] = {{"test_error", *r.deepest_column_test_error}};
  result["weights_hash"] = r.weights_hash;
  result["parameters"] = r.parameters;
  result["bytes_sent"] = r.bytes_sent;
  result["macs"] = r.macs;
  write_file_atomically(file, result.dump(2) + "\n");
}

}  // namespace hadal::experiments
