#include "launcher/step_trace.h"

#include <algorithm>
#include <limits>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/hash.h"
#include "core/base/json.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr const char* kTrace = "trace.jsonl";

class TraceReader {
 public:
  void take(const json& line) {
    if (line.contains("step"))
      take_step(line);
    else
      line.at("tensors").get_to(trace_.tensors);
  }
  Trace trace() && { return std::move(trace_); }

 private:
  void take_step(const json& line) {
    TracedStep step;
    line.at("step").get_to(step.step);
    const json& loss = line.at("loss");
    step.loss = loss.is_null() ? std::numeric_limits<double>::quiet_NaN() : loss.get<double>();
    line.at("hash").get_to(step.hash);
    if (const auto tensors = line.find("tensors"); tensors != line.end())
      tensors->get_to(step.tensors);
    if (const auto shards = line.find("shards"); shards != line.end()) shards->get_to(step.shards);
    const int rewinds = line.value("rewinds", 0);
    // An attempt that starts again from a checkpoint replaces what came after it.
    while (!trace_.steps.empty() && trace_.steps.back().step >= step.step) trace_.steps.pop_back();
    const auto [before, is_new] = hashes_.try_emplace({rewinds, step.step}, step.hash);
    if (!is_new && before->second != step.hash && !trace_.repeated_otherwise)
      trace_.repeated_otherwise = step.step;
    trace_.steps.push_back(std::move(step));
  }

  Trace trace_;
  std::map<std::pair<int, long long>, std::string> hashes_;  // by rewinds and step, as first told
};

}  // namespace

TraceWriter::TraceWriter(const fs::path& folder) : path_(folder / kTrace) {}
TraceWriter::~TraceWriter() = default;

void TraceWriter::begin(const std::vector<std::string>& tensor_names) {
  cut_torn_line(path_);
  lines_ = std::make_unique<LineAppender>(path_);
  lines_->append(json{{"tensors", tensor_names}}.dump());
}

void TraceWriter::add(long long step, double loss, std::span<const std::uint64_t> tensor_hashes,
                      std::span<const double> shard_losses, int rewinds) {
  json line = {{"step", step},
               {"loss", loss},
               {"hash", hex64(hash64(tensor_hashes.data(), tensor_hashes.size_bytes()))}};
  if (!shard_losses.empty()) {
    json& shards = line["shards"] = json::array();
    for (const double shard : shard_losses)
      shards.push_back(hex64(hash64(&shard, sizeof shard)).substr(8));
  }
  if (rewinds > 0) line["rewinds"] = rewinds;
  if (step == 1 || step % kTensorsEverySteps == 0) {
    json& tensors = line["tensors"] = json::array();
    for (const std::uint64_t hash : tensor_hashes) tensors.push_back(hex64(hash));
  }
  lines_->append(line.dump());
}

Trace read_trace(const fs::path& folder) {
  TraceReader reader;
  const fs::path path = folder / kTrace;
  if (!fs::exists(path)) return {};
  const std::string text = read_file(path);
  std::size_t begin = 0;
  for (int number = 1; begin < text.size(); ++number) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;  // torn by a killed writer
    const std::string where = fmt::format("{}:{}", path.string(), number);
    const json line = parse_json(std::string_view(text).substr(begin, end - begin), where);
    try {
      reader.take(line);
    } catch (const json::exception& error) {
      throw DataError(fmt::format("{}: damaged ({})", where, error.what()));
    }
    begin = end + 1;
  }
  return std::move(reader).trace();
}

namespace {

std::optional<std::vector<int>> differing_shards(const TracedStep& a, const TracedStep& b) {
  if (a.shards.empty() || a.shards.size() != b.shards.size()) return std::nullopt;
  std::vector<int> shards;
  for (std::size_t i = 0; i < a.shards.size(); ++i)
    if (a.shards[i] != b.shards[i]) shards.push_back(static_cast<int>(i));
  return shards;
}

}  // namespace

Parting compare(const Trace& a, const Trace& b) {
  Parting parting;
  const bool same_tensors = a.tensors == b.tensors;
  auto at_a = a.steps.begin();
  auto at_b = b.steps.begin();
  while (at_a != a.steps.end() && at_b != b.steps.end()) {
    if (at_a->step != at_b->step) {
      ++(at_a->step < at_b->step ? at_a : at_b);
      continue;
    }
    ++parting.steps_compared;
    if (at_a->hash == at_b->hash) {
      if (!parting.step) parting.same_until = at_a->step;
    } else if (!parting.step) {
      parting.step = at_a->step;
      parting.loss_a = at_a->loss;
      parting.loss_b = at_b->loss;
      parting.logical_shards = static_cast<int>(at_a->shards.size());
      parting.shards = differing_shards(*at_a, *at_b);
    }
    if (parting.step && !parting.tensors_at && same_tensors && !at_a->tensors.empty() &&
        at_a->tensors.size() == at_b->tensors.size()) {
      parting.tensors_at = at_a->step;
      for (std::size_t i = 0; i < std::min(at_a->tensors.size(), a.tensors.size()); ++i)
        if (at_a->tensors[i] != at_b->tensors[i]) parting.tensors.push_back(a.tensors[i]);
    }
    ++at_a, ++at_b;
  }
  return parting;
}

}  // namespace hadal::launcher
