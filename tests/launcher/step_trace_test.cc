#include "launcher/step_trace.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class StepTrace : public testing::Test {
 protected:
  /// Steps first..last of a net of two tensors, whose second has other bits from `odd` on.
  static void write(const fs::path& folder, long long first, long long last, long long odd) {
    fs::create_directories(folder);
    TraceWriter writer(folder);
    writer.begin({"conv1.weight", "fc.bias"});
    for (long long step = first; step <= last; ++step) {
      const auto bits = static_cast<std::uint64_t>(step);
      const std::uint64_t hashes[] = {bits, step < odd ? bits : ~bits};
      writer.add(step, step < odd ? 1.0 : 1.5, hashes);
    }
  }

  TemporaryFolder root;
  const fs::path a = root.path() / "a", b = root.path() / "b";
};

TEST_F(StepTrace, ARunAndItsRepetitionAgreeAtEveryStep) {
  write(a, 1, 250, 1000);
  write(b, 1, 250, 1000);
  const Parting parting = compare(read_trace(a), read_trace(b));
  EXPECT_FALSE(parting.step.has_value());
  EXPECT_EQ(parting.steps_compared, 250);
  EXPECT_EQ(parting.same_until, 250);
}

TEST_F(StepTrace, TheFirstStepWithOtherBitsIsFoundAndTheTensorNamed) {
  write(a, 1, 250, 1000);
  write(b, 1, 220, 137);
  const Parting parting = compare(read_trace(a), read_trace(b));
  EXPECT_EQ(parting.same_until, 136);
  EXPECT_EQ(parting.step, 137);
  EXPECT_EQ(parting.loss_a, 1.0);
  EXPECT_EQ(parting.loss_b, 1.5);
  EXPECT_EQ(parting.tensors_at, 200);
  EXPECT_THAT(parting.tensors, ElementsAre("fc.bias"));
}

TEST_F(StepTrace, TheShardWhoseOwnLossDiffersFirstIsTold) {
  const std::uint64_t same[] = {1}, other[] = {2};
  for (const fs::path& folder : {a, b}) {
    fs::create_directories(folder);
    TraceWriter writer(folder);
    writer.begin({"w"});
    const double usual[] = {0.5, 0.25, 0.125, 1}, odd[] = {0.5, 0.25, 0.126, 1};
    writer.add(1, 1, same, usual);
    writer.add(2, 1, folder == a ? same : other, folder == a ? std::span(usual) : std::span(odd));
    writer.add(3, 1, folder == a ? same : other, {});
  }
  const Parting parting = compare(read_trace(a), read_trace(b));
  EXPECT_EQ(parting.step, 2);
  EXPECT_EQ(parting.logical_shards, 4);
  EXPECT_THAT(parting.shards.value(), ElementsAre(2));
}

TEST_F(StepTrace, TracesThatTellOfNoShardsAreComparedAllTheSame) {
  write(a, 1, 5, 1000);
  write(b, 1, 5, 3);
  EXPECT_FALSE(compare(read_trace(a), read_trace(b)).shards.has_value());
}

TEST_F(StepTrace, StepsThatAResumedRunRepeatsCountOnce) {
  write(a, 1, 250, 1000);
  write(b, 1, 180, 1000);
  write(b, 101, 250, 1000);
  const Trace resumed = read_trace(b);
  EXPECT_EQ(resumed.steps.size(), 250u);
  EXPECT_FALSE(resumed.repeated_otherwise.has_value());
  EXPECT_FALSE(compare(read_trace(a), resumed).step.has_value());
}

TEST_F(StepTrace, ARepeatedStepThatComesOutOtherwiseIsTold) {
  write(a, 1, 180, 1000);
  write(a, 101, 250, 150);
  EXPECT_EQ(read_trace(a).repeated_otherwise, 150);
}

TEST_F(StepTrace, WhatIsTrainedAnewAfterGoingBackMayDiffer) {
  fs::create_directories(a);
  TraceWriter writer(a);
  const std::uint64_t before[] = {1}, after[] = {2};
  writer.begin({"w"});
  for (long long step = 1; step <= 30; ++step) writer.add(step, 1, before);
  for (long long step = 21; step <= 25; ++step) writer.add(step, 1, after, {}, 1);
  writer.begin({"w"});  // killed, and resumed from before it went back
  for (long long step = 11; step <= 30; ++step) writer.add(step, 1, before);
  for (long long step = 21; step <= 40; ++step) writer.add(step, 1, after, {}, 1);
  const Trace trace = read_trace(a);
  EXPECT_EQ(trace.steps.size(), 40u);
  EXPECT_FALSE(trace.repeated_otherwise.has_value());
}

TEST_F(StepTrace, ATornLastLineIsCutBeforeAnotherAttemptWrites) {
  write(a, 1, 10, 1000);
  std::ofstream(a / "trace.jsonl", std::ios::app) << "{\"step\":11,\"lo";
  EXPECT_EQ(read_trace(a).steps.size(), 10u);
  write(a, 8, 20, 1000);
  EXPECT_EQ(read_trace(a).steps.size(), 20u);
}

TEST_F(StepTrace, DamageInTheMiddleIsNamed) {
  fs::create_directories(a);
  std::ofstream(a / "trace.jsonl") << "{\"tensors\":[]}\n{\"step\":1}\n";
  try {
    read_trace(a);
    FAIL() << "read a damaged trace";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("trace.jsonl:2: damaged"));
  }
}

TEST_F(StepTrace, ARunWithoutATraceHasNoSteps) {
  EXPECT_TRUE(read_trace(a).steps.empty());
  EXPECT_EQ(compare(read_trace(a), read_trace(b)).steps_compared, 0);
}

}  // namespace
}  // namespace hadal::launcher
