#include "launcher/report/report.h"

#include <cmath>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "launcher/command.h"
#include "launcher/command_line.h"
#include "launcher/report/curves.h"
#include "launcher/report/gates.h"
#include "launcher/report/html.h"
#include "tests/launcher/made_sweep.h"

namespace hadal::launcher::report {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kAttack =
    "</script></pre>\"'><img src=x onerror=alert(1)><script>alert(2)</script>&";

void write_epochs(const std::filesystem::path& run, const std::vector<double>& validation_errors) {
  MetricsWriter metrics(run);
  for (std::size_t i = 0; i < validation_errors.size(); ++i)
    metrics.epoch({.epoch = static_cast<int>(i) + 1,
                   .step = static_cast<long long>(i) + 1,
                   .train_loss = 2.0,
                   .validation_error = validation_errors[i],
                   .images_per_second = 100,
                   .seconds = 2,
                   .bytes_sent = 0,
                   .macs = 3'000'000'000});
}

// Two finished seeds, of which the second trained an epoch longer, and a third that failed.
MadeSweep sweep_with_curves(const std::string& row = "net") {
  MadeSweep sweep;
  for (const int seed : {1, 2}) {
    const auto run = sweep.start(row, "", seed);
    write_epochs(run, seed == 1 ? std::vector<double>{40, 20} : std::vector<double>{50, 30, 10});
    write_result(run, finished({.last = 10}));
  }
  sweep.fail(row, "", 3, row);
  write_epochs(std::filesystem::path(sweep.read().runs.back().folder), {90, NAN});
  return sweep;
}

TEST(Curves, ABandReachesFromTheLowestToTheHighestFinishedSeed) {
  MadeSweep sweep = sweep_with_curves();
  const Table table = launcher::table_of(sweep.read());
  const auto band = band_of(table, table.cells[0], Curve::kValidationError);
  ASSERT_EQ(band.size(), 3u);
  EXPECT_EQ(band[0].epoch, 1);
  EXPECT_EQ(band[0].n, 2);
  EXPECT_EQ(band[0].mean, 45);
  EXPECT_EQ(band[0].minimum, 40);
  EXPECT_EQ(band[0].maximum, 50);
  EXPECT_EQ(band[2].n, 1);
  EXPECT_EQ(band[2].mean, 10);
  EXPECT_TRUE(band_of(table, table.cells[0], Curve::kTestError).empty());
}

TEST(Curves, ARunThatFailedIsDrawnAlone) {
  MadeSweep sweep = sweep_with_curves();
  const auto whole = nlohmann::json::parse(curves_json({launcher::table_of(sweep.read())}));
  const auto& cell = whole.at("tables").at(0).at("cells").at(0);
  EXPECT_EQ(cell.at("bands").at("validation_error").at(1), nlohmann::json({2, 25, 20, 30, 2}));
  ASSERT_EQ(cell.at("alone").size(), 1u);
  EXPECT_EQ(cell.at("alone").at(0).at("label"), "seed 3 (failed)");
  // The second epoch of the failed run is not finite and not drawn.
  EXPECT_EQ(cell.at("alone").at(0).at("curves").at("validation_error"),
            nlohmann::json::array({{1, 90}}));
}

TEST(Html, EscapesForElementsAndAttributes) {
  EXPECT_EQ(escaped("<a b=\"c\">&'"), "&lt;a b=&quot;c&quot;&gt;&amp;&#39;");
  EXPECT_EQ(escaped_lines("a\n\x1b<"), "a\n\ufffd&lt;\n");
}

TEST(Html, HashesScriptsAsThePolicyWantsThem) {
  // The example of the Content Security Policy specification, level 3, 8.3.
  EXPECT_EQ(script_hash("alert('Hello, world.');"),
            "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=");
}

TEST(Report, NeedsNoNetworkAndNoOtherFile) {
  MadeSweep sweep = sweep_with_curves();
  const std::string html = page({launcher::table_of(sweep.read())}, "made by a test");
  EXPECT_THAT(html, AllOf(HasSubstr("default-src 'none'"), HasSubstr("Chart.js v"),
                          HasSubstr("Permission is hereby granted")));
  for (const char* load : {"src=\"", "src='", "url(", "@import", "<link", "<iframe"})
    EXPECT_THAT(html, Not(HasSubstr(load))) << load;
  for (std::size_t at = 0; (at = html.find("href=", at)) != std::string::npos; ++at)
    EXPECT_EQ(html.substr(at, 7), "href=\"#");  // to a heading of its own
  EXPECT_THAT(html, Not(HasSubstr("data-live>")));
}

TEST(Report, TellsFailuresSpecsEnvironmentAndSpeed) {
  MadeSweep sweep = sweep_with_curves();
  const std::string html = page({launcher::table_of(sweep.read())}, "made by a test");
  EXPECT_THAT(html,
              AllOf(HasSubstr("2 of 3"), HasSubstr("1 failed</dd>"), HasSubstr("2 of 3, 1 failed"),
                    HasSubstr("model { name: &quot;resnet&quot; }"), HasSubstr("reef"),
                    HasSubstr("made by a test")));
  EXPECT_THAT(html,
              HasSubstr("data-label=\"test error %, last epoch\" data-sort=\"10\">10.00</td>"));
  EXPECT_THAT(html, AllOf(HasSubstr("></i>2.0s</td>"), HasSubstr("></i>3 G</td>")));
}

TEST(Report, TextsFromFilesStayTexts) {
  MadeSweep sweep = sweep_with_curves(kAttack);
  Table table = launcher::table_of(sweep.read());
  table.title = table.note = table.name = kAttack;
  for (TableRun& run : table.runs) {
    run.name = run.detail = run.id = kAttack;
    if (!run.record) continue;
    run.record->spec_text = kAttack;
    run.record->environment[kAttack] = kAttack;
  }
  for (Cell& cell : table.cells)
    cell.expected.push_back({.metric_name = kAttack,
                             .metric = {},
                             .value = 1,
                             .source = kAttack,
                             .status = kAttack,
                             .note = kAttack,
                             .difference = {}});
  const std::string html = page({table}, kAttack);
  EXPECT_THAT(html, AllOf(HasSubstr("&lt;img src=x"), Not(HasSubstr("<img"))));
  std::size_t scripts = 0;
  for (std::size_t at = 0; (at = html.find("<script", at)) != std::string::npos; ++at) ++scripts;
  EXPECT_EQ(scripts, 3u);  // curves, Chart.js, the page's own
}

const char* kSpecOfDepth =
    "name: \"net\" model {{ name: \"resnet\" set: \"depth={}\" }} data {{ name: \"generator\" }} "
    "optimizer {{ learning_rate: 0.1 }} epochs: 1 seed: {}";

TEST(Curves, SetErrorsAgainstDepthByWhatNetsShare) {
  MadeSweep sweep;
  for (const int depth : {8, 20}) {
    const auto run = sweep.start(fmt::format("plain depth={}", depth), "", 1);
    write_file_atomically(run / "spec.textproto",
                          fmt::format(fmt::runtime(kSpecOfDepth), depth, 1));
    write_result(run, finished({.last = 0.5 * depth, .seconds = 3}));
  }
  const Table table = launcher::table_of(sweep.read());
  const auto cells = nlohmann::json::parse(curves_json({table}))["tables"][0]["cells"];
  EXPECT_EQ(cells.at(0).at("depth"), 8);
  EXPECT_EQ(cells.at(1).at("series"), "plain");
  EXPECT_EQ(cells.at(1).at("runs"), nlohmann::json::parse("[[3.0, 10.0, 1.0]]"));
  const std::string html = page({table}, "now");
  EXPECT_THAT(html, AllOf(HasSubstr(">Error by depth</h2>"), HasSubstr("model.depth"),
                          HasSubstr("What all rows have in common")));
}

TEST(Curves, CountGatesOverAllRunsOfARow) {
  MadeSweep sweep;
  for (const int seed : {1, 2}) {
    const auto run = sweep.start("net", "", seed);
    MetricsWriter metrics(run);
    metrics.gates({"block1.gate", "block2.gate"}, {0.75, 0.5});
    metrics.open_gates({.epoch = 1, .steps = 10, .open = {7 + seed, 5}});
    metrics.open_gates({.epoch = 2, .steps = 10, .open = {8, 4}});
    write_result(run, finished({.last = 10}));
  }
  const Table table = launcher::table_of(sweep.read());
  const auto shares = gate_shares(table, table.cells[0]).value();
  EXPECT_EQ(shares.steps, 40);
  EXPECT_THAT(shares.open, testing::ElementsAre(33.0 / 40, 18.0 / 40));
  EXPECT_THAT(page({table}, "now"),
              HasSubstr("net: share of 40 training steps with the gate open"));
}

TEST(Report, TellsWhereTheTimeOfAStepWent) {
  MadeSweep sweep = sweep_with_curves();
  MetricsWriter(sweep.read().runs.front().folder)
      .times({.step = 50,
              .steps = 50,
              .hosts = {
                  {"reef", {{"forward", {0.010, 0.012, 0.020}}, {"exchange", {0, 0.004, 0.01}}}}}});
  EXPECT_THAT(page({launcher::table_of(sweep.read())}, "now"),
              AllOf(HasSubstr("<b>net</b> 16 ms a step"),
                    HasSubstr("forward <b>12</b> <small>10 to 20</small>")));
}

TEST(Report, OfAThousandRunsStaysSmall) {
  Table table{.name = "made", .title = "A thousand", .note = {}, .folder = {}};
  for (int i = 0; i < 1000; ++i) {
    RunRecord record;
    record.name = fmt::format("resnet_depth-{}_seed-1", i);
    record.spec_text = fmt::format(fmt::runtime(kSpecOfDepth), 6 * (i % 30) + 8, i);
    for (int epoch = 1; epoch <= 100; ++epoch)
      record.epochs.push_back({.epoch = epoch,
                               .train_loss = 2.0 / (epoch + i),
                               .train_error = 87.654 / epoch,
                               .validation_loss = 1.0 / (epoch + i),
                               .validation_error = 91.234 / epoch,
                               .seconds = 1.5});
    record.result = finished({.last = 10 + 0.001 * i, .best = 9.5, .seconds = 100.0 + i});
    table.runs.push_back(table_run(std::move(record), hex64(hash64(std::to_string(i))),
                                   fmt::format("resnet_depth-{}_seed-1", i), 1));
    add_cell(table, fmt::format("resnet learning_rate=0.1 number={}", i), "",
             {static_cast<std::size_t>(i)});
  }
  EXPECT_LT(page({table}, "now").size(), 5'000'000u);
}

TEST(ReportCommand, WritesBesideTheRunsUnlessToldOtherwise) {
  MadeSweep sweep = sweep_with_curves();
  std::ostringstream printed, errors;
  const auto run = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"report", sweep.path().string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_command_line(all_commands(), arguments, printed, errors);
  };
  EXPECT_EQ(run({}), 0) << errors.str();
  EXPECT_TRUE(std::filesystem::exists(sweep.path() / "report.html"));
  EXPECT_EQ(run({"--out", (sweep.path() / "else.html").string()}), 0);
  EXPECT_THAT(read_file(sweep.path() / "else.html"), HasSubstr("<!doctype html>"));
  EXPECT_EQ(run({"--out", (sweep.path() / "nowhere" / "x.html").string()}), 66);
}

}  // namespace
}  // namespace hadal::launcher::report
