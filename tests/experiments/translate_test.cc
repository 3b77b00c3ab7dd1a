#include "experiments/translate.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "experiments/spec/load.h"
#include "experiments/spec/sweep.h"
#include "tests/places.h"

namespace hadal::experiments {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kGood = R"(
model { name: "resnet" set: "depth=20" }
data { name: "generator" set: "train=100" preprocess: ["pad 2", "normalize 1 2 3 4 5 6"] }
augmentation { pad: 4 fill: edge mirror: true cutout: 8 }
optimizer { learning_rate: 0.1 momentum: 0.9 momentum_form: rate_inside decay_on: weights }
schedule { kind: "steps" at_step: [10, 20] warm_up { steps: 5 learning_rate: 0.01 } }
epochs: 2
)";

spec::ExperimentSpec loaded(const std::vector<std::string>& overrides = {}) {
  return spec::experiment_from_text(kGood, "a.textproto", overrides, complete);
}

std::string error_of(const std::vector<std::string>& overrides) {
  try {
    loaded(overrides);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Translate, OptionsOfModelAndDataAreWrittenOut) {
  const spec::ExperimentSpec spec = loaded();
  EXPECT_THAT(model_settings(spec.model()), testing::IsSupersetOf({"depth=20", "shortcut=A"}));
  EXPECT_EQ(load_options(spec.data()).values.at("train"), "100");
  EXPECT_TRUE(load_options(spec.data()).values.count("difficulty"));
}

TEST(Translate, ASpelledOutDefaultOfAModelDoesNotChangeTheHash) {
  EXPECT_EQ(spec::spec_hash(loaded({"model.shortcut=A"})), spec::spec_hash(loaded()));
  EXPECT_NE(spec::spec_hash(loaded({"model.shortcut=B"})), spec::spec_hash(loaded()));
}

TEST(Translate, FieldsBecomeCoresOptions) {
  const spec::ExperimentSpec spec = loaded();
  const std::vector<data::PreprocessStep> steps = preprocess_steps(spec.data());
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0].name, "pad");
  EXPECT_THAT(steps[0].values, testing::ElementsAre(2));
  EXPECT_EQ(steps[1].values.size(), 6u);
  EXPECT_EQ(augmentation(spec.augmentation()).padding, data::Padding::kEdge);
  EXPECT_EQ(augmentation(spec.augmentation()).cutout, 8);
  const OptimizerOptions optimizer = optimizer_options(spec.optimizer());
  EXPECT_EQ(optimizer.momentum_form, MomentumForm::kRateInside);
  EXPECT_EQ(optimizer.decay_on, DecayOn::kWeights);
  EXPECT_FALSE(optimizer.epsilon.has_value());
  const LearningRate rate = learning_rate(spec);
  EXPECT_DOUBLE_EQ(rate.at({.step = 0, .steps_per_epoch = 10, .total_steps = 30}), 0.01);
  EXPECT_DOUBLE_EQ(rate.at({.step = 12, .steps_per_epoch = 10, .total_steps = 30}), 0.01);
  EXPECT_DOUBLE_EQ(rate.at({.step = 7, .steps_per_epoch = 10, .total_steps = 30}), 0.1);
  EXPECT_FALSE(initializer(spec.initializer()).has_value());
}

TEST(Translate, UnknownNamesOfEveryKindAreRefused) {
  EXPECT_THAT(error_of({"model.name=resnt"}), HasSubstr("did you mean 'resnet'?"));
  EXPECT_THAT(error_of({"model.dept=20"}), HasSubstr("did you mean 'depth'?"));
  EXPECT_THAT(error_of({"model.depth=many"}), HasSubstr("depth"));
  EXPECT_THAT(error_of({"data.name=generatr"}), HasSubstr("did you mean 'generator'?"));
  EXPECT_THAT(error_of({"data.trian=20"}), HasSubstr("did you mean 'train'?"));
  EXPECT_THAT(error_of({"data.preprocess=gnc"}), HasSubstr("did you mean 'gcn'?"));
  EXPECT_THAT(error_of({"data.preprocess=gcn x"}), HasSubstr("'x' is not a number"));
  EXPECT_THAT(error_of({"optimizer.name=adm"}), HasSubstr("did you mean 'adam'?"));
  EXPECT_THAT(error_of({"schedule.kind=step", "schedule.at_step="}),
              HasSubstr("did you mean 'steps'?"));
  EXPECT_THAT(error_of({"initializer.kind=he_fan_inn"}), HasSubstr("did you mean 'he_fan_in'?"));
}

TEST(Translate, EveryKindOfInitialiserIsKnownByItsName) {
  spec::Initializer text;
  text.set_kind("gaussian");
  text.set_value(0.01);
  ASSERT_TRUE(initializer(text).has_value());
  EXPECT_EQ(initializer(text)->kind, InitializerKind::kGaussian);
  EXPECT_EQ(initializer(text)->value, 0.01);
}

TEST(Translate, EverySpecFileNamesWhatIsBuiltIn) {
  int files = 0;
  for (const auto& entry :
       fs::recursive_directory_iterator(fs::path(test::source_folder()) / "experiments")) {
    if (entry.path().extension() != ".textproto") continue;
    ++files;
    EXPECT_NO_THROW({
      try {
        spec::read_experiment(entry.path());
      } catch (const ConfigError&) {
        spec::load_plan(entry.path(), complete);
        continue;
      }
      spec::load_experiment(entry.path(), {}, complete);
    }) << entry.path();
  }
  EXPECT_GT(files, 60);
}

}  // namespace
}  // namespace hadal::experiments
