#include "experiments/spec/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/random.h"

namespace hadal::spec {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kGood = R"(
# ResNet-20
name: "ResNet-20"
model { name: "resnet" set: "depth=20" }
data { name: "cifar10" preprocess: ["subtract_pixel_mean"] }
augmentation { pad: 4 mirror: true }
optimizer { learning_rate: 0.1 momentum: 0.9 weight_decay: 1e-4 }
schedule { kind: "steps" at_epoch: [82, 123] }
epochs: 164
)";

std::string with(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

std::string error_of(const std::string& text, const std::vector<std::string>& overrides = {},
                     const Complete& complete = {}) {
  try {
    experiment_from_text(text, "a.textproto", overrides, complete);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Load, AGoodFileIsFilledWithDefaults) {
  const ExperimentSpec spec = experiment_from_text(kGood, "a.textproto");
  EXPECT_EQ(spec.model().name(), "resnet");
  EXPECT_EQ(spec.global_batch(), 128);
  EXPECT_EQ(spec.optimizer().name(), "sgd");
  EXPECT_EQ(spec.schedule().factor(), 0.1);
  EXPECT_TRUE(spec.checks().not_finite());
  EXPECT_EQ(spec.batch_norm().momentum(), 0.1);
}

TEST(Load, AnUnknownFieldNamesLineColumnAndTheNearestField) {
  EXPECT_THAT(error_of(with(kGood, "optimizer", "optimiser")),
              StartsWith("a.textproto:7:1: unknown field 'optimiser'; did you mean 'optimizer'? "
                         "known fields: name, note, model, "));
  EXPECT_THAT(error_of(with(kGood, "momentum", "momentun")),
              StartsWith("a.textproto:7:32: unknown field 'momentun'; did you mean 'momentum'?"));
}

TEST(Load, TabsCountAsOneColumn) {
  EXPECT_THAT(error_of("model {\n\t\tnam: \"resnet\"\n}"),
              StartsWith("a.textproto:2:3: unknown field 'nam'; did you mean 'name'?"));
}

TEST(Load, EveryUnknownFieldIsReported) {
  const std::string error =
      error_of(with(with(kGood, "momentum", "momentun"), "epochs: 164", "epochz: 164 hell: 1"));
  EXPECT_THAT(error, HasSubstr("'momentun'"));
  EXPECT_THAT(error,
              HasSubstr("\na.textproto:9:1: unknown field 'epochz'; did you mean 'epochs'?"));
  EXPECT_THAT(error, HasSubstr("'hell'"));
}

TEST(Load, AnUnknownEnumeratorSaysWhatIsKnown) {
  EXPECT_THAT(error_of(with(kGood, "pad: 4", "fill: reflekt")),
              HasSubstr("unknown value 'reflekt'; did you mean 'reflect'? known values: zero, "
                        "reflect, edge"));
  for (const char* number : {"77", "-1"})
    EXPECT_THAT(error_of(with(kGood, "pad: 4", std::string("fill: ") + number)),
                HasSubstr("known values: zero, reflect, edge"))
        << number;
}

TEST(Load, AValueOfAnotherTypeIsAnErrorWithItsPlace) {
  EXPECT_THAT(error_of(with(kGood, "164", "\"164\"")),
              StartsWith("a.textproto:9:9: expected integer"));
  EXPECT_THAT(error_of(with(kGood, "0.1", "fast")),
              StartsWith("a.textproto:7:28: expected double"));
  EXPECT_THAT(error_of(with(kGood, "\"resnet\"", "resnet")), HasSubstr("expected string"));
  EXPECT_THAT(error_of(with(kGood, "164", "99999999999999999999")), HasSubstr("a.textproto:9:9"));
  EXPECT_THAT(error_of(with(kGood, "164", "164 epochs: 3")), HasSubstr("multiple times"));
}

TEST(Load, ValuesOutOfBoundsNameTheFieldAndItsPlace) {
  EXPECT_EQ(error_of(with(kGood, "0.1", "0")),
            "a.textproto:7:13: optimizer.learning_rate: 0 is not above 0");
  EXPECT_THAT(error_of(with(kGood, "0.1", "nan")), HasSubstr("not a finite number"));
  EXPECT_THAT(error_of(with(kGood, "0.1", "1e999")), HasSubstr("not a finite number"));
  EXPECT_EQ(error_of(with(kGood, "momentum: 0.9", "momentum: 1")),
            "a.textproto:7:32: optimizer.momentum: 1 is not below 1");
  EXPECT_EQ(error_of(with(kGood, "epochs: 164", "epochs: 0")),
            "a.textproto:9:1: epochs: set epochs or steps to more than 0, and only one of them "
            "(found epochs 0, steps 0)");
  EXPECT_EQ(error_of(with(kGood, "[82, 123]", "[123, 82]")),
            "a.textproto:8:26: schedule.at_epoch: boundaries do not ascend");
}

TEST(Load, WhatIsMissingIsSaid) {
  EXPECT_EQ(error_of(with(kGood, "learning_rate: 0.1", "")),
            "a.textproto: optimizer.learning_rate: is missing");
  EXPECT_THAT(error_of(""), HasSubstr("a.textproto: model.name: is missing"));
}

TEST(Load, ABatchThatTheShardsDoNotDivideIsRefused) {
  EXPECT_EQ(error_of(with(kGood, "epochs: 164", "epochs: 1 global_batch: 100 logical_shards: 8")),
            "a.textproto:9:11: global_batch: 100 is not divisible by logical_shards 8");
}

TEST(Load, OverridesReplaceWhatTheFileSays) {
  const ExperimentSpec spec = experiment_from_text(
      kGood, "a.textproto", {"model.depth=32", "optimizer.learning_rate=0.05", "epochs=3"});
  EXPECT_EQ(spec.model().set(0), "depth=32");
  EXPECT_EQ(spec.optimizer().learning_rate(), 0.05);
  EXPECT_EQ(spec.epochs(), 3);
}

TEST(Load, AWrongOverrideNamesItself) {
  EXPECT_THAT(error_of(kGood, {"epoch=3"}),
              StartsWith("--set epoch=3: epoch: unknown field 'epoch'; did you mean 'epochs'?"));
  EXPECT_EQ(error_of(kGood, {"global_batch=0"}), "a.textproto: global_batch: 0 is not at least 1");
}

TEST(Load, TheCheckerOfModelsIsHeardWithTheFieldsPlace) {
  const Complete complete = [](ExperimentSpec& spec, std::vector<Problem>& problems) {
    if (spec.model().name() != "lenet5")
      problems.push_back({"model.name", "unknown model '" + spec.model().name() + "'"});
  };
  EXPECT_EQ(error_of(kGood, {}, complete), "a.textproto:4:9: model.name: unknown model 'resnet'");
}

TEST(Load, OptionsAreNamesWithValuesGivenOnce) {
  EXPECT_EQ(error_of(with(kGood, "depth=20", "depth")),
            "a.textproto:4:24: model.set: 'depth' is not name=value");
  EXPECT_THAT(error_of(with(kGood, "set: \"depth=20\"", "set: [\"depth=20\", \"depth=32\"]")),
              HasSubstr("option 'depth' is given twice"));
  EXPECT_THAT(error_of(with(kGood, "depth=20", "name=vgg")),
              HasSubstr("is a field, not an option"));
}

TEST(Load, DeepNestingIsRefusedBeforeTheParserSeesIt) {
  for (const std::string open : {"model {", "model <", "[", "zzz { "}) {
    std::string text;
    for (int i = 0; i < 100000; ++i) text += open;
    text.resize(std::min(text.size(), kMaxSpecBytes));
    EXPECT_EQ(error_of(text), "a.textproto:1: nested more than 16 levels deep");
  }
}

TEST(Load, BracketsInStringsAndCommentsAreNotNesting) {
  const std::string brackets(1000, '{');
  EXPECT_EQ(error_of(std::string(kGood) + "# " + brackets + "\nnote: '" + brackets + "'"),
            "no error");
}

TEST(Load, FilesThatAreTooLargeOrNotTextAreRefused) {
  EXPECT_THAT(error_of(std::string(kMaxSpecBytes + 1, ' ')), HasSubstr("a spec has at most"));
  EXPECT_THAT(error_of(std::string("a\0b", 3)), HasSubstr("not a text file"));
  TemporaryFolder folder;
  EXPECT_THROW(load_experiment(folder.path()), ConfigError);
  EXPECT_THROW(load_experiment(folder.path() / "none.textproto"), IoError);
  write_file_atomically(folder.path() / "huge.textproto", std::string(kMaxSpecBytes + 1, '#'));
  EXPECT_THROW(load_experiment(folder.path() / "huge.textproto"), DataError);
}

TEST(Load, AFileOfTheLargestSizeIsReadInTime) {
  std::string text = "data { preprocess: [";
  while (text.size() < kMaxSpecBytes - 100) text += "'',\t";
  EXPECT_THAT(error_of(text + "''] } x: 1"), HasSubstr("unknown field 'x'"));
  std::string unknown;
  while (unknown.size() < kMaxSpecBytes - 100) unknown += "x:1 ";
  EXPECT_THAT(error_of(unknown), HasSubstr(" more"));
}

TEST(Load, AnErrorIsOneLineHoweverHostileTheFile) {
  const std::string error = error_of("x\x01: 1");
  EXPECT_EQ(error.find('\x01'), std::string::npos);
  EXPECT_LT(error_of(std::string(100000, 'a') + ": 1").size(), 1000u);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "x" + std::to_string(i) + ": 1\n";
  EXPECT_THAT(error_of(many), HasSubstr("... and 980 more"));
}

// Flips, drops, doubles and moves bytes of a good file. Nothing but ConfigError may come out, and
// what loads must write and load again as the same.
TEST(Load, MutatedFilesAreRefusedOrRoundTrip) {
  const std::uint64_t seed = 20160330;
  int loaded = 0;
  for (std::uint64_t round = 0; round < 4000; ++round) {
    const random::Stream draw{seed, random::Purpose::kTest, round};
    std::string text = kGood;
    const std::uint32_t edits = 1 + random::below(draw, 4, 0);
    for (std::uint32_t e = 0; e < edits; ++e) {
      const auto below = [&](std::size_t n, std::uint64_t k) {
        return random::below(draw, static_cast<std::uint32_t>(n), 1 + e * 8 + k);
      };
      if (text.empty()) break;
      const std::size_t at = below(text.size(), 0), length = 1 + below(12, 1);
      switch (below(5, 2)) {
        case 0:
          text[at] = static_cast<char>(below(256, 3));
          break;
        case 1:
          text.erase(at, length);
          break;
        case 2:
          text.insert(at, text.substr(below(text.size(), 3), length));
          break;
        case 3:
          text[at] = "{}<>[]:;,\"'#\\-.0e"[below(17, 3)];
          break;
        default:
          text.resize(at);
      }
    }
    try {
      const ExperimentSpec spec = experiment_from_text(text, "m.textproto");
      ++loaded;
      const ExperimentSpec again = experiment_from_text(canonical_text(spec), "again.textproto");
      EXPECT_EQ(spec_hash(again), spec_hash(spec)) << "seed " << seed << " round " << round;
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), StartsWith("m.textproto")) << "seed " << seed << " round " << round;
    }
  }
  EXPECT_GT(loaded, 100);  // comments and names leave room for changes that do no harm
}

TEST(LoadExperiment, SaysSoWhenTheFileIsASweep) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "sweep.textproto";
  write_file_atomically(path, "name: \"s\"\naxis { key: \"model.depth\" value: \"20\" }\n");
  try {
    load_experiment(path);
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(),
                testing::HasSubstr("is a sweep, not an experiment; run it with: hadal sweep run"));
  }
}

}  // namespace
}  // namespace hadal::spec
