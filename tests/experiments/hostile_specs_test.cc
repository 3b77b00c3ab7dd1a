// Specs and sweeps by somebody who means harm: every text in every place, and files of every shape.
// Each is refused by a line that a person can read, or it is inert: it becomes runs whose names are
// plain, whose specs read back as they were, and nothing on the disk is touched.
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/plain_text.h"
#include "core/base/strings.h"
#include "experiments/build.h"
#include "experiments/spec/load.h"
#include "experiments/spec/sweep.h"
#include "experiments/translate.h"

namespace hadal::experiments {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// What the texts below would make if anything ran them.
constexpr const char* kCanary = "canary";

const std::vector<std::string>& hostile_texts() {
  static const std::vector<std::string> texts = {
      "$(touch canary)",
      "`touch canary`",
      "; touch canary;",
      "| touch canary",
      "&& touch canary &&",
      "x\ntouch canary\n",
      "x\rtouch canary",
      "' ; touch canary ; '",
      "\" ; touch canary ; \"",
      "${IFS}touch${IFS}canary",
      "--output=canary",
      "-oProxyCommand=touch canary",
      "../../canary",
      "../canary",
      "/tmp/../etc/passwd",
      "~root/.ssh",
      ".",
      "..",
      "%s%n%n%n",
      "{0:>1000000000}",
      std::string("a\0b", 3),
      "\xff\xfe",
      "\xc0\xae\xc0\xae/",
      "\xe2\x80\xae"
      "sgd",
      "res\xe2\x80\x8bnet",
      "r\xd0\xb5snet",
      "\xef\xbc\x8e\xef\xbc\x8e/",
      "\x1b[2J\x1b]0;canary\x07",
      "\xc2\x9b"
      "2J",
      "=cmd|'/c touch canary'!A1",
      "<script>fetch('//canary')</script>",
      "\\input{/etc/passwd}\\write18{touch canary}",
      "CON",
      " ",
      "name=name=name",
      std::string(65536, 'A'),
      std::string(65536, '/'),
  };
  return texts;
}

/// As a protobuf text string that says exactly these bytes.
std::string quoted(const std::string& bytes) {
  std::string text = "\"";
  for (const char c : bytes) text += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
  return text + "\"";
}

/// A piece of kExperiment below, and what stands there instead, with text in the place of @.
struct Place {
  const char *piece, *instead;
};

constexpr Place kExperimentPlaces[] = {
    {"steps: 1", "steps: 1 name: @"},
    {"steps: 1", "steps: 1 note: @"},
    {"name: \"resnet\"", "name: @"},
    {"set: \"depth=8\"", "set: @"},
    {"set: \"depth=8\"", "set: \"depth=8\" set: @"},
    {"name: \"generator\"", "name: @"},
    {"set: \"side=16\"", "set: @"},
    {"set: \"side=16\"", "set: \"side=16\" folder: @"},
    {"set: \"side=16\"", "set: \"side=16\" preprocess: @"},
    {"learning_rate: 0.1", "learning_rate: 0.1 name: @"},
    {"steps: 1", "steps: 1 schedule { kind: @ }"},
    {"steps: 1", "steps: 1 initializer { kind: @ }"},
};

constexpr const char* kSweepPlaces[] = {
    "name: {}",
    "title: {}",
    "note: {}",
    "base: {}",
    "set: {}",
    "row {{ name: {} }}",
    "row {{ name: \"r\" column: {} }}",
    "row {{ name: \"r\" base: {} }}",
    "row {{ name: \"r\" set: {} }}",
    "axis {{ key: {} value: \"8\" }}",
    "axis {{ key: \"model.depth\" value: {} }}",
    "axis {{ key: \"a\" point {{ name: {} }} }}",
    "axis {{ key: \"a\" point {{ name: \"p\" set: {} }} }}",
    "skip {{ when: {} }}",
    "expect {{ row: {} value: 1 }}",
    "expect {{ value: 1 paper: {} }}",
    "expect {{ value: 1 metric: {} }}",
    "experiment {{ name: {} }}",
    "experiment {{ model {{ set: {} }} }}",
};

constexpr const char* kExperiment = R"(
  model { name: "resnet" set: "depth=8" }
  data { name: "generator" set: "train=20" set: "test=10" set: "side=16" }
  optimizer { learning_rate: 0.1 }
  steps: 1 global_batch: 4
)";

std::string with(const std::string& piece, const std::string& instead) {
  std::string text = kExperiment;
  return text.replace(text.find(piece), piece.size(), instead);
}

class HostileSpecs : public testing::Test {
 protected:
  HostileSpecs() : before_(fs::current_path()) {
    fs::current_path(folder_.path());
    write_file_atomically("base.textproto", kExperiment);
  }
  ~HostileSpecs() override { fs::current_path(before_); }

  /// Refused by lines that show as they are, or read into something that writes out as the same.
  bool is_refused_or_inert(const std::string& experiment) {
    try {
      const spec::ExperimentSpec spec =
          spec::experiment_from_text(experiment, "hostile.textproto", {}, complete);
      const spec::ExperimentSpec again =
          spec::experiment_from_text(spec::canonical_text(spec), "again", {}, complete);
      EXPECT_EQ(spec::canonical_text(again), spec::canonical_text(spec));
      EXPECT_EQ(trouble_in_line(spec.name() + spec.note()), "");
      return false;
    } catch (const Error& error) {
      expect_readable(error);
      return true;
    }
  }

  bool is_refused_or_plain(const std::string& sweep_text) {
    try {
      const spec::SweepPlan plan =
          spec::expand(spec::sweep_from_text(sweep_text, "hostile.textproto"), ".",
                       "hostile.textproto", complete);
      for (const spec::SweepRun& run : plan.runs) {
        EXPECT_EQ(run.name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789._+-"),
                  std::string::npos)
            << run.name;
        EXPECT_FALSE(run.name.starts_with('.') || run.name.starts_with('-')) << run.name;
        EXPECT_LE(run.name.size(), 200u);
        EXPECT_EQ(fs::path(run.name).filename(), fs::path(run.name));
      }
      return false;
    } catch (const Error& error) {
      expect_readable(error);
      return true;
    }
  }

  static void expect_readable(const Error& error) {
    EXPECT_NE(error.exit_code(), ExitCode::kInternal);
    for (const std::string& line : split(error.what(), '\n')) {
      EXPECT_EQ(trouble_in_line(line), "") << line;
      EXPECT_LT(line.size(), 2000u) << line.substr(0, 100);
    }
  }

  void expect_untouched() {
    for (const auto& entry : fs::directory_iterator(folder_.path()))
      EXPECT_EQ(entry.path().filename(), "base.textproto");
    EXPECT_FALSE(fs::exists(folder_.path().parent_path() / kCanary));
  }

  TemporaryFolder folder_;
  fs::path before_;
};

std::string error_of(const std::string& text) {
  try {
    spec::experiment_from_text(text, "a.textproto", {}, complete);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST_F(HostileSpecs, EveryTextInEveryPlaceOfAnExperiment) {
  int refused = 0, inert = 0;
  for (const Place& place : kExperimentPlaces)
    for (const std::string& text : hostile_texts()) {
      SCOPED_TRACE(fmt::format("{} with {}", place.instead, quoted(text).substr(0, 200)));
      std::string instead = place.instead;
      instead.replace(instead.find('@'), 1, quoted(text));
      ++(is_refused_or_inert(with(place.piece, instead)) ? refused : inert);
    }
  EXPECT_GT(refused, 250);
  EXPECT_GT(inert, 20);  // most of it is harmless as a note
  expect_untouched();
}

TEST_F(HostileSpecs, EveryTextInEveryPlaceOfASweep) {
  int refused = 0, inert = 0;
  for (const std::string place : kSweepPlaces)
    for (const std::string& text : hostile_texts()) {
      SCOPED_TRACE(fmt::format("{} with {}", place, quoted(text).substr(0, 200)));
      std::string sweep = place.starts_with("name:") ? "" : "name: \"s\" ";
      if (place.starts_with("experiment"))
        sweep += "";
      else if (!place.starts_with("base:"))
        sweep += "base: \"base.textproto\" ";
      ++(is_refused_or_plain(sweep + fmt::format(fmt::runtime(place), quoted(text))) ? refused
                                                                                     : inert);
    }
  EXPECT_GT(refused, 400);
  EXPECT_GT(inert, 50);
  expect_untouched();
}

TEST_F(HostileSpecs, NumbersThatAreNoneAndEnumeratorsNobodyKnowsAreRefused) {
  const auto error_with = [](const std::string& more) {
    return error_of(with("steps: 1", "steps: 1 " + more));
  };
  EXPECT_EQ(error_with("logical_shards: 2"), "no error");
  for (const char* more :
       {"epochs: -1", "logical_shards: 99999999999999999999", "logical_shards: 0x7fffffffffffffff",
        "batch_norm { momentum: 1e400 }", "batch_norm { momentum: nan }",
        "batch_norm { momentum: inf }", "batch_norm { momentum: -0.1 }",
        "evaluation { batch: -2147483649 }", "checkpoint { keep: 2147483647 }", "seed: -1",
        "seed: 18446744073709551616", "precision: 7", "precision: -1", "augmentation { fill: 99 }",
        "augmentation { pad: 2147483647 }", "augmentation { mirror: 2 }"})
    EXPECT_THAT(error_with(more), testing::StartsWith("a.textproto")) << more;
  EXPECT_THAT(error_with("augmentation { fill: 99 }"), HasSubstr("unknown value '99'"));
  EXPECT_THAT(error_with("precision: 7"), HasSubstr("known values: float32"));
  EXPECT_THAT(error_of(with("learning_rate: 0.1", "learning_rate: 0.1 decay_on: 2147483647")),
              HasSubstr("unknown value '2147483647'"));
  EXPECT_THAT(error_of(with("set: \"side=16\"", "set: \"side=16\" validation_images: 2000000000")),
              HasSubstr("is not at most"));
}

TEST_F(HostileSpecs, WhatOnlyLooksLikeAFieldIsRefused) {
  for (const char* more :
       {"[hadal.spec.default_text]: \"x\"", "[type.googleapis.com/hadal.spec.Model] { }",
        "model: { name: \"x\"", "model < name: \"x\" >>", "20: 5", "steps: 1 steps: 2",
        "m\xd0\xbe"
        "del { }",
        "model\xc2\xa0{ }", "name: 'a' 'b' \"c\" }", "# \xff\n}", "\"\"", "note: \"unfinished",
        "note: \"\\x\"", "note: \"\\777\"", "note: \"\\ud800\""})
    EXPECT_NE(error_of(std::string(kExperiment) + more), "no error") << more;
}

TEST_F(HostileSpecs, NetsNoMachineHoldsAreRefusedAtOnce) {
  for (const std::string depth : {"600002", "2147483642"}) {
    const auto spec = spec::experiment_from_text(kExperiment, "a", {"model.depth=" + depth});
    EXPECT_THROW(build_model(spec, input_of(spec)), ConfigError) << depth;
  }
}

TEST_F(HostileSpecs, AFileMustBeAFileOfASpecsSize) {
  const auto load = [](const fs::path& path) {
    try {
      spec::load_experiment(path, {}, complete);
    } catch (const Error& error) {
      expect_readable(error);
      return std::string(error.what());
    }
    return std::string("no error");
  };
  std::ofstream("huge") << kExperiment << "note: \"" << std::string(10'000'000, 'x') << "\"";
  EXPECT_THAT(load("huge"), HasSubstr("larger than"));
  ASSERT_EQ(::mkfifo("pipe", 0600), 0);
  EXPECT_THAT(load("pipe"), HasSubstr("is no file"));
  EXPECT_THAT(load("/dev/zero"), HasSubstr("is no file"));
  EXPECT_THAT(load("."), HasSubstr("is a folder"));
  fs::create_symlink("nowhere", "dangling");
  EXPECT_THAT(load("dangling"), HasSubstr("No such file"));
  fs::create_symlink("circle", "circle");
  EXPECT_NE(load("circle"), "no error");
  EXPECT_NE(load(std::string(1500, 'a')), "no error");
}

TEST_F(HostileSpecs, SweepsWithoutEndAreRefused) {
  std::string sweep = "name: \"s\" base: \"base.textproto\" ";
  for (int axis = 0; axis < 200; ++axis)
    sweep += fmt::format("axis {{ key: \"a{}\" point {{ name: \"1\" }} point {{ name: \"2\" }} }} ",
                         axis);
  EXPECT_TRUE(is_refused_or_plain(sweep));
  EXPECT_TRUE(is_refused_or_plain("name: \"s\" base: \"hostile.textproto\""));
  std::string seeds = "name: \"s\" base: \"base.textproto\" seed: [0";
  for (int seed = 1; seed < 20000; ++seed) seeds += fmt::format(",{}", seed);
  EXPECT_TRUE(is_refused_or_plain(seeds + "]"));
  EXPECT_TRUE(is_refused_or_plain("name: \"s\" base: \"base.textproto\" on_failure: 12"));
}

}  // namespace
}  // namespace hadal::experiments
