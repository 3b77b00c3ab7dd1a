#include "tests/faults/plan.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "core/base/random.h"

namespace hadal::faults {
namespace {

constexpr std::array kRankNumbers = {1, 2, 4};
constexpr int kFaultsPerStory = 4;
constexpr std::int64_t kWindow = kSteps / kFaultsPerStory;

/// Draws of one plan, one after another.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : stream_{seed, random::Purpose::kTest} {}
  int below(std::size_t n) {
    return static_cast<int>(random::below(stream_, static_cast<std::uint32_t>(n), next_++));
  }
  template <typename T>
  T one_of(const std::vector<T>& values) {
    return values[static_cast<std::size_t>(below(values.size()))];
  }

 private:
  random::Stream stream_;
  std::uint64_t next_ = 0;
};

/// Every kind of fault, some twice: what happens most in earnest.
const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = [] {
    std::vector<Kind> kinds = {Kind::kKill,       Kind::kKill,     Kind::kStop,    Kind::kDrainAll,
                               Kind::kFlipWeight, Kind::kPowerCut, Kind::kPowerCut};
    for (int kind = 0; kind <= static_cast<int>(Kind::kRemoved); ++kind)
      if (static_cast<Kind>(kind) != Kind::kFlipGradientBefore)
        kinds.push_back(static_cast<Kind>(kind));
    return kinds;
  }();
  return all;
}

Stage stage_of(Kind kind) {
  if (kind == Kind::kLauncherKilled || kind == Kind::kInterrupt) return Stage::kSweep;
  return kind == Kind::kPowerCut ? Stage::kPowerCut : Stage::kMpirun;
}

std::vector<Point> points_of(Kind kind) {
  const std::vector<Point> of_files = {Point::kWrite, Point::kSync, Point::kRename};
  const std::vector<Point> of_steps = {Point::kData,      Point::kForward,   Point::kBackward,
                                       Point::kAllReduce, Point::kOptimizer, Point::kCheckpoint};
  std::vector<Point> all = of_steps;
  all.insert(all.end(), of_files.begin(), of_files.end());
  switch (kind) {
    case Kind::kNoSpace:
    case Kind::kIoError:
      return of_files;
    case Kind::kTornWrite:
      return {Point::kWrite};
    case Kind::kPowerCut:
      return {Point::kWrite,  Point::kWrite,   Point::kSync,     Point::kSync,
              Point::kRename, Point::kForward, Point::kOptimizer};
    case Kind::kFlipWeight:
    case Kind::kFlipOptimizer:
    case Kind::kFlipStatistic:
    case Kind::kNanWeight:
      return {Point::kOptimizer};
    case Kind::kFlipGradient:
    case Kind::kNanGradient:
      return {Point::kAllReduce};
    case Kind::kNanImage:
      return {Point::kForward};
    case Kind::kException:
    case Kind::kExtraCollective:
      return of_steps;
    default:
      return all;
  }
}

bool is_of_files(Point point) {
  return point == Point::kWrite || point == Point::kSync || point == Point::kRename;
}

/// Faults that one rank alone cannot show: nobody else is there to see it.
bool wants_others(Kind kind) {
  return kind == Kind::kStop || kind == Kind::kExtraCollective || is_flip(kind);
}

Attempt draw_attempt(Kind kind, std::int64_t from, bool at_the_end, int id, Draws& draws) {
  Attempt attempt;
  attempt.ranks = kRankNumbers[static_cast<std::size_t>(
      wants_others(kind) ? 1 + draws.below(2) : draws.below(kRankNumbers.size()))];
  attempt.compare_every = draws.one_of<int>({1, 3, 1000});
  Fault& fault = attempt.fault;
  fault = {id, kind, 0, from + draws.below(8), draws.one_of(points_of(kind))};
  // The first checkpoint must be there to be damaged.
  if (is_damage(kind)) fault.step = std::max(fault.step, kSaveEvery + 1);
  if (at_the_end && kind == Kind::kKill) {
    fault.step = kSteps - 1;
    fault.point = draws.one_of<Point>({Point::kEvaluate, Point::kRename, Point::kFinalize});
  }
  if (!is_of_files(fault.point)) fault.rank = draws.below(static_cast<std::size_t>(attempt.ranks));
  return attempt;
}

Story draw_story(Stage stage, const std::vector<Kind>& kinds, int number, Draws& draws) {
  Story story;
  story.number = number;
  story.stage = stage;
  // A net that goes back from what is not finite would do so here too, and end with other numbers.
  const bool not_finite =
      std::any_of(kinds.begin(), kinds.end(), [](Kind kind) { return row_of(kind) == "R10"; });
  story.net = static_cast<std::size_t>(draws.below(nets().size() - (not_finite ? 1 : 0)));
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const bool last = i + 1 == kinds.size();
    story.attempts.push_back(draw_attempt(kinds[i], 1 + static_cast<std::int64_t>(i) * kWindow,
                                          last && draws.below(3) == 0, static_cast<int>(i), draws));
  }
  story.last_ranks = kRankNumbers[static_cast<std::size_t>(draws.below(kRankNumbers.size()))];
  if (stage == Stage::kSweep)
    for (Attempt& attempt : story.attempts) {
      attempt.ranks = 2;
      attempt.fault.rank %= 2;
    }
  return story;
}

template <typename T>
void shuffle(std::vector<T>& values, Draws& draws) {
  for (std::size_t i = values.size(); i > 1; --i)
    std::swap(values[i - 1], values[static_cast<std::size_t>(draws.below(i))]);
}

}  // namespace

// 16 x 16 pictures in batches of 16, cut into 4 shards: any of 1, 2 and 4 ranks.
const std::vector<Net>& nets() {
  static const std::string rest = R"(
  data {
    name: "generator" set: "train=360" set: "test=32" set: "side=16" validation_images: 40
    preprocess: ["subtract_channel_mean", "divide_channel_std"]
  }
  augmentation { pad: 2 mirror: true }
  epochs: 3 global_batch: 16 logical_shards: 4
  checkpoint { every_steps: 5 every_epochs: 0 every_seconds: 0 }
)";
  static const std::vector<Net> all = {
      {"resnet", R"(
  model { name: "resnet" set: "depth=8" set: "width=4" set: "survival=0.5" }
  optimizer { name: "sgd" learning_rate: 0.05 momentum: 0.9 }
  schedule {
    kind: "cosine" warm_up { until_training_error: 85 learning_rate: 0.01 error_window: 20 }
  })" + rest},
      {"fractalnet", R"(
  model {
    name: "fractalnet" set: "columns=2" set: "widths=4,8" set: "dropout=0,0.2"
    set: "drop_path=0.15" set: "global=0.5"
  }
  optimizer { name: "adam" learning_rate: 0.002 })" +
                         rest},
      // Its rate explodes at step 25 and, halved as it were, again at step 45: it goes back twice.
      {"rewinding", R"(
  model { name: "resnet" set: "depth=8" set: "width=4" }
  optimizer { name: "sgd" learning_rate: 0.05 momentum: 0.9 }
  schedule { kind: "steps" at_step: [25, 45] factors: [1e18, 1e36] }
  on_not_finite { rewinds: 3 rate_factor: 1e-18 every_steps: 10 })" +
                        rest}};
  return all;
}

bool is_hang(Kind kind) { return kind >= Kind::kStop && kind <= Kind::kExtraCollective; }
bool is_damage(Kind kind) { return kind >= Kind::kTruncated; }
bool is_flip(Kind kind) { return kind >= Kind::kFlipWeight && kind <= Kind::kFlipGradient; }

std::string row_of(Kind kind) {
  if (kind <= Kind::kExit) return "R1";
  if (is_hang(kind)) return "R2";
  if (is_damage(kind)) return "R7";
  if (is_flip(kind)) return "R9";
  switch (kind) {
    case Kind::kMpirunKilled:
    case Kind::kLauncherKilled:
      return "R4";
    case Kind::kInterrupt:
    case Kind::kDrainAll:
    case Kind::kDrainOne:
    case Kind::kTerminate:
      return "R5";
    case Kind::kPowerCut:
    case Kind::kTornWrite:
      return "R6";
    case Kind::kNoSpace:
    case Kind::kIoError:
      return "R8";
    case Kind::kSuperseded:
      return "R12";
    default:
      return "R10";
  }
}

std::vector<Story> plan_stories(int faults, std::uint64_t seed, bool with_power_cuts) {
  Draws draws(seed);
  std::vector<Story> stories;
  std::array<std::vector<Kind>, 3> open;  // kinds of the story under way, by stage
  int planned = 0;
  const auto close = [&](Stage stage) {
    std::vector<Kind>& kinds = open[static_cast<std::size_t>(stage)];
    if (kinds.empty()) return;
    stories.push_back(draw_story(stage, kinds, static_cast<int>(stories.size()), draws));
    kinds.clear();
  };
  while (planned < faults) {
    std::vector<Kind> round = kinds();
    shuffle(round, draws);
    for (const Kind kind : round) {
      if (planned == faults) break;
      const Stage stage = stage_of(kind);
      if (stage == Stage::kPowerCut && !with_power_cuts) continue;
      std::vector<Kind>& of_stage = open[static_cast<std::size_t>(stage)];
      of_stage.push_back(kind);
      ++planned;
      if (of_stage.size() == kFaultsPerStory || stage == Stage::kSweep) close(stage);
    }
  }
  for (const Stage stage : {Stage::kMpirun, Stage::kSweep, Stage::kPowerCut}) close(stage);
  return stories;
}

}  // namespace hadal::faults
