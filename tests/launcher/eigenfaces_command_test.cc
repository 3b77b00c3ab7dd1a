// `hadal eigenfaces` as it is typed.
#include <filesystem>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/files.h"
#include "core/image/pnm.h"
#include "launcher/command_line.h"
#include "tests/experiments/studies/eigenfaces/made_faces.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct Outcome {
  int code;
  std::string out, err;
};

class EigenfacesCommand : public testing::Test {
 protected:
  void SetUp() override {
    const eigenfaces::Pictures faces = eigenfaces::made_faces(6, 5, 26, 22);
    for (std::int64_t i = 0; i < faces.count(); ++i) {
      const fs::path person = fs::path(path("faces")) / ("p" + std::to_string(i / 5));
      fs::create_directories(person);
      const std::span<const std::uint8_t> pixels = faces.picture(i);
      image::write_pnm(
          person / (std::to_string(i % 5) + ".pgm"),
          {.height = 26, .width = 22, .channels = 1, .pixels = {pixels.begin(), pixels.end()}});
    }
  }

  std::string path(const std::string& name) const { return (root_.path() / name).string(); }

  Outcome run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "eigenfaces");
    std::ostringstream out, err;
    testing::internal::CaptureStdout();
    const int code = run_command_line(all_commands(), arguments, out, err);
    return {code, testing::internal::GetCapturedStdout() + out.str(), err.str()};
  }

  void train() const {
    ASSERT_EQ(run({"train", path("faces"), "--train-per-person", "3", "--components", "8", "--out",
                   path("model")})
                  .code,
              0);
  }

  const TemporaryFolder root_;
};

TEST_F(EigenfacesCommand, TrainLeavesAModelItsPicturesAndItsPage) {
  train();
  for (const char* name : {"model.safetensors", "mean.png", "eigenfaces.png", "eigenfaces.svg",
                           "reconstructions.png", "scree.svg", "report.html"})
    EXPECT_TRUE(fs::exists(fs::path(path("model")) / name)) << name;
}

TEST_F(EigenfacesCommand, TrainsByRandomizedSvdToo) {
  EXPECT_EQ(run({"train", path("faces"), "--components", "5", "--method", "randomized", "--out",
                 path("model")})
                .code,
            0);
  EXPECT_THAT(run({"train", path("faces"), "--method", "random", "--out", path("other")}).err,
              HasSubstr("unknown method 'random'"));
}

TEST_F(EigenfacesCommand, IdentifyAsksAboutPicturesThatWereHeldOut) {
  train();
  const Outcome outcome = run({"identify", path("faces"), "--model", path("model")});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("known people  12 "));
  EXPECT_THAT(run({"identify", path("faces"), "--model", path("model"), "--trained-too"}).out,
              HasSubstr("known people  30 "));
}

TEST_F(EigenfacesCommand, IdentifyStudiesSplits) {
  const Outcome outcome =
      run({"identify", path("faces"), "--splits", "2", "--train-per-person", "3", "--components",
           "8", "--strangers", "1", "--out", path("study")});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("chosen on training pictures"));
  EXPECT_THAT(read_file(path("study") + "/splits.csv"), HasSubstr("2,p"));
  EXPECT_THAT(read_file(path("study") + "/report.html"), HasSubstr("strangers"));
}

TEST_F(EigenfacesCommand, DistanceShowsHowWellFacesAreTold) {
  train();
  const Outcome outcome = run({"distance", path("faces"), "--model", path("model"), "--not-faces",
                               path("faces"), "--windows", "20"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("balanced"));
}

TEST_F(EigenfacesCommand, ReconstructHidesWhatIsAskedFor) {
  train();
  const Outcome shares =
      run({"reconstruct", path("faces"), "--model", path("model"), "--hide", "10,30"});
  EXPECT_EQ(shares.code, 0) << shares.err;
  EXPECT_THAT(shares.out, HasSubstr("30 %"));
  EXPECT_EQ(run({"reconstruct", path("faces"), "--model", path("model"), "--rectangle", "2,3,9,8",
                 "--out", path("hidden")})
                .code,
            0);
  EXPECT_TRUE(fs::exists(path("hidden") + "/hidden_1.png"));
  EXPECT_THAT(
      run({"reconstruct", path("faces"), "--model", path("model"), "--rectangle", "20,3,9,8"}).err,
      HasSubstr("reaches outside a picture of 22x26"));
}

TEST_F(EigenfacesCommand, DictionaryComparesBudgets) {
  const Outcome outcome =
      run({"dictionary", path("faces"), "--train-per-person", "3", "--patch", "5", "--atoms", "30",
           "--examples", "200", "--iterations", "2", "--epochs", "2", "--budgets", "1,3"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("K-SVD"));
}

TEST_F(EigenfacesCommand, EveryMistakeIsOneLineAndLeavesNoFolder) {
  EXPECT_EQ(run({"train", path("nowhere"), "--out", path("model")}).code, 66);
  EXPECT_THAT(
      run({"train", path("faces"), "--components", "30", "--shift", "30", "--out", path("model")})
          .err,
      HasSubstr("moved by 30 pixels"));
  EXPECT_THAT(run({"train", path("faces"), "--lighting", "normalized", "--out", path("model")}).err,
              HasSubstr("did you mean 'normalised'"));
  write_file_atomically(path("faces") + "/p3/2.pgm", "P5 22 26 255 too short");
  EXPECT_EQ(run({"train", path("faces"), "--out", path("model")}).code, 65);
  EXPECT_FALSE(fs::exists(path("model")));
  EXPECT_THAT(run({"identify", path("faces")}).err, HasSubstr("wanted --model FOLDER"));
}

TEST_F(EigenfacesCommand, ADamagedModelIsRefused) {
  train();
  const std::string file = path("model") + "/model.safetensors";
  write_file_atomically(file, read_file(file).substr(0, 5000));
  EXPECT_EQ(run({"identify", path("faces"), "--model", path("model")}).code, 65);
}

}  // namespace
}  // namespace hadal::launcher
