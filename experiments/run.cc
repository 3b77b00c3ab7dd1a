#include "experiments/run.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "core/base/clock.h"
#include "core/base/strings.h"
#include "core/reference_check.h"
#include "core/train/evaluator.h"
#include "core/train/not_finite.h"
#include "core/train/train_step.h"
#include "experiments/build.h"
#include "experiments/checkpoint.h"
#include "experiments/evaluate.h"
#include "experiments/same_state.h"
#include "experiments/translate.h"

namespace hadal::experiments {
namespace {

/// What an epoch has seen so far; part of a checkpoint, so that a resumed epoch reports the same
/// numbers.
struct EpochSums {
  double loss = 0, errors = 0, samples = 0;
  double seconds = 0;
  std::int64_t bytes_sent = 0, macs = 0;
};

class Training {
 public:
  Training(const spec::ExperimentSpec& spec, ReplicaGroup& group, Backend& backend,
           RunListener& listener, const RunOptions& options)
      : spec_(spec),
        group_(group),
        backend_(backend),
        listener_(listener),
        options_(options),
        data_(spec, options.data_dir),
        model_(build_model(spec, data_.input())),
        parameters_(build_parameters(spec, model_, backend)),
        optimizer_(build_optimizer(spec, *parameters_, backend)),
        rate_(learning_rate(spec)),
        step_(model_, *parameters_, backend, group, spec.global_batch() / group.logical_shards(),
              step_options(spec, times_)),
        store_(
            options.folder / "checkpoints", spec.checkpoint().keep(),
            [this](const std::string& line) { listener_.on_event("warning", steps_done_, line); }) {
    place_data();
    loader_ = data_.train_loader(spec, group.logical_shards(), group.shards().first,
                                 group.shards().size());
    steps_per_epoch_ = loader_->steps_per_epoch();
    total_steps_ = spec.steps() > 0 ? spec.steps() : spec.epochs() * steps_per_epoch_;
    group_.require_same(step_.executor().plan().hash(), "plan");
  }

  RunSummary run(const std::function<bool()>& drain_requested);

 private:
  static TrainStepOptions step_options(const spec::ExperimentSpec& spec, StepTimes& times) {
    TrainStepOptions options;
    options.seed = spec.seed();
    options.running_momentum = spec.batch_norm().momentum();
    options.recompute_every = spec.recompute_every();
    options.stop_when_not_finite = spec.checks().not_finite();
    options.times = &times;
    return options;
  }

  void place_data();
  bool has_validation() const { return !data_.split().validation.empty(); }
  Progress progress() const { return {steps_done_, steps_per_epoch_, total_steps_}; }
  int epochs_done() const { return static_cast<int>(steps_done_ / steps_per_epoch_); }
  int total_epochs() const {
    return static_cast<int>((total_steps_ + steps_per_epoch_ - 1) / steps_per_epoch_);
  }
  double seconds_so_far() const { return seconds_before_ + clock_.now_s() - started_; }

  double rate_factor() const { return rewinds_.empty() ? 1 : rewinds_.back().rate_factor; }
  bool may_rewind() const {
    return spec_.on_not_finite().rewinds() > 0 && !options_.folder.empty();
  }
  std::int64_t steps_per_rewind_point() const {
    const std::int64_t every = spec_.on_not_finite().every_steps();
    return every > 0 ? every : steps_per_epoch_;
  }

  bool train_one_step(bool wants_drain);
  bool step_and_what_is_due(bool wants_drain);
  void report_step(const StepResult& result);
  void report_times();
  void end_epoch();
  void tell_gates();
  std::vector<std::int64_t> open_gates(std::int64_t first_step) const;
  void validate_between_epochs();
  void keep_if_best(const RunSummary::Errors& now);
  TensorGroups tensors() const;
  TrainingState state() const;
  void save_if_due(bool end_of_epoch);
  bool save(bool best);
  bool is_finite_or_throw(const TensorGroups& groups) const;
  void require_same_state() {
    experiments::require_same_state(group_, *parameters_, *optimizer_, rate_, steps_done_);
  }
  bool is_far_enough() const;
  void load(const Checkpoint& checkpoint, bool with_optimizer);
  void restore(const Checkpoint& checkpoint);
  void resume();
  void note_rewind_point();
  void add_rewind_point();
  void rewind(const NotFiniteError& error);
  void report_check(const ReferenceCheck& check);
  bool best_is_whole();
  double evaluate_column(const Model& column);
  double evaluate(RunData::Evaluated which, double* loss = nullptr);
  RunSummary finish();
  RunSummary summary(bool drained) const;

  const spec::ExperimentSpec& spec_;
  ReplicaGroup& group_;
  Backend& backend_;
  RunListener& listener_;
  const RunOptions& options_;
  SystemClock clock_;
  StepTimes times_{clock_};
  RunData data_;
  Model model_;
  std::unique_ptr<Parameters> parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  LearningRate rate_;
  TrainStep step_;
  std::unique_ptr<data::Loader> loader_;
  std::unique_ptr<Evaluator> evaluator_;
  CheckpointStore store_;

  std::int64_t steps_per_epoch_ = 0, total_steps_ = 0;
  std::int64_t steps_done_ = 0;
  EpochSums sums_;
  RunSummary::Errors last_;
  std::optional<RunSummary::Errors> best_;
  std::int64_t best_step_ = 0;
  double started_ = 0, seconds_before_ = 0, last_save_ = 0;
  std::int64_t bytes_sent_ = 0, macs_ = 0;
  ReferenceCheck check_;
  int checked_ = 0;  // steps compared with the reference backend
  std::vector<Rewind> rewinds_;
  std::map<std::int64_t, std::int64_t> rewind_points_;  // as in TrainingState
  std::vector<std::string> hosts_;                      // by replica
  std::int64_t times_reported_at_ = 0;                  // steps done then
  int known_straggler_ = -1;                            // the replica last warned of
};

// After the step, which must fit: images take of what it has left.
void Training::place_data() {
  if (data_.place_on(backend_) || !backend_.device() || !group_.is_root()) return;
  listener_.on_event(
      "warning", 0,
      fmt::format(
          "images would take more than half of what {} has free, so batches are made on the "
          "host and travel; a smaller batch, more ranks or recompute_every leaves more",
          backend_.device()->name()));
}

bool Training::train_one_step(bool wants_drain) {
  const double before = clock_.now_s();
  const double learning_rate = rate_.at(progress()) * rate_factor();
  const auto next_batch = [this]() -> const data::Batch& {
    const data::Batch& batch = loader_->next();
    if (options_.probe != nullptr) options_.probe->on_batch(batch);
    return batch;
  };
  const StepResult result =
      step_.run(steps_done_, next_batch, *optimizer_, learning_rate, wants_drain);
  rate_.observe_training_error(100 * result.error);
  ++steps_done_;
  sums_.loss += result.loss * result.samples;
  sums_.errors += result.error * result.samples;
  sums_.samples += result.samples;
  sums_.seconds += clock_.now_s() - before;
  sums_.bytes_sent += result.bytes_sent;
  sums_.macs += result.macs;
  bytes_sent_ += result.bytes_sent;
  macs_ += result.macs;
  if (options_.probe != nullptr) options_.probe->on_state(steps_done_, tensors());
  const std::int64_t every = spec_.checks().replicas_every_steps();
  if (every > 0 && steps_done_ % every == 0) require_same_state();
  if (group_.is_root()) report_step(result);
  const std::int64_t times_every = spec_.checks().times_every_steps();
  if (times_every > 0 && steps_done_ % times_every == 0) report_times();
  return result.drain;
}

void Training::report_step(const StepResult& result) {
  TrainingProgress now;
  now.epoch = static_cast<int>((steps_done_ - 1) / steps_per_epoch_) + 1;
  now.epochs = total_epochs();
  now.step_of_epoch = (steps_done_ - 1) % steps_per_epoch_ + 1;
  now.steps_per_epoch = steps_per_epoch_;
  now.step = steps_done_;
  now.total_steps = total_steps_;
  now.loss = sums_.loss / sums_.samples;
  now.error = 100 * sums_.errors / sums_.samples;
  now.images = std::llround(result.samples);
  listener_.on_step(now);
  listener_.on_state({steps_done_, result.loss, parameters_->tensor_hashes(), result.shard_losses,
                      static_cast<int>(rewinds_.size())});
}

// A straggler is told of once, until another one is or it has caught up.
void Training::report_times() {
  const std::int64_t steps = steps_done_ - std::exchange(times_reported_at_, steps_done_);
  const PhaseSeconds mine = times_.take();
  if (hosts_.empty()) hosts_ = group_.hosts();
  const std::vector<double> all = group_.gather(mine);
  if (!group_.is_root() || steps <= 0) return;
  std::vector<PhaseSeconds> seconds(hosts_.size());
  for (std::size_t k = 0; k < all.size(); ++k) seconds[k / kStepPhases][k % kStepPhases] = all[k];
  listener_.on_times({steps_done_, steps, times_by_host(seconds, hosts_, steps)});
  const auto straggler = find_straggler(seconds, steps);
  if (straggler && straggler->replica != known_straggler_)
    listener_.on_event("straggler", steps_done_, describe(*straggler, hosts_, steps));
  known_straggler_ = straggler ? straggler->replica : -1;
}

double Training::evaluate(RunData::Evaluated which, double* loss) {
  const std::int64_t shard_batch =
      spec_.evaluation().batch() > 0
          ? std::max<std::int64_t>(1, spec_.evaluation().batch() / group_.shards().size())
          : loader_->shard_size();
  if (!evaluator_)
    evaluator_ = std::make_unique<Evaluator>(model_, *parameters_, backend_, group_, shard_batch);
  const auto loader = data_.evaluation_loader(which, shard_batch, group_.logical_shards(),
                                              group_.shards().first, group_.shards().size());
  const Evaluation evaluation = evaluator_->run(*loader);
  if (loss) *loss = evaluation.loss;
  return 100 * evaluation.error;
}

void Training::end_epoch() {
  EpochReport report;
  report.epoch = static_cast<int>((steps_done_ + steps_per_epoch_ - 1) / steps_per_epoch_);
  report.step = steps_done_;
  report.learning_rate =
      rate_.at({steps_done_ - 1, steps_per_epoch_, total_steps_}) * rate_factor();
  report.train_loss = sums_.loss / sums_.samples;
  report.train_error = 100 * sums_.errors / sums_.samples;
  report.images_per_second = sums_.samples / sums_.seconds;
  report.seconds = sums_.seconds;
  report.bytes_sent = sums_.bytes_sent;
  report.macs = sums_.macs;
  const std::int64_t first_step = (report.epoch - 1) * steps_per_epoch_;
  report.steps = steps_done_ - first_step;
  if (group_.is_root()) report.open_gates = open_gates(first_step);
  const bool last = steps_done_ == total_steps_;
  if (has_validation() && (last || report.epoch % spec_.evaluation().every_epochs() == 0)) {
    double loss = 0;
    report.validation_error = evaluate(RunData::Evaluated::kValidation, &loss);
    report.validation_loss = loss;
  }
  last_ = {report.epoch, report.train_loss, report.train_error, report.validation_error,
           std::nullopt};
  sums_ = {};
  if (group_.is_root()) listener_.on_epoch(report);
  keep_if_best(last_);
}

void Training::tell_gates() {
  std::vector<std::string> names;
  std::vector<double> survival;
  for (const Graph::GateInfo& gate : model_.graph.gates()) {
    names.push_back(gate.name);
    survival.push_back(gate.survival_probability);
  }
  if (!names.empty()) listener_.on_gates(names, survival);
}

// Drawn once more rather than kept from step to step: gates are a function of (seed, step), so
// these are the ones the steps used, those before a resume too.
std::vector<std::int64_t> Training::open_gates(std::int64_t first_step) const {
  std::vector<std::int64_t> open;
  if (!model_.gates) return open;
  open.resize(model_.graph.gates().size());
  for (std::int64_t step = first_step; step < steps_done_; ++step) {
    const GateMask mask = model_.gates->sample(spec_.seed(), static_cast<std::uint64_t>(step));
    for (std::size_t i = 0; i < open.size(); ++i) open[i] += mask.empty() ? 1 : mask[i];
  }
  return open;
}

// Between epochs, where a spec asks for it: the epoch counts as the one under way.
void Training::validate_between_epochs() {
  RunSummary::Errors now;
  now.epoch = epochs_done() + 1;
  now.validation_error = evaluate(RunData::Evaluated::kValidation);
  keep_if_best(now);
}

void Training::keep_if_best(const RunSummary::Errors& now) {
  if (!now.validation_error || (best_ && *now.validation_error >= *best_->validation_error)) return;
  best_ = now;
  best_step_ = steps_done_;
  save(true);
}

RunSummary Training::run(const std::function<bool()>& drain_requested) {
  started_ = last_save_ = clock_.now_s();
  if (options_.resume) resume();
  if (group_.is_root()) {
    listener_.on_start(parameters_->tensor_names());
    tell_gates();
  }
  if (may_rewind() && steps_done_ == 0) add_rewind_point();
  if (options_.check_steps > 0) step_.set_observer(&check_);
  while (steps_done_ < total_steps_ && !is_far_enough()) {
    try {
      if (step_and_what_is_due(drain_requested())) return summary(true);
    } catch (const NotFiniteError& error) {
      rewind(error);
    }
  }
  if (steps_done_ == total_steps_) return finish();
  RunSummary paused = summary(false);
  paused.paused = true;
  return paused;
}

// The learning rate still knows the whole length, so what goes on from here ends with the same bits
// as a training that was never stopped.
bool Training::is_far_enough() const {
  return options_.stop_after_epoch > 0 && epochs_done() >= options_.stop_after_epoch;
}

/// True when the training is to stop here, saved.
bool Training::step_and_what_is_due(bool wants_drain) {
  const bool drain = train_one_step(wants_drain);
  if (options_.check_steps > 0 && ++checked_ == options_.check_steps) {
    step_.set_observer(nullptr);
    report_check(check_);
  }
  const bool end = steps_done_ % steps_per_epoch_ == 0 || steps_done_ == total_steps_;
  const std::int64_t every = spec_.evaluation().every_steps();
  if (end)
    end_epoch();
  else if (every > 0 && steps_done_ % every == 0 && has_validation())
    validate_between_epochs();
  if (may_rewind() && steps_done_ % steps_per_rewind_point() == 0) add_rewind_point();
  if (drain && steps_done_ < total_steps_) {
    const bool saved = save(false);
    if (group_.is_root())
      listener_.on_event("drained", steps_done_,
                         saved ? "checkpoint saved; run again to go on"
                               : "not saved, for something is not finite; run again to go on");
    return true;
  }
  if (is_far_enough() && steps_done_ < total_steps_)
    save(false);
  else
    save_if_due(end);
  return false;
}

TensorGroups Training::tensors() const {
  TensorGroups groups;
  groups["weights"] = weights_of(*parameters_);
  groups["optimizer"] = optimizer_->state();
  for (const auto& state : rate_.state()) groups["optimizer"].push_back(state);
  return groups;
}

TrainingState Training::state() const {
  TrainingState state;
  state.spec = spec_;
  state.epoch = epochs_done();
  state.step = steps_done_;
  state.ranks = group_.size();
  if (best_)
    state.best_validation = BestValidation{best_->epoch, best_step_, *best_->validation_error};
  state.numbers = {{"epoch_loss", sums_.loss},
                   {"epoch_errors", sums_.errors},
                   {"epoch_samples", sums_.samples},
                   {"epoch_seconds", sums_.seconds},
                   {"epoch_bytes_sent", static_cast<double>(sums_.bytes_sent)},
                   {"epoch_macs", static_cast<double>(sums_.macs)},
                   {"seconds", seconds_so_far()},
                   {"bytes_sent", static_cast<double>(bytes_sent_)},
                   {"macs", static_cast<double>(macs_)}};
  if (last_.train_loss) {
    state.numbers["last_epoch"] = last_.epoch;
    state.numbers["last_train_loss"] = *last_.train_loss;
    state.numbers["last_train_error"] = *last_.train_error;
    if (last_.validation_error) state.numbers["last_validation_error"] = *last_.validation_error;
  }
  state.rewinds = rewinds_;
  state.rewind_points = rewind_points_;
  return state;
}

// Replicas are compared first: a state that only one of them holds must not become the one from
// which all go on. False when there was something to save, and it is not finite.
bool Training::save(bool best) {
  last_save_ = clock_.now_s();
  if (options_.folder.empty()) return true;
  group_.enter(Phase::kCheckpoint, "save");
  times_.enter(StepPhase::kCheckpoint);
  if (spec_.checks().replicas_every_steps() > 0) require_same_state();
  const TensorGroups groups = tensors();
  if (!is_finite_or_throw(groups)) return false;
  if (group_.is_root()) {
    store_.save(state(), groups);
    listener_.on_event(best ? "best" : "checkpoint", steps_done_, "");
  }
  group_.barrier();
  times_.leave();
  return true;
}

// A loss tells of parameters that overflow one step later: too late for the checkpoint between. All
// replicas hold the same parameters, so all throw. A training that can go back leaves it to the
// loss, except where it must know: what it does may not depend on when it happens to be saved.
bool Training::is_finite_or_throw(const TensorGroups& groups) const {
  if (!spec_.checks().not_finite()) return true;
  for (const auto& [group, views] : groups)
    for (const auto& [name, view] : views) {
      if (!has_non_finite(view)) continue;
      if (may_rewind() && steps_done_ % steps_per_rewind_point() != 0 &&
          steps_done_ != total_steps_)
        return false;
      throw NotFiniteError(fmt::format(
          "{} '{}' is not finite after step {}, which is not saved; the last checkpoint is "
          "intact, lower the learning rate or clip gradients",
          group == "weights" ? "parameter" : "optimizer state", name, steps_done_));
    }
  return true;
}

void Training::save_if_due(bool end_of_epoch) {
  const spec::Checkpoint& due = spec_.checkpoint();
  const bool by_epoch =
      end_of_epoch && due.every_epochs() > 0 && epochs_done() % due.every_epochs() == 0;
  const bool by_step = due.every_steps() > 0 && steps_done_ % due.every_steps() == 0;
  bool by_time = due.every_seconds() > 0 && clock_.now_s() - last_save_ > due.every_seconds();
  // Clocks differ: the root decides, at the end of an epoch's tenth.
  const std::int64_t period = std::max<std::int64_t>(1, steps_per_epoch_ / 10);
  by_time = due.every_seconds() > 0 && steps_done_ % period == 0 &&
            group_.any(group_.is_root() && by_time);
  if (by_epoch || by_step || by_time || steps_done_ == total_steps_) save(false);
}

void Training::load(const Checkpoint& checkpoint, bool with_optimizer) {
  for (const auto& [group, views] : tensors()) {
    if (group == "optimizer" && !with_optimizer) continue;
    for (const auto& [name, view] : views) checkpoint.group(group).copy_to(name, view);
  }
}

void Training::restore(const Checkpoint& checkpoint) {
  load(checkpoint, true);
  const auto number = [&](const char* name) { return checkpoint.state.numbers.at(name); };
  steps_done_ = times_reported_at_ = checkpoint.state.step;
  sums_ = {number("epoch_loss"),
           number("epoch_errors"),
           number("epoch_samples"),
           number("epoch_seconds"),
           std::llround(number("epoch_bytes_sent")),
           std::llround(number("epoch_macs"))};
  bytes_sent_ = std::llround(number("bytes_sent"));
  macs_ = std::llround(number("macs"));
  last_ = {};
  // A training that died between its last checkpoint and its result has no epoch left to report.
  if (const auto& numbers = checkpoint.state.numbers; numbers.contains("last_epoch")) {
    last_ = {static_cast<int>(number("last_epoch")), number("last_train_loss"),
             number("last_train_error"), std::nullopt, std::nullopt};
    if (numbers.contains("last_validation_error"))
      last_.validation_error = number("last_validation_error");
  }
  best_.reset();
  best_step_ = 0;
  if (const auto& best = checkpoint.state.best_validation) {
    best_ = {static_cast<int>(best->epoch), std::nullopt, std::nullopt, best->error, std::nullopt};
    best_step_ = best->step;
  }
  rewinds_ = checkpoint.state.rewinds;
  rewind_points_ = checkpoint.state.rewind_points;
  if (may_rewind() && steps_done_ % steps_per_rewind_point() == 0) note_rewind_point();
  times_.take();
  loader_->seek(steps_done_ / steps_per_epoch_, steps_done_ % steps_per_epoch_);
}

// The root chooses the checkpoint, all read it: a replica that saw another one would train another
// net.
void Training::resume() {
  if (options_.folder.empty()) return;
  std::int64_t step = -1;
  if (group_.is_root())
    if (const auto found = store_.latest_good(spec_)) step = found->state.step;
  group_.broadcast(std::as_writable_bytes(std::span(&step, 1)));
  if (step < 0) return;
  const Checkpoint checkpoint = read_checkpoint(store_.path_of(step));
  restore(checkpoint);
  seconds_before_ = checkpoint.state.numbers.at("seconds");
  require_same_state();
  if (group_.is_root())
    listener_.on_event("resumed", steps_done_,
                       fmt::format("from {}, saved by {} ranks", checkpoint.path.string(),
                                   checkpoint.state.ranks));
}

// Two of them stay: the next loss after the newest may be the one that is not finite.
void Training::note_rewind_point() {
  rewind_points_[steps_done_] = best_ ? best_step_ : -1;
  while (rewind_points_.size() > 2) rewind_points_.erase(rewind_points_.begin());
}

void Training::add_rewind_point() {
  note_rewind_point();
  save(false);
}

// Where it goes back to, and hence every later bit, follows from the step alone, never from when
// the training was saved or interrupted. So nothing need be written down here: whoever resumes from
// an older checkpoint comes to the same loss and goes the same way.
void Training::rewind(const NotFiniteError& error) {
  const bool can_go_back = may_rewind() && steps_done_ > 0;
  if (!can_go_back || static_cast<int>(rewinds_.size()) >= spec_.on_not_finite().rewinds()) {
    if (rewinds_.empty()) throw error;
    throw NotFiniteError(
        fmt::format("{}; after {} rewind{}, the learning rate at {:g} of the spec's", error.what(),
                    rewinds_.size(), rewinds_.size() == 1 ? "" : "s", rate_factor()));
  }
  const std::int64_t every = steps_per_rewind_point();
  Rewind now{steps_done_, (steps_done_ - 1) / every * every,
             rate_factor() * spec_.on_not_finite().rate_factor(), error.what()};
  group_.enter(Phase::kCheckpoint, "rewind");
  if (group_.is_root()) store_.remove_after(now.to);
  group_.barrier();
  std::vector<Rewind> rewinds = rewinds_;
  rewinds.push_back(now);
  restore(read_checkpoint(store_.path_of(now.to)));
  rewinds_ = rewinds;
  require_same_state();
  if (group_.is_root()) listener_.on_rewind(now);
}

void Training::report_check(const ReferenceCheck& check) {
  if (check.findings().empty()) {
    listener_.on_event(
        "check", steps_done_,
        fmt::format("{} comparisons with the reference backend, largest relative difference {:.2e}",
                    check.comparisons(), check.largest_relative_difference()));
    return;
  }
  const ReferenceCheck::Finding& first = check.findings().front();
  throw ConfigError(fmt::format(
      "--check: {} of {} comparisons with the reference backend failed; first {}: difference "
      "{:.3e}, "
      "largest value {:.3e}",
      check.findings().size(), check.comparisons(), first.what, first.difference, first.magnitude));
}

RunSummary Training::summary(bool drained) const {
  RunSummary summary;
  summary.drained = drained;
  summary.steps = steps_done_;
  summary.epochs = epochs_done();
  summary.seconds = seconds_so_far();
  summary.last = last_;
  summary.best_validation = best_;
  summary.weights_hash = parameters_->hash();
  summary.parameters = parameters_->trainable_count();
  summary.bytes_sent = bytes_sent_;
  summary.macs = macs_;
  summary.rewinds = rewinds_;
  return summary;
}

// Selection is over: only now is the test split looked at, with the last weights and with those of
// the best validation epoch.
RunSummary Training::finish() {
  if (data_.test_count() > 0) last_.test_error = evaluate(RunData::Evaluated::kTest);
  if (!last_.validation_error && has_validation())
    last_.validation_error = evaluate(RunData::Evaluated::kValidation);
  if (last_.epoch == 0) last_.epoch = epochs_done();
  if (best_ && best_step_ == steps_done_) best_->test_error = last_.test_error;
  RunSummary result = summary(false);
  if (const auto column = deepest_column(spec_, data_.input()))
    result.deepest_column_test_error = evaluate_column(*column);
  if (best_ && best_step_ != steps_done_ && !options_.folder.empty() && best_is_whole()) {
    load(read_checkpoint(store_.path_of(best_step_)), false);
    result.best_validation->test_error = evaluate(RunData::Evaluated::kTest);
  }
  return result;
}

// The run is done; that one of its checkpoints was damaged since costs one number, not the others.
bool Training::best_is_whole() {
  char whole = 1;
  if (group_.is_root()) try {
      read_checkpoint(store_.path_of(best_step_));
    } catch (const Error& error) {
      whole = 0;
      listener_.on_event(
          "warning", steps_done_,
          fmt::format("{}; no test error of the best validation epoch", error.what()));
    }
  group_.broadcast(std::as_writable_bytes(std::span(&whole, 1)));
  return whole != 0;
}

double Training::evaluate_column(const Model& column) {
  Parameters parameters(column.graph, DType::kFloat32, backend_.device());
  for (const Parameters::Entry& entry : parameters.entries())
    copy_converted(parameters_->value(parameters_->find(entry.name)), parameters.value(entry));
  for (const Parameters::RunningEntry& entry : parameters.running_entries())
    for (const Parameters::RunningEntry& trained : parameters_->running_entries())
      if (trained.name == entry.name)
        copy_converted(parameters_->running(trained), parameters.running(entry));
  Evaluator evaluator(column, parameters, backend_, group_, loader_->shard_size());
  const auto loader = data_.evaluation_loader(RunData::Evaluated::kTest, loader_->shard_size(),
                                              group_.logical_shards(), group_.shards().first,
                                              group_.shards().size());
  return 100 * evaluator.run(*loader).error;
}

}  // namespace

RunSummary run_training(const spec::ExperimentSpec& spec, ReplicaGroup& group, Backend& backend,
                        const std::function<bool()>& drain_requested, RunListener& listener,
                        const RunOptions& options) {
  Training training(spec, group, backend, listener, options);
  return training.run(drain_requested);
}

}  // namespace hadal::experiments
