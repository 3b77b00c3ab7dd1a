#include "experiments/spec/fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"

#include "experiments/spec/experiment.pb.h"

namespace hadal::spec {
namespace {

using testing::HasSubstr;
using testing::Pair;

std::string error_of(ExperimentSpec& spec, std::string_view assignment) {
  try {
    set_field(spec, assignment);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Fields, APathReachesEveryKindOfField) {
  ExperimentSpec spec;
  set_field(spec, "optimizer.learning_rate=0.05");
  set_field(spec, "epochs = 164");
  set_field(spec, "augmentation.mirror=true");
  set_field(spec, "augmentation.fill=reflect");
  set_field(spec, "data.name=cifar10");
  set_field(spec, "schedule.warm_up.steps=400");
  EXPECT_EQ(spec.optimizer().learning_rate(), 0.05);
  EXPECT_EQ(spec.epochs(), 164);
  EXPECT_TRUE(spec.augmentation().mirror());
  EXPECT_EQ(spec.augmentation().fill(), Augmentation::reflect);
  EXPECT_EQ(spec.data().name(), "cifar10");
  EXPECT_EQ(spec.schedule().warm_up().steps(), 400);
}

TEST(Fields, AListIsReplacedByCommaSeparatedValues) {
  ExperimentSpec spec;
  set_field(spec, "schedule.at_epoch=82, 123.5");
  EXPECT_EQ(spec.schedule().at_epoch_size(), 2);
  EXPECT_EQ(spec.schedule().at_epoch(1), 123.5);
  EXPECT_EQ(get_field(spec, "schedule.at_epoch"), "82,123.5");
  set_field(spec, "schedule.at_epoch=");
  EXPECT_EQ(spec.schedule().at_epoch_size(), 0);
}

TEST(Fields, AnOptionIsReplacedWhereItStands) {
  ExperimentSpec spec;
  set_field(spec, "model.depth=20");
  set_field(spec, "model.widths=64,128");
  set_field(spec, "model.depth=32");
  ASSERT_EQ(spec.model().set_size(), 2);
  EXPECT_EQ(spec.model().set(0), "depth=32");
  EXPECT_EQ(get_field(spec, "model.widths"), "64,128");
  EXPECT_EQ(get_field(spec, "model.survival"), std::nullopt);
}

TEST(Fields, UnknownNamesSayWhatWasMeantAndWhatIsKnown) {
  ExperimentSpec spec;
  EXPECT_THAT(error_of(spec, "optimiser.learning_rate=1"),
              HasSubstr("unknown field 'optimiser'; did you mean 'optimizer'? known fields: name"));
  EXPECT_THAT(error_of(spec, "optimizer.learningrate=1"),
              HasSubstr("did you mean 'learning_rate'?"));
  EXPECT_THAT(error_of(spec, "augmentation.fill=zeros"),
              HasSubstr("unknown value 'zeros'; did you mean 'zero'? known values: zero, reflect, edge"));
}

TEST(Fields, ValuesOfAnotherKindAreRefused) {
  ExperimentSpec spec;
  EXPECT_THAT(error_of(spec, "epochs=many"), HasSubstr("'many' is not a whole number"));
  EXPECT_THAT(error_of(spec, "epochs=1.5"), HasSubstr("'1.5' is not a whole number"));
  EXPECT_THAT(error_of(spec, "global_batch=3000000000"), HasSubstr("out of range"));
  EXPECT_THAT(error_of(spec, "seed=-1"), HasSubstr("out of range"));
  EXPECT_THAT(error_of(spec, "optimizer.learning_rate=fast"), HasSubstr("'fast' is not a number"));
  EXPECT_THAT(error_of(spec, "augmentation.mirror=perhaps"), HasSubstr("neither true nor false"));
  EXPECT_THAT(error_of(spec, "optimizer=sgd"), HasSubstr("is a group of fields"));
  EXPECT_THAT(error_of(spec, "epochs.first=1"), HasSubstr("'epochs' has no fields in it"));
  EXPECT_THAT(error_of(spec, "epochs"), HasSubstr("not key=value"));
  EXPECT_THAT(error_of(spec, "=3"), HasSubstr("unknown field ''"));
}

TEST(Fields, FlattenGivesPathsInOrderAndOptionsOneByOne) {
  ExperimentSpec spec;
  spec.set_name("a \"name\"");
  spec.mutable_model()->set_name("resnet");
  spec.mutable_model()->add_set("depth=20");
  spec.mutable_schedule()->add_at_epoch(82);
  spec.mutable_schedule()->add_at_epoch(123);
  EXPECT_THAT(flatten(spec),
              testing::ElementsAre(Pair("model.depth", "20"), Pair("model.name", "\"resnet\""),
                                   Pair("name", "\"a \\\"name\\\"\""),
                                   Pair("schedule.at_epoch", "[82, 123]")));
  EXPECT_THAT(flatten(spec, false), testing::Not(testing::Contains(Pair("name", testing::_))));
}

}  // namespace
}  // namespace hadal::spec
