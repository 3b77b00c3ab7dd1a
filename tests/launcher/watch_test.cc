#include <cmath>

#include <gmock/gmock.h>

#include "launcher/watch/sparkline.h"
#include "launcher/watch/sweep_view.h"
#include "tests/launcher/made_sweep.h"

namespace hadal::launcher::watch {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Sparkline, ReachesFromTheLowestToTheHighest) {
  EXPECT_EQ(sparkline(std::vector<double>{8, 4, 0}, 8), "█▅▁");
  EXPECT_EQ(sparkline(std::vector<double>{9, 8, 4, 0}, 3), "█▅▁");
  EXPECT_EQ(sparkline(std::vector<double>{1, NAN, 2}, 8), "▁ █");
  EXPECT_EQ(sparkline(std::vector<double>{5, 5}, 8), "▁▁");
  EXPECT_EQ(sparkline({}, 8), "");
}

TEST(Bar, IsExactToAnEighth) {
  EXPECT_EQ(bar(0.5, 4), "██  ");
  EXPECT_EQ(bar(0.5 + 1.0 / 32, 4), "██▏ ");
  EXPECT_EQ(bar(2, 2), "██");
  EXPECT_EQ(bar(NAN, 2), "  ");
}

TEST(Cut, CountsColumnsAndNotBytesOrColours) {
  EXPECT_EQ(cut("\x1b[1m▁▂▃\x1b[0m", 2), "\x1b[1m▁▂\x1b[0m");
  EXPECT_EQ(width_of("\x1b[31mdepth ±\x1b[0m"), 7u);
}

class SweepView : public testing::Test {
 protected:
  SweepView() {
    sweep.finish("plain", "", 1, {.last = 7.25, .seconds = 100});
    sweep.fail("plain", "", 2, "loss is not finite at step 7");
    running = sweep.start("residual", "", 1);
    MetricsWriter metrics(running);
    for (const double error : {40.0, 20.0, 10.0})
      metrics.epoch({.epoch = static_cast<int>(50 - error), .validation_error = error});
    write_progress(running, {.epoch = 2,
                             .epochs = 4,
                             .step = 25,
                             .steps = 100,
                             .loss = 1.5,
                             .images_per_second = 412,
                             .seconds_left = 75});
    sweep.plan("residual", "", 2);
  }
  SweepRecord record() {
    SweepRecord read = sweep.read();
    read.locked = read.runs[2].running = true;
    return read;
  }

  MadeSweep sweep;
  std::filesystem::path running;
};

TEST_F(SweepView, TellsWhatWasCancelledAndWhatItsStrategyStopped) {
  SweepRecord read = record();
  read.runs[3].cancelled = true;
  RunResult paused = finished({.last = 8});
  paused.status = RunStatus::kPaused;
  read.runs[0].record->result = paused;
  EXPECT_EQ(line_of(read, read.runs[0]), "plain seed 1  paused");
  read.over = true;
  EXPECT_EQ(line_of(read, read.runs[0]), "plain seed 1  stopped early");
  EXPECT_EQ(line_of(read, read.runs[3]), "residual seed 2  cancelled");
  EXPECT_THAT(page_of(read, {}, {100, 24}, false).at(0),
              HasSubstr("1 failed, 1 running, 1 stopped early, 1 cancelled"));
}

TEST_F(SweepView, TheShareDoneIsOfAllEpochs) { EXPECT_DOUBLE_EQ(share_done(record()), 2.25 / 4); }

TEST_F(SweepView, ShowsRunningRunsFirstWithBarAndCurve) {
  const auto lines = page_of(record(), {"12:03:11  started    run2"}, {100, 24}, false);
  EXPECT_THAT(lines.at(0), AllOf(HasSubstr("1 finished, 1 failed, 1 running, 1 waiting")));
  EXPECT_THAT(lines.at(1), AllOf(HasSubstr("56 %"), HasSubstr("about 2m 55s left")));
  EXPECT_THAT(lines.at(3), AllOf(HasSubstr("residual seed 1"), HasSubstr("████ "), HasSubstr("█▃▁"),
                                 HasSubstr("10.00 % validation"), HasSubstr("epoch 2/4")));
  EXPECT_THAT(lines, Contains(HasSubstr("12:03:11  started")));
  for (const std::string& line : lines) EXPECT_THAT(line, Not(HasSubstr("\x1b")));
}

TEST_F(SweepView, FitsThePage) {
  for (int seed = 3; seed < 60; ++seed) sweep.plan("residual", "", seed);
  const std::vector<std::string> news(6, "12:03:11  started    run2");
  for (const std::size_t height : {24, 40}) {
    const auto lines = page_of(record(), news, {80, height}, true);
    EXPECT_LE(lines.size(), height);
    EXPECT_THAT(lines, Contains(HasSubstr("more")));
  }
}

TEST_F(SweepView, NamesFromFilesMoveNoCursor) {
  SweepRecord read = record();
  read.name = read.cells[0].row = "\x1b[2Jname\n";
  for (const std::string& line : page_of(read, {}, {100, 24}, false))
    EXPECT_THAT(line, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\n"))));
}

TEST_F(SweepView, ReadsTheNewestNewsAndSkipsWhatIsTorn) {
  write_file_atomically(sweep.path() / "sweep.jsonl",
                        "{\"time\":\"2026-11-28T12:03:11Z\",\"what\":\"started\",\"run\":\"a\"}\n"
                        "{\"time\":\"2026-11-28T12:04:11Z\",\"what\":\"finished\",\"run\":\"a\","
                        "\"detail\":\"7 %\"}\n{\"time\":\"2026");
  EXPECT_THAT(news_of(sweep.path(), 6),
              ElementsAre("12:03:11  started    a", "12:04:11  finished   a  7 %"));
  EXPECT_THAT(news_of(sweep.path(), 1), ElementsAre("12:04:11  finished   a  7 %"));
}

TEST_F(SweepView, OneLineTellsARunWhereThereIsNoTerminal) {
  const SweepRecord read = record();
  EXPECT_EQ(line_of(read, read.runs[1]), "plain seed 2  failed: loss is not finite at step 7");
  EXPECT_THAT(summary_of(read), HasSubstr("made: 1 finished, 1 failed, 1 running, 1 waiting"));
}

}  // namespace
}  // namespace hadal::launcher::watch
