#include "launcher/run_store.h"

#include <cmath>
#include <fstream>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "launcher/environment.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kHash = "0123456789abcdef";

class RunStore : public testing::Test {
 protected:
  void SetUp() override { prepare_run_folder(folder, "model { }\n", kHash, {{"host", "h"}}); }
  RunRecord read() { return read_run(folder).value(); }
  void append_raw(const std::string& text) {
    std::ofstream(folder / "metrics.jsonl", std::ios::app) << text;
  }

  TemporaryFolder root;
  const fs::path folder = root.path() / (std::string("resnet-s1-") + kHash);
};

TEST_F(RunStore, GivesBackWhatWasWritten) {
  MetricsWriter metrics(folder);
  metrics.epoch({.epoch = 1,
                 .step = 20,
                 .learning_rate = 0.1,
                 .train_loss = 2.5,
                 .train_error = 85.25,
                 .validation_loss = 2.0,
                 .validation_error = 81.5,
                 .images_per_second = 412,
                 .seconds = 3,
                 .bytes_sent = 7});
  metrics.event({.what = "drained", .step = 20, .detail = "signal 10", .time = 5});
  write_progress(folder, {.epoch = 1,
                          .epochs = 2,
                          .step = 21,
                          .steps = 40,
                          .loss = 2.5,
                          .images_per_second = 412,
                          .seconds_left = 3});
  RunResult result;
  result.status = RunStatus::kDrained;
  result.exit_code = 75;
  result.reason = "signal 10";
  result.spec_hash = kHash;
  result.name = "resnet";
  result.ranks = 2;
  result.last = {.epoch = 1,
                 .train_loss = 2.5,
                 .train_error = 85.25,
                 .validation_error = 81.5,
                 .test_error = {}};
  result.best_validation = {.epoch = 1, .validation_error = 81.5, .test_error = 80.0};
  result.weights_hash = "ff";
  result.parameters = 268336;
  result.deepest_column_test_error = 12.5;
  result.macs = 1'000'000'000'000'001;
  result.rewinds = {{.step = 26, .to = 20, .rate_factor = 0.5, .reason = "loss is NaN"}};
  write_result(folder, result);

  const RunRecord record = read();
  EXPECT_EQ(record.name, "resnet");
  EXPECT_EQ(record.spec_hash, kHash);
  EXPECT_EQ(record.spec_text, "model { }\n");
  EXPECT_EQ(record.environment.at("host"), "h");
  ASSERT_EQ(record.epochs.size(), 1u);
  EXPECT_EQ(record.epochs[0].validation_error, 81.5);
  EXPECT_EQ(record.epochs[0].test_error, std::nullopt);
  EXPECT_EQ(record.epochs[0].bytes_sent, 7);
  ASSERT_EQ(record.events.size(), 1u);
  EXPECT_EQ(record.events[0].detail, "signal 10");
  EXPECT_EQ(record.progress.value().step, 21);
  EXPECT_FALSE(record.finished());
  EXPECT_EQ(record.result->status, RunStatus::kDrained);
  EXPECT_EQ(record.result->last->validation_error, 81.5);
  EXPECT_EQ(record.result->last->test_error, std::nullopt);
  EXPECT_EQ(record.result->best_validation->test_error, 80.0);
  EXPECT_EQ(record.result->parameters, 268336);
  EXPECT_EQ(record.result->deepest_column_test_error, 12.5);
  EXPECT_EQ(record.result->macs, 1'000'000'000'000'001);
  ASSERT_EQ(record.result->rewinds.size(), 1u);
  EXPECT_EQ(record.result->rewinds[0].to, 20);
  EXPECT_EQ(record.result->rewinds[0].rate_factor, 0.5);
  EXPECT_EQ(record.result->rewinds[0].reason, "loss is NaN");
}

TEST_F(RunStore, AFolderWithoutASpecIsNoRunAndOneWithoutAResultIsUnfinished) {
  EXPECT_EQ(read_run(root.path()), std::nullopt);
  EXPECT_FALSE(read().finished());
  EXPECT_EQ(read().result, std::nullopt);
  EXPECT_EQ(read().name, "resnet-s1");
}

TEST_F(RunStore, ATornLastLineIsLeftOutAndCutOffBeforeTheNext) {
  MetricsWriter(folder).epoch({.epoch = 1, .step = 20});
  append_raw(R"({"kind":"epoch","epo)");
  EXPECT_EQ(read().epochs.size(), 1u);
  MetricsWriter(folder).epoch({.epoch = 2, .step = 40});
  ASSERT_EQ(read().epochs.size(), 2u);
  EXPECT_EQ(read().epochs[1].epoch, 2);
}

TEST_F(RunStore, ADamagedLineInTheMiddleIsNamed) {
  append_raw("{\"kind\":\"epo\n");
  MetricsWriter(folder).epoch({.epoch = 1, .step = 20});
  try {
    read();
    FAIL() << "read a damaged file";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("metrics.jsonl:1: damaged"));
  }
}

TEST_F(RunStore, EpochsThatAResumedRunRepeatsCountOnce) {
  MetricsWriter metrics(folder);
  for (int epoch = 1; epoch <= 5; ++epoch)
    metrics.epoch({.epoch = epoch, .step = 10 * epoch, .train_loss = 1.0});
  metrics.event({.what = "resumed", .step = 30});
  metrics.epoch({.epoch = 4, .step = 40, .train_loss = 2.0});
  const RunRecord record = read();
  ASSERT_EQ(record.epochs.size(), 4u);
  EXPECT_EQ(record.epochs[3].train_loss, 2.0);
}

TEST_F(RunStore, TimesComeBackByHostAndPhaseAndTheLastOfAStepStand) {
  MetricsWriter metrics(folder);
  for (const double median : {0.1, 0.2})
    metrics.times({.step = 50, .steps = 50, .hosts = {{"n1", {{"data", {0.01, median, 0.5}}}}}});
  metrics.times({.step = 100, .steps = 50, .hosts = {{"n1", {{"data", {0.01, 0.3, 0.5}}}}}});
  const RunRecord record = read();
  ASSERT_EQ(record.times.size(), 2u);
  EXPECT_EQ(record.times[0].step, 50);
  EXPECT_EQ(record.times[0].hosts.at("n1").at("data").median, 0.2);
  EXPECT_EQ(record.times[1].hosts.at("n1").at("data").max, 0.5);
}

TEST_F(RunStore, WhatIsNotFiniteComesBackAsNaN) {
  MetricsWriter(folder).epoch(
      {.epoch = 1, .train_loss = std::numeric_limits<double>::infinity(), .validation_loss = NAN});
  EXPECT_TRUE(std::isnan(read().epochs[0].train_loss));
  EXPECT_TRUE(std::isnan(read().epochs[0].validation_loss.value()));
}

TEST_F(RunStore, ADamagedResultIsNamedAndADamagedProgressIgnored) {
  std::ofstream(folder / "progress.json") << "{\"step\": ";
  EXPECT_EQ(read().progress, std::nullopt);
  for (const char* text : {"{\"status\": \"fini", "{}", "{\"status\":\"odd\"}", "[1]", ""}) {
    std::ofstream(folder / "result.json", std::ios::trunc) << text;
    EXPECT_THROW(read(), DataError) << text;
  }
}

TEST_F(RunStore, AFolderKeepsItsSpec) {
  EXPECT_NO_THROW(prepare_run_folder(folder, "model { } # same", kHash, {}));
  EXPECT_THROW(prepare_run_folder(folder, "other", "fedcba9876543210", {}), ConfigError);
}

TEST(RunFolderName, RefusesWhatIsNoPlainName) {
  EXPECT_EQ(run_folder_name("resnet20.c10_C10+", kHash), "resnet20.c10_C10+-0123456789abcdef");
  for (const std::string name : {"", "..", ".x", "-rf", "a/b", "a b", "a\n", "ü", "$(id)"})
    EXPECT_THROW(run_folder_name(name, kHash), ConfigError) << name;
  EXPECT_THROW(run_folder_name(std::string(201, 'a'), kHash), ConfigError);
  EXPECT_THROW(run_folder_name("a", "../../etc"), ConfigError);
}

TEST(Environment, HoldsNoVariablesThatMayBeSecret) {
  ::setenv("HADAL_TEST_TOKEN", "s3cret", 1);
  ::setenv("HADAL_DATA", "/data", 1);
  const auto environment = describe_environment({"hadal", "train"}, 2);
  EXPECT_THAT(environment, Each(testing::Pair(testing::_, Not(HasSubstr("s3cret")))));
  EXPECT_EQ(environment.at("HADAL_DATA"), "/data");
  EXPECT_EQ(environment.at("command"), "hadal train");
  EXPECT_FALSE(environment.at("host").empty());
}

TEST_F(RunStore, GatesOfARepeatedEpochCountOnce) {
  TemporaryFolder folder;
  prepare_run_folder(folder.path(), "spec", "0123456789abcdef", {});
  MetricsWriter metrics(folder.path());
  metrics.gates({"block1.gate"}, {0.5});
  metrics.open_gates({.epoch = 1, .steps = 10, .open = {6}});
  metrics.open_gates({.epoch = 2, .steps = 10, .open = {5}});
  metrics.gates({"block1.gate"}, {0.5});  // resumed
  metrics.open_gates({.epoch = 2, .steps = 10, .open = {4}});
  const GateRecord gates = read_run(folder.path())->gates.value();
  EXPECT_THAT(gates.names, testing::ElementsAre("block1.gate"));
  ASSERT_EQ(gates.epochs.size(), 2u);
  EXPECT_THAT(gates.epochs[1].open, testing::ElementsAre(4));
}

}  // namespace
}  // namespace hadal::launcher
