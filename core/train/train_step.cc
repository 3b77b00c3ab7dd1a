#include "core/train/train_step.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/train/batch_sums.h"

namespace hadal {
namespace {

// Then a column for each logical shard, in which that shard alone puts its loss: so every replica
// gets them with the sums.
enum Metric { kLoss, kErrors, kSamples, kDrain, kMetrics };

std::unique_ptr<Plan> training_plan(const Model& model, const Parameters& parameters,
                                    Backend& backend, std::int64_t batch,
                                    const TrainStepOptions& options) {
  PlanOptions plan;
  plan.batch = batch;
  plan.outputs = {model.scores, model.loss};
  plan.seeds = {model.loss};
  plan.recompute_every = options.recompute_every;
  plan.fuse = options.fuse;
  return Plan::compile(model.graph, parameters, backend, plan);
}

/// Calls visit(first element, elements) for the runs of neighbouring entries whose flag is
/// `wanted`, with the padding between them, which is zero.
template <typename Entries, typename Visit>
void for_each_run(const Entries& entries, std::span<const std::uint8_t> flags, bool wanted,
                  const Visit& visit) {
  const auto is_wanted = [&](std::size_t i) { return (flags[i] != 0) == wanted; };
  for (std::size_t i = 0; i < flags.size(); ++i) {
    if (!is_wanted(i)) continue;
    const std::int64_t first = entries[i].offset;
    while (i + 1 < flags.size() && is_wanted(i + 1)) ++i;
    visit(first, entries[i].offset + entries[i].elements - first);
  }
}

TensorView slice(TensorView flat, std::int64_t first, std::int64_t elements) {
  flat.data =
      static_cast<std::byte*>(flat.data) + first * static_cast<std::int64_t>(size_of(flat.type));
  flat.shape = {elements};
  return flat;
}

}  // namespace

TrainStep::TrainStep(const Model& model, Parameters& parameters, Backend& backend,
                     ReplicaGroup& group, std::int64_t shard_batch, const TrainStepOptions& options)
    : model_(model),
      parameters_(parameters),
      backend_(backend),
      group_(group),
      options_(options),
      executor_(training_plan(model, parameters, backend, shard_batch, options), parameters),
      d_loss_({shard_batch}) {
  group_.attach(replica_buffers(parameters));
  executor_.on_gradient_ready([this](int entry) { group_.ready(entry); });
  executor_.on_poll([this] { group_.poll(); });
}

StepResult TrainStep::run(std::int64_t step, const std::function<const data::Batch&()>& next_batch,
                          Optimizer& optimizer, double learning_rate, bool wants_drain) {
  const GateMask gates = model_.gates
                             ? model_.gates->sample(options_.seed, static_cast<std::uint64_t>(step))
                             : GateMask{};
  const auto active_entries = executor_.active_entries(gates);
  const auto active_statistics = executor_.active_statistics(gates);

  group_.begin_step(step, active_entries, active_statistics);
  const ShardRange shards = group_.shards();
  const std::size_t columns = kMetrics + static_cast<std::size_t>(told_shards());
  std::vector<double> metrics(static_cast<std::size_t>(shards.size()) * columns);
  for (int shard = shards.first; shard < shards.last; ++shard) {
    enter(Phase::kData, StepPhase::kData, "load batch");
    const data::Batch& batch = next_batch();
    const std::span<double> row = std::span(metrics).subspan(
        static_cast<std::size_t>(shard - shards.first) * columns, columns);
    run_shard(step, batch, gates, row);
    row[kDrain] = wants_drain ? 1 : 0;
    if (shard < told_shards()) row[static_cast<std::size_t>(kMetrics + shard)] = row[kLoss];
    group_.shard_done();
  }
  enter(Phase::kCompute, StepPhase::kExchange, "exchange");
  group_.finish();
  std::vector<double> totals(columns);
  group_.sum_over_shards(metrics, totals);
  if (options_.stop_when_not_finite && !std::isfinite(totals[kLoss]))
    report_not_finite(step, totals[kLoss]);

  enter(Phase::kCompute, StepPhase::kOptimizer, "optimizer");
  clear_gradients_of(active_entries);
  update_running(active_statistics);
  optimizer.step(learning_rate);
  if (options_.times != nullptr) options_.times->leave();

  StepResult result;
  result.samples = totals[kSamples];
  result.loss = totals[kLoss] / result.samples;
  result.error = totals[kErrors] / result.samples;
  result.drain = totals[kDrain] > 0;
  result.shard_losses.assign(totals.begin() + kMetrics, totals.end());
  result.bytes_sent = group_.step_bytes_sent();
  result.macs = executor_.macs(gates) * shards.size();
  return result;
}

int TrainStep::told_shards() const {
  return group_.logical_shards() <= kMostToldShards ? group_.logical_shards() : 0;
}

// The gradient of the mean loss over the global batch: each sample is seeded with its weight over
// the batch's total.
void TrainStep::run_shard(std::int64_t step, const data::Batch& batch, const GateMask& gates,
                          std::span<double> metrics) {
  const Feed inputs[] = {{model_.image, batch.images.view()}, {model_.labels, batch.labels.view()}};
  const StepInfo info{options_.seed, static_cast<std::uint64_t>(step), batch.first_sample};
  enter(Phase::kCompute, StepPhase::kForward, "forward");
  executor_.forward(inputs, info, gates);

  const BatchSums sums = sums_of(executor_, model_, batch);
  metrics[kLoss] = sums.loss;
  metrics[kErrors] = sums.errors;
  metrics[kSamples] = sums.samples;
  if (options_.stop_when_not_finite && !std::isfinite(sums.loss))
    find_not_finite(batch, inputs, info, gates);

  enter(Phase::kCompute, StepPhase::kBackward, "backward");
  const std::span<const float> weights = batch.weights.span<float>();
  for (std::size_t n = 0; n < weights.size(); ++n)
    d_loss_.as<float>()[n] = static_cast<float>(weights[n] / batch.total_weight);
  const Feed seeds[] = {{model_.loss, d_loss_.view()}};
  executor_.backward(seeds);
}

void TrainStep::update_running(std::span<const std::uint8_t> active) {
  const float momentum = static_cast<float>(options_.running_momentum);
  for_each_run(parameters_.running_entries(), active, true,
               [&](std::int64_t first, std::int64_t n) {
                 backend_.move_towards(slice(parameters_.statistics(), first, n), momentum,
                                       slice(parameters_.running(), first, n));
               });
}

void TrainStep::clear_gradients_of(std::span<const std::uint8_t> active_entries) {
  for_each_run(parameters_.entries(), active_entries, false,
               [&](std::int64_t first, std::int64_t n) {
                 fill_bytes(slice(parameters_.gradients(), first, n), std::byte{0});
               });
}

void TrainStep::enter(Phase phase, StepPhase timed, std::string_view operation) {
  group_.enter(phase, operation);
  if (options_.times != nullptr) options_.times->enter(timed);
}

// The shard again, with an eye on every image and every layer.
void TrainStep::find_not_finite(const data::Batch& batch, std::span<const Feed> inputs,
                                const StepInfo& info, const GateMask& gates) {
  const std::int64_t pixels = batch.images.shape().elements_per_sample();
  const HostView on_host(batch.images.view());
  const std::span images(on_host.as<float>(),
                         batch.indices.size() * static_cast<std::size_t>(pixels));
  for (std::size_t n = 0; n < batch.indices.size(); ++n) {
    const auto image =
        images.subspan(n * static_cast<std::size_t>(pixels), static_cast<std::size_t>(pixels));
    if (std::all_of(image.begin(), image.end(), [](float x) { return std::isfinite(x); })) continue;
    image_not_finite_ = std::min(image_not_finite_.value_or(batch.indices[n]), batch.indices[n]);
  }
  FirstNotFinite first;
  executor_.set_observer(&first);
  executor_.forward(inputs, info, gates);
  executor_.set_observer(nullptr);
  if (const auto place = first.place())
    place_not_finite_ = std::min(place_not_finite_.value_or(*place), *place);
}

// Shards may overflow at different places, or some not at all; every replica names the earliest.
void TrainStep::report_not_finite(std::int64_t step, double loss) {
  constexpr double kNowhere = -1e18;
  const auto earliest = [&](const auto& mine) {
    return group_.max(mine ? -static_cast<double>(*mine) : kNowhere);
  };
  const double image = earliest(image_not_finite_), place = earliest(place_not_finite_);
  image_not_finite_.reset();
  place_not_finite_.reset();
  std::string where = "only in the sum over the batch";
  if (image != kNowhere)
    where = fmt::format("first in image {} of the training set", std::llround(-image));
  else if (place != kNowhere)
    where = "first in " + FirstNotFinite::describe(executor_.plan(), static_cast<int>(-place));
  throw NotFiniteError(
      fmt::format("loss is {} at step {}: {}; the last checkpoint is intact, lower the learning "
                  "rate or clip gradients",
                  std::isnan(loss) ? "NaN" : "infinite", step, where));
}

}  // namespace hadal
