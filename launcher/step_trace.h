// The bits a run held after every step, so that two runs which should agree can be laid side by
// side and the first step at which they part be found. trace.jsonl in the run's folder:
//
//   {"tensors":["conv1.weight",…]}                          at the start of every attempt
//   {"step":1,"loss":2.302585,"hash":"0123456789abcdef","shards":["89abcdef",…]}   after every step
//   {"step":100,…,"tensors":["89ab…",…]}                    after every hundredth, and the first:
//                                                           each tensor's own hash
//   {"step":79,…,"rewinds":1}                               after the training went back once from
//                                                           a loss that was not finite
//
// Hashes are XXH3, 64 bits, of parameters and running statistics; the hash of a step is the hash of
// its tensors' hashes. `shards` are 32 bits of the hash of every logical shard's own loss, before
// anything was exchanged: they tell whose work came out otherwise. What a resumed run repeats
// stands there twice.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hadal {
class LineAppender;
}

namespace hadal::launcher {

/// Tensors are told one by one after steps 1, 100, 200, …
inline constexpr long long kTensorsEverySteps = 100;

struct TracedStep {
  long long step = 0;
  double loss = 0;
  std::string hash{};
  std::vector<std::string> tensors{};  // as Trace::tensors; empty after most steps
  std::vector<std::string> shards{};   // of every logical shard; empty where there are very many
};

struct Trace {
  std::vector<std::string> tensors;
  std::vector<TracedStep> steps;  // ascending; of what was repeated, the last
  /// The first step that an attempt repeated and that came out otherwise.
  std::optional<long long> repeated_otherwise;
};

class TraceWriter {
 public:
  /// Opens `folder`/trace.jsonl at the first line.
  explicit TraceWriter(const std::filesystem::path& folder);
  ~TraceWriter();
  void begin(const std::vector<std::string>& tensor_names);
  void add(long long step, double loss, std::span<const std::uint64_t> tensor_hashes,
           std::span<const double> shard_losses = {}, int rewinds = 0);

 private:
  std::filesystem::path path_;
  std::unique_ptr<LineAppender> lines_;
};

/// Empty when the folder has no trace. A torn last line is left out; other damage is a DataError
/// that names file and line.
Trace read_trace(const std::filesystem::path& folder);

/// Where two traces part.
struct Parting {
  long long same_until = 0;         // the last step both have with the same bits; 0: none
  std::optional<long long> step{};  // the first with other bits; none: the same as far as both go
  double loss_a = 0, loss_b = 0;    // of that step
  /// Logical shards whose own loss differs in that step; none where both tell of no shards, or of
  /// another number. Empty: the loss is the same, so the difference came after the forward pass.
  std::optional<std::vector<int>> shards{};
  int logical_shards = 0;
  /// Tensors that differ the first time they are told one by one at or after `step`.
  std::optional<long long> tensors_at{};
  std::vector<std::string> tensors{};
  long long steps_compared = 0;
};

Parting compare(const Trace& a, const Trace& b);

}  // namespace hadal::launcher
