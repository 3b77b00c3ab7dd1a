#include "experiments/spec/resolve.h"

#include <set>

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "experiments/spec/load.h"

#include "experiments/spec/field.pb.h"
#include "experiments/spec/sweep.pb.h"

namespace hadal::spec {
namespace {

ExperimentSpec small() {
  ExperimentSpec spec;
  spec.mutable_model()->set_name("resnet");
  spec.mutable_model()->add_set("shortcut=A");
  spec.mutable_model()->add_set("depth=20");
  spec.mutable_data()->set_name("generator");
  spec.mutable_optimizer()->set_learning_rate(0.1);
  spec.set_epochs(2);
  return spec;
}

void visit(const google::protobuf::Descriptor* type,
           std::set<const google::protobuf::Descriptor*>& seen) {
  if (!seen.insert(type).second) return;
  for (int i = 0; i < type->field_count(); ++i)
    if (type->field(i)->message_type()) visit(type->field(i)->message_type(), seen);
}

TEST(Resolve, EveryFieldOfEveryMessageHasADefaultOrIsRequired) {
  std::set<const google::protobuf::Descriptor*> types;
  visit(SweepSpec::descriptor(), types);
  EXPECT_TRUE(types.count(ExperimentSpec::descriptor()));
  for (const auto* type : types)
    for (int i = 0; i < type->field_count(); ++i) {
      const auto* field = type->field(i);
      if (field->is_repeated() || field->message_type()) continue;
      EXPECT_TRUE(field->has_presence()) << field->full_name() << " is not optional";
      EXPECT_NE(field->options().HasExtension(default_text),
                field->options().GetExtension(required))
          << field->full_name();
    }
}

TEST(Resolve, TwiceIsOnce) {
  const ExperimentSpec once = resolve(small());
  EXPECT_EQ(canonical_text(resolve(once)), canonical_text(once));
}

TEST(Resolve, CanonicalTextReadsBackAsTheSameSpec) {
  ExperimentSpec spec = small();
  spec.set_name("odd \"name\" \\ with 'quotes' and ü");
  spec.mutable_schedule()->set_kind("steps");
  for (double epoch : {0.1, 1.0 / 3, 2e300}) spec.mutable_schedule()->add_at_epoch(epoch);
  spec.mutable_optimizer()->set_weight_decay(1e-4);
  spec.set_seed(0xffffffffffffffffu);
  spec = resolve(spec);
  const ExperimentSpec again = experiment_from_text(canonical_text(spec), "again");
  EXPECT_EQ(canonical_text(again), canonical_text(spec));
  EXPECT_EQ(again.schedule().at_epoch(1), 1.0 / 3);
  EXPECT_TRUE(diff(spec, again).empty());
}

TEST(Resolve, TheHashIgnoresCommentsOrderSpelledOutDefaultsAndNames) {
  const char* one = R"(
    model { name: "resnet" set: "depth=20" set: "shortcut=A" }
    data { name: "generator" } optimizer { learning_rate: 0.1 } epochs: 2)";
  const char* other = R"(
    # the same
    epochs: 2
    name: "another name" global_batch: 128 checkpoint { every_epochs: 7 } recompute_every: 3
    optimizer { momentum: 0 learning_rate: 1e-1 }
    data { name: "generator" folder: "/elsewhere" }
    model { set: [" shortcut = A", "depth=20"] name: 'resnet' })";
  EXPECT_EQ(spec_hash(experiment_from_text(one, "a")), spec_hash(experiment_from_text(other, "b")));
}

TEST(Resolve, AnythingThatChangesAResultChangesTheHash) {
  std::set<std::string> hashes = {spec_hash(resolve(small()))};
  const std::vector<std::string> changes = {"seed=2",
                                            "model.depth=32",
                                            "epochs=3",
                                            "data.validation_images=10",
                                            "logical_shards=2",
                                            "optimizer.weight_decay=1e-4",
                                            "augmentation.mirror=true",
                                            "batch_norm.momentum=0.2",
                                            "data.preprocess=gcn",
                                            "data.preprocess=gcn,zca",
                                            "data.preprocess=zca,gcn"};
  for (const std::string& change : changes)
    hashes.insert(spec_hash(experiment_from_text(canonical_text(resolve(small())), "a", {change})));
  EXPECT_EQ(hashes.size(), changes.size() + 1);
}

TEST(Resolve, TheHashIsTheSameInEveryBuild) {
  // Names folders of finished runs: a change here orphans them. Update it when a field is added or
  // a default changes, which is what makes runs different.
  EXPECT_EQ(spec_hash(resolve(small())), "c27847d5f63ea29c");
}

TEST(Resolve, AFieldThatCameLaterChangesNoHashUntilItIsUsed) {
  const std::string text = canonical_text(resolve(small()));
  const auto hash_with = [&](const std::vector<std::string>& set) {
    return spec_hash(experiment_from_text(text, "a", set));
  };
  const std::string hash = spec_hash(resolve(small()));
  EXPECT_EQ(hash_with({"on_not_finite.rewinds=0", "on_not_finite.rate_factor=0.50"}), hash);
  EXPECT_NE(hash_with({"on_not_finite.rewinds=2"}), hash);
  EXPECT_NE(hash_with({"on_not_finite.rewinds=2"}), hash_with({"on_not_finite.rewinds=3"}));
}

TEST(Resolve, GoingBackFromWhatIsNotFiniteWantsThatItIsLookedFor) {
  const std::string text = canonical_text(resolve(small()));
  EXPECT_THROW(
      experiment_from_text(text, "a", {"on_not_finite.rewinds=2", "checks.not_finite=false"}),
      ConfigError);
}

TEST(Resolve, ADifferenceShowsPathAndBothValues) {
  const ExperimentSpec a = resolve(small());
  ExperimentSpec b = a;
  b.mutable_model()->set_set(0, "depth=32");
  b.mutable_model()->add_set("survival=0.5");
  b.set_name("b");
  EXPECT_EQ(describe(diff(a, b, false)), "model.depth: 20 | 32\nmodel.survival: - | 0.5");
  EXPECT_EQ(diff(a, b).size(), 3u);
}

TEST(Resolve, SchedulesThatContradictThemselvesAreRefused) {
  const auto error_of = [](const std::function<void(Schedule&)>& change) {
    ExperimentSpec spec = small();
    change(*spec.mutable_schedule());
    std::vector<Problem> problems;
    resolve_into(spec, {}, problems);
    return problems.empty() ? std::string() : describe(problems, "", {});
  };
  EXPECT_EQ(error_of([](Schedule& s) { s.set_kind("steps"); }),
            "schedule: kind 'steps' takes one of at_epoch, at_step and at_fraction, found 0");
  EXPECT_EQ(
      error_of([](Schedule& s) { s.add_at_step(10); }),
      "schedule.kind: 'constant' has no boundaries; at_epoch, at_step and at_fraction go with "
      "'steps'");
  EXPECT_EQ(error_of([](Schedule& s) { s.add_factors(0.5); }),
            "schedule.factors: 1 factors for 0 boundaries");
  EXPECT_EQ(error_of([](Schedule& s) { s.mutable_warm_up()->set_until_training_error(80); }),
            "schedule.warm_up.learning_rate: is missing: a warm-up until a training error has no "
            "length to rise over");
  EXPECT_EQ(error_of([](Schedule& s) { s.mutable_warm_up()->set_learning_rate(0.01); }),
            "schedule.warm_up: never ends: set steps, epochs or until_training_error");
}

TEST(Resolve, TextOfSeveralLinesIsRefused) {
  ExperimentSpec spec = small();
  spec.set_name("two\nlines");
  EXPECT_THROW(resolve(spec), ConfigError);
}

}  // namespace
}  // namespace hadal::spec
