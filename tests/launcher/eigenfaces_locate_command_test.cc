// `hadal eigenfaces locate` and `track` as they are typed.
#include <filesystem>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "core/base/random.h"
#include "core/image/pnm.h"
#include "experiments/studies/eigenfaces/calibrate.h"
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

class EigenfacesLocate : public testing::Test {
 protected:
  void SetUp() override {
    const eigenfaces::TrainOptions options{.components = 8,
                                           .lighting = eigenfaces::Lighting::kNormalised};
    eigenfaces::Model model = eigenfaces::train(faces_, options);
    model.calibration = eigenfaces::calibrate(faces_, options).calibration;
    eigenfaces::save(model, path("model"));
    fs::create_directory(path("frames"));
    for (int t = 0; t < 4; ++t) scene(20 + 12 * t, "frames/" + std::to_string(t + 8) + ".pgm");
  }

  // Noise with a face of 24 pixels at (left, 30).
  void scene(int left, const std::string& name) const {
    image::Image picture{.height = 80, .width = 110, .channels = 1};
    for (std::size_t i = 0; i < 80u * 110u; ++i)
      picture.pixels.push_back(static_cast<std::uint8_t>(
          128 + 100 * (random::uniform({3, random::Purpose::kTest}, i) - 0.5)));
    for (int y = 0; y < 24; ++y)
      for (int x = 0; x < 24; ++x)
        picture.pixels[static_cast<std::size_t>((30 + y) * 110 + left + x)] =
            faces_.picture(7)[static_cast<std::size_t>(24 * y + x)];
    image::write_pnm(path(name), picture);
  }

  std::string path(const std::string& name) const { return (root_.path() / name).string(); }

  Outcome run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "eigenfaces");
    std::ostringstream out, err;
    testing::internal::CaptureStdout();
    const int code = run_command_line(all_commands(), arguments, out, err);
    return {code, testing::internal::GetCapturedStdout() + out.str(), err.str()};
  }

  Outcome locate(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments{"locate",      path("frames"), "--model",
                                       path("model"), "--out",        path("located")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }

  const eigenfaces::Pictures faces_ = eigenfaces::made_faces(6, 5, 24, 24);
  const TemporaryFolder root_;
};

TEST_F(EigenfacesLocate, LeavesBoxesPicturesMapsAndAPage) {
  const Outcome outcome = locate({});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  for (const char* name : {"boxes.csv", "summary.json", "report.html", "8_faces.png", "8_map.png",
                           "11_faces.png", "11_map.png"})
    EXPECT_TRUE(fs::exists(fs::path(path("located")) / name)) << name;
  // In the order of numbers in names; each face where it is.
  const std::string boxes = read_file(path("located/boxes.csv"));
  EXPECT_THAT(boxes, HasSubstr("file,left,top,width,height,distance\n8.pgm,20.0,30.0,24.0,24.0,"));
  EXPECT_THAT(boxes, HasSubstr("\n11.pgm,56.0,30.0,24.0,24.0,"));
}

TEST_F(EigenfacesLocate, CountsAgainstBoxesBesideTheMeanFace) {
  write_file_atomically(path("boxes.csv"),
                        "file,left,top,width,height\n8.pgm,20,30,24,24\n9.pgm,32,30,24,24\n");
  // Nothing but faces has less.
  const Outcome outcome = locate({"--boxes", path("boxes.csv"), "--threshold", "0.9"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("2 of 2"));
  const auto summary = nlohmann::json::parse(read_file(path("located/summary.json")));
  EXPECT_EQ(summary["scores"][0]["distance"], "balanced");
  EXPECT_EQ(summary["scores"][0]["recall"], 1.0);
  EXPECT_EQ(summary["scores"][2]["distance"], "mean-face");
  EXPECT_TRUE(fs::exists(path("located/score.svg")));
}

TEST_F(EigenfacesLocate, TakesTheThresholdFromPicturesWithoutFaces) {
  fs::create_directory(path("background"));
  image::Image noise{.height = 80, .width = 110, .channels = 1};
  for (std::size_t i = 0; i < 80u * 110u; ++i)
    noise.pixels.push_back(
        static_cast<std::uint8_t>(random::below({9, random::Purpose::kTest}, 256, i)));
  image::write_pnm(path("background/noise.pgm"), noise);
  const Outcome none = locate({"--background", path("background"), "--false-alarms", "1"});
  EXPECT_THAT(none.err, HasSubstr("fewer than 1 windows a picture look at all like faces"));
  EXPECT_FALSE(fs::exists(path("located")));
  // As though the faces were none: as many as are allowed remain.
  const Outcome outcome = locate({"--background", path("frames"), "--false-alarms", "0.5"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("(0.5 a picture on 4 pictures without faces in "));
  const auto summary = nlohmann::json::parse(read_file(path("located/summary.json")));
  EXPECT_EQ(summary["detections"], 2);
}

TEST_F(EigenfacesLocate, EveryMistakeIsOneLineAndLeavesNothing) {
  const auto refuses = [&](const std::vector<std::string>& more, const std::string& message) {
    const Outcome outcome = locate(more);
    EXPECT_NE(outcome.code, 0);
    EXPECT_THAT(outcome.err, HasSubstr(message));
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_FALSE(fs::exists(path("located")));
  };
  refuses({"--distance", "likelyhood"}, "did you mean 'likelihood'");
  refuses({"--distance", "face-space"}, "has no threshold of its own");
  refuses({"--scales", "1"}, "ratio 1 between levels, wanted one above 1");
  refuses({"--boxes", path("none.csv")}, "none.csv");
  write_file_atomically(path("boxes.csv"), "file,left,top,width,height\nother.jpg,1,2,3,4\n");
  refuses({"--boxes", path("boxes.csv")}, "no box is in a picture of this run");
  write_file_atomically(path("frames/bad.png"), "no picture");
  refuses({}, "bad.png");
}

TEST_F(EigenfacesLocate, TrackWritesTheWayOfTheFace) {
  const Outcome outcome =
      run({"track", path("frames"), "--model", path("model"), "--out", path("track")});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("4 frames, 4 with a face"));
  const std::string way = read_file(path("track/trajectory.csv"));
  EXPECT_THAT(way, HasSubstr("1,8.pgm,20.0,30.0,24.0,24.0,"));
  EXPECT_THAT(way, HasSubstr("4,11.pgm,56.0,30.0,24.0,24.0,"));
  EXPECT_THAT(way, HasSubstr(",motion\n"));
  for (const char* name :
       {"8_face.png", "11_face.png", "trajectory.svg", "summary.json", "report.html"})
    EXPECT_TRUE(fs::exists(fs::path(path("track")) / name)) << name;
}

TEST_F(EigenfacesLocate, TrackWantsFramesOfOneSize) {
  image::write_pnm(
      path("frames/99.pgm"),
      {.height = 60, .width = 60, .channels = 1, .pixels = std::vector<std::uint8_t>(3600, 9)});
  const Outcome outcome =
      run({"track", path("frames"), "--model", path("model"), "--out", path("track")});
  EXPECT_EQ(outcome.code, 65);
  EXPECT_THAT(outcome.err, HasSubstr("99.pgm has 60x60 pixels, 8.pgm 110x80"));
  EXPECT_FALSE(fs::exists(path("track")));
}

TEST_F(EigenfacesLocate, TrainTakesThePartOfFacesThatWindowsLookFor) {
  for (int i = 0; i < 12; ++i) {
    const fs::path person = fs::path(path("people")) / ("p" + std::to_string(i / 3));
    fs::create_directories(person);
    const std::span<const std::uint8_t> pixels = faces_.picture(5 * (i / 3) + i % 3);
    image::write_pnm(
        person / (std::to_string(i) + ".pgm"),
        {.height = 24, .width = 24, .channels = 1, .pixels = {pixels.begin(), pixels.end()}});
  }
  const auto train = [&](const std::string& part, const std::string& size) {
    return run({"train", path("people"), "--components", "4", "--part", part, "--size", size,
                "--out", path("window")});
  };
  EXPECT_THAT(train("2,2,30,16", "8x6").err, HasSubstr("does not lie within pictures of 24x24"));
  EXPECT_THAT(train("2,2", "8x6").err, HasSubstr("--part '2,2': wanted LEFT,TOP,WIDTH,HEIGHT"));
  EXPECT_THAT(train("2,2,16,12", "8").err, HasSubstr("--size '8': wanted WIDTHxHEIGHT"));
  EXPECT_EQ(train("2,2,16,12", "8x6").code, 0);
  const eigenfaces::Model model = eigenfaces::load(path("window"));
  EXPECT_EQ(model.width, 8);
  EXPECT_EQ(model.height, 6);
}

}  // namespace
}  // namespace hadal::launcher
