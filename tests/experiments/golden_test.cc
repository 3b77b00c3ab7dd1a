// The losses of ten steps of one small net of every family, against those written down in
// tests/golden. A change of any formula, initialiser, order of draws or augmentation shows here.
//
//   golden_test --update     writes tests/golden anew, from the cpu backend; look at the difference
//                            before it is committed, and say in the commit why losses changed
#include <cmath>
#include <iostream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "core/base/strings.h"
#include "core/cpu/cpu_backend.h"
#include "core/reference/reference_backend.h"
#include "dist/data_parallel_group.h"
#include "dist/self_communicator.h"
#include "experiments/run.h"
#include "experiments/spec/load.h"
#include "experiments/translate.h"
#include "models/registry.h"
#include "tests/places.h"

namespace hadal::experiments {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool update = false;

// fp32 sums in another order (vector width, threads, libm's last bit) move a loss by about 1e-7 of
// itself, and every step multiplies such a difference: between the two backends we saw 4e-7 after
// ten steps of the small nets and 3e-6 of imagenet_resnet. Changed formulas and draws move losses
// by far more than 1e-3.
constexpr double kTolerance = 1e-4;

struct Golden {
  std::string family;
  std::string settings;  // as in hadal train --set model.NAME=VALUE
  int side = 16;         // of the pictures
  double learning_rate = 0.01;
  bool judged_by_reference = true;  // false: plain loops would take longer than a few seconds
};

std::vector<Golden> goldens() {
  return {
      {"basic", ""},
      {"fractalnet", "columns=3 widths=4,8 dropout=0,0.2 drop_path=0.15 global=0.5"},
      {.family = "imagenet_resnet",
       .settings = "depth=18 survival=0.8",
       .side = 64,
       .learning_rate = 1e-5,  // four pictures of 2x2 at the end: statistics that amplify
       .judged_by_reference = false},
      {.family = "keras_cifar", .settings = "", .judged_by_reference = false},
      {.family = "lenet5", .settings = "variant=1998", .side = 32, .learning_rate = 0.001},
      {"plain", "depth=8 width=4"},
      {"preact_resnet", "depth=11 block=bottleneck width=4 survival=0.5"},
      {"resnet", "depth=14 width=4 survival=0.5"},
      {.family = "tf_mnist",
       .settings = "dropout=0.5",
       .learning_rate = 0.001,
       .judged_by_reference = false},
      {.family = "vgg",
       .settings = "net=A form=cifar",
       .side = 32,
       .learning_rate = 0.001,
       .judged_by_reference = false},
  };
}

std::string describe(const Golden& golden) {
  return fmt::format("{} {} on {}x{}, learning rate {}", golden.family, golden.settings,
                     golden.side, golden.side, golden.learning_rate);
}

fs::path file_of(const Golden& golden) {
  return fs::path(test::source_folder()) / "tests" / "golden" / (golden.family + ".json");
}

spec::ExperimentSpec spec_of(const Golden& golden) {
  std::string model = fmt::format("name: \"{}\"", golden.family);
  for (const std::string& setting : split(golden.settings, ' '))
    if (!setting.empty()) model += fmt::format(" set: \"{}\"", setting);
  const std::string text = fmt::format(
      R"(model {{ {} }}
         data {{
           name: "generator" set: "train=80" set: "test=8" set: "side={}"
           preprocess: ["subtract_channel_mean", "divide_channel_std"]
         }}
         augmentation {{ pad: 2 mirror: true }}
         optimizer {{ name: "sgd" learning_rate: {} momentum: 0.9 weight_decay: 1e-4 }}
         steps: 10 global_batch: 8 logical_shards: 2)",
      model, golden.side, golden.learning_rate);
  return spec::experiment_from_text(text, golden.family, {}, complete);
}

class Losses final : public RunListener {
 public:
  // Progress tells the mean over the epoch, of which these ten steps are the first.
  void on_step(const TrainingProgress& now) override {
    const double sum = now.loss * static_cast<double>(now.step_of_epoch);
    all.push_back(sum - sum_);
    sum_ = sum;
  }
  std::vector<double> all;

 private:
  double sum_ = 0;
};

std::vector<double> losses_of(const spec::ExperimentSpec& spec, Backend& backend) {
  const auto comm = dist::make_self_communicator();
  dist::DataParallelGroup group(*comm, {.logical_shards = spec.logical_shards()});
  Losses losses;
  run_training(spec, group, backend, [] { return false; }, losses, {});
  return losses.all;
}

void write(const Golden& golden, const std::vector<double>& losses) {
  json numbers = json::array();
  for (const double loss : losses) numbers.push_back(std::stod(fmt::format("{:.9g}", loss)));
  write_file_atomically(file_of(golden),
                        json{{"net", describe(golden)}, {"losses", numbers}}.dump(2) + "\n");
}

void expect_near(const std::vector<double>& losses, const std::vector<double>& golden) {
  ASSERT_EQ(losses.size(), golden.size());
  for (std::size_t step = 0; step < losses.size(); ++step)
    EXPECT_NEAR(losses[step], golden[step], kTolerance * golden[step]) << "step " << step;
}

class GoldenLosses : public testing::TestWithParam<Golden> {};

TEST_P(GoldenLosses, AreThoseWrittenDown) {
  const spec::ExperimentSpec spec = spec_of(GetParam());
  CpuBackend backend;
  const std::vector<double> losses = losses_of(spec, backend);
  if (update) write(GetParam(), losses);
  const json golden = json::parse(read_file(file_of(GetParam())));
  EXPECT_EQ(golden.at("net"), describe(GetParam())) << "written down for another net";
  expect_near(losses, golden.at("losses"));
  if (GetParam().judged_by_reference) {
    SCOPED_TRACE("reference");
    ReferenceBackend reference;
    expect_near(losses_of(spec, reference), golden.at("losses"));
  }
}

std::string name_of(const testing::TestParamInfo<Golden>& info) { return info.param.family; }

INSTANTIATE_TEST_SUITE_P(Every, GoldenLosses, testing::ValuesIn(goldens()), name_of);

TEST(GoldenFiles, EveryFamilyOfModelsHasOne) {
  std::vector<std::string> known, written;
  for (const models::Family& family : models::all_families()) known.push_back(family.name);
  for (const Golden& golden : goldens()) written.push_back(golden.family);
  EXPECT_EQ(written, known);
}

}  // namespace
}  // namespace hadal::experiments

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 2 || (argc == 2 && std::string(argv[1]) != "--update")) {
    std::cerr << "golden_test: usage: golden_test [--update]\n";
    return 64;
  }
  hadal::experiments::update = argc == 2;
  return RUN_ALL_TESTS();
}
