#include <sstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "launcher/command.h"
#include "launcher/command_line.h"
#include "launcher/formats/format.h"
#include "launcher/table.h"
#include "tests/launcher/made_sweep.h"

namespace hadal::launcher {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

// Two columns of nets, one figure of a paper, one failure, one run that never started.
MadeSweep small_sweep() {
  MadeSweep sweep(R"text(name: "made" title: "Made: test error (%)"
    expect { row: "plain" value: 6.5 std: 0.16 paper: "He et al. 2016" table: "Table 6"
             status: verified })text");
  sweep.finish("plain", "", 1, {.last = 7, .best = 6.75, .seconds = 60, .train_error = 2});
  sweep.finish("plain", "", 2, {.last = 5, .best = 6.25, .seconds = 90, .train_error = 1});
  sweep.fail("residual", "", 1, "loss is not finite at step 7 (layer conv1)");
  sweep.plan("residual", "", 2);
  return sweep;
}

std::string render(const Table& table, const std::string& format, FormatOptions options = {}) {
  return find_format(format).render({&table, 1}, options);
}

std::string hostile_text() { return "<b>|a_b%\\&{x}\"$1\x1b[31m\n\xff end"; }

Table hostile_table() {
  Table table{.name = "made", .title = hostile_text(), .note = hostile_text(), .folder = {}};
  table.runs.push_back(table_run({}, "0123456789abcdef", hostile_text(), 1));
  add_cell(table, hostile_text(), "", {0},
           {{.metric_name = "test_error",
             .metric = Metric::kTestError,
             .value = 5,
             .source = hostile_text(),
             .status = "verified",
             .note = {},
             .difference = {}}});
  return table;
}

TEST(TerminalFormat, ShowsCellsPapersRunsAndFailures) {
  MadeSweep sweep = small_sweep();
  EXPECT_EQ(render(table_of(sweep.read()), "terminal"), R"text(Made: test error (%)

row       runs            test error    test error      training    time         paper  ours − paper
                             %, last       %, best       error %
                               epoch    validation
────────────────────────────────────────────────────────────────────────────────────────────────────
plain     2              6.00 ± 1.41   6.50 ± 0.35   1.50 ± 0.71  1m 15s   6.50 ± 0.16         −0.50
                              (6.00)        (6.50)        (1.50)          (last epoch)
residual  0 of 2, 1
          failed, 1
          unfinished
mean ± standard deviation over the finished runs (median); failed and unfinished runs enter no mean

Beside the papers
row    what               ours        paper  ours − paper  source
─────────────────────────────────────────────────────────────────────────────────────────────
plain  last epoch  6.00 ± 1.41  6.50 ± 0.16         −0.50  He et al. 2016, Table 6 (verified)

Runs behind every cell
row       runs
────────────────────────────────────────────────────────────────────────────
plain     seed 1 8025b76603a52867, seed 2 2428a1a74cc3298b
residual  seed 1 b9037232da325b8e failed, seed 2 3e2f9bd23e3c558f unfinished

Failed and unfinished runs
run   state       why, or how far
────────────────────────────────────────────────────────────
run2  failed      loss is not finite at step 7 (layer conv1)
run3  unfinished  not started
)text");
}

TEST(TerminalFormat, FoldsWhatIsWiderThanTheTerminal) {
  MadeSweep sweep = small_sweep();
  const Table table = table_of(sweep.read());
  for (const int width : {80, 100})
    for (const std::string& line : split(render(table, "terminal", {.width = width}), '\n')) {
      const auto columns =
          std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; });
      EXPECT_LE(columns, width) << line;
    }
}

TEST(TerminalFormat, PaintsOnlyWhenAsked) {
  MadeSweep sweep = small_sweep();
  const Table table = table_of(sweep.read());
  EXPECT_THAT(render(table, "terminal"), Not(HasSubstr("\x1b")));
  EXPECT_THAT(render(table, "terminal", {.color = true}), HasSubstr("\x1b[31m"));
}

TEST(TerminalFormat, NamesFromFilesMoveNoCursor) {
  const std::string text = render(hostile_table(), "terminal");
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\xff")));
  EXPECT_THAT(text, HasSubstr("\ufffd[31m \ufffd end"));
}

TEST(MarkdownFormat, ShowsTheSame) {
  MadeSweep sweep = small_sweep();
  EXPECT_EQ(render(table_of(sweep.read()), "markdown"), R"text(## Made: test error (%)

| row | runs | test error %, last epoch | test error %, best validation | training error % | time | paper | ours − paper |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
| plain | 2 | 6.00 ± 1.41 (6.00) | 6.50 ± 0.35 (6.50) | 1.50 ± 0.71 (1.50) | 1m 15s | 6.50 ± 0.16 (last epoch) | −0.50 |
| residual | 0 of 2, 1 failed, 1 unfinished |  |  |  |  |  |  |

mean ± standard deviation over the finished runs (median); failed and unfinished runs enter no mean

### Beside the papers

| row | what | ours | paper | ours − paper | source |
| --- | --- | ---: | ---: | ---: | --- |
| plain | last epoch | 6.00 ± 1.41 | 6.50 ± 0.16 | −0.50 | He et al. 2016, Table 6 (verified) |

### Runs behind every cell

| row | runs |
| --- | --- |
| plain | seed 1 8025b76603a52867, seed 2 2428a1a74cc3298b |
| residual | seed 1 b9037232da325b8e failed, seed 2 3e2f9bd23e3c558f unfinished |

### Failed and unfinished runs

| run | state | why, or how far |
| --- | --- | --- |
| run2 | failed | loss is not finite at step 7 (layer conv1) |
| run3 | unfinished | not started |
)text");
}

TEST(MarkdownFormat, EscapesMarksAndTags) {
  const std::string text = render(hostile_table(), "markdown");
  EXPECT_THAT(text, AllOf(HasSubstr("&lt;b&gt;\\|a\\_b%\\\\&amp;\\{x\\}"), Not(HasSubstr("<b>"))));
}

TEST(LatexFormat, IsATableForBooktabs) {
  MadeSweep sweep = small_sweep();
  EXPECT_EQ(render(table_of(sweep.read()), "latex"), R"text(% \usepackage{booktabs}
\begin{table}
  \centering
  \caption{Made: test error (\%). mean $\pm$ standard deviation over the finished runs (median); failed and unfinished runs enter no mean}
  \begin{tabular}{llrrrrrr}
    \toprule
    {}row & runs & test error \%, last epoch & test error \%, best validation & training error~\% & time & paper & ours $-$~paper \\
    \midrule
    {}plain & 2 & 6.00~$\pm$~1.41 (6.00) & 6.50~$\pm$~0.35 (6.50) & 1.50~$\pm$~0.71 (1.50) & 1m~15s & 6.50~$\pm$~0.16 (last epoch) & $-$0.50 \\
    {}residual & 0 of 2, 1 failed, 1 unfinished &  &  &  &  &  &  \\
    \bottomrule
  \end{tabular}
\end{table}
\begin{table}
  \centering
  \caption{Made: test error (\%): Beside the papers}
  \begin{tabular}{llrrrl}
    \toprule
    {}row & what & ours & paper & ours $-$~paper & source \\
    \midrule
    {}plain & last epoch & 6.00~$\pm$~1.41 & 6.50~$\pm$~0.16 & $-$0.50 & He et al. 2016, Table 6 (verified) \\
    \bottomrule
  \end{tabular}
\end{table}
% Runs behind every cell
%   plain: seed 1 8025b76603a52867, seed 2 2428a1a74cc3298b
%   residual: seed 1 b9037232da325b8e failed, seed 2 3e2f9bd23e3c558f unfinished
% Failed and unfinished runs
%   run2: failed: loss is not finite at step 7 (layer conv1)
%   run3: unfinished: not started
)text");
}

TEST(LatexFormat, EscapesWhatTexWouldRun) {
  EXPECT_THAT(render(hostile_table(), "latex"),
              HasSubstr("\\textless{}b\\textgreater{}|a\\_b\\%\\textbackslash{}\\&\\{x\\}"
                        "\\textquotedbl{}\\$1"));
}

TEST(CsvFormat, HasOneRecordPerCellMetricAndFigure) {
  MadeSweep sweep = small_sweep();
  std::string text = render(table_of(sweep.read()), "csv");
  for (std::size_t at; (at = text.find("\r\n")) != std::string::npos;) text.erase(at, 1);
  EXPECT_EQ(
      text,
      R"text(table,row,column,finished,failed,unfinished,metric,headline,n,mean,std,median,min,max,ci95,paper,paper_std,difference,source,status,note,runs
made,plain,,2,0,0,test_error,yes,2,6,1.41421356237,6,5,7,12.7062047362,6.5,0.16,-0.5,"He et al. 2016, Table 6",verified,,8025b76603a52867 2428a1a74cc3298b
made,plain,,2,0,0,test_error_at_best_validation,,2,6.5,0.353553390593,6.5,6.25,6.75,3.17655118404,,,,,,,8025b76603a52867 2428a1a74cc3298b
made,plain,,2,0,0,training_error,,2,1.5,0.707106781187,1.5,1,2,6.35310236809,,,,,,,8025b76603a52867 2428a1a74cc3298b
made,plain,,2,0,0,training_time_s,,2,75,21.2132034356,75,60,90,190.593071043,,,,,,,8025b76603a52867 2428a1a74cc3298b
made,residual,,0,1,1,test_error,yes,0,,,,,,,,,,,,,b9037232da325b8e 3e2f9bd23e3c558f
)text");
}

TEST(CsvFormat, QuotesCommasQuotesAndLineEnds) {
  EXPECT_THAT(
      render(hostile_table(), "csv"),
      HasSubstr("made,\"<b>|a_b%\\&{x}\"\"$1\x1b[31m\n\xff end\",,0,0,1,test_error,yes,0,"));
}

TEST(CsvFormat, NoNameIsAFormula) {
  Table table{.name = "@made", .title = {}, .note = {}, .folder = {}};
  add_cell(table, "=cmd|'/C calc'!A0", "+1", {},
           {{.metric_name = "-2",
             .metric = {},
             .value = -5,
             .source = "=1+1",
             .status = "verified",
             .note = "\t=2",
             .difference = {}}});
  const std::string text = render(table, "csv");
  EXPECT_THAT(text, AllOf(HasSubstr("\n'@made,'=cmd|'/C calc'!A0,'+1,"), HasSubstr(",'-2,"),
                          HasSubstr(",-5,"), HasSubstr(",'=1+1,verified,'\t=2,")));
}

TEST(LatexFormat, NoNameIsACommand) {
  Table table{.name = "made", .title = "\\input{/etc/passwd}", .note = {}, .folder = {}};
  table.runs.push_back(table_run({}, "0123456789abcdef", "\n\\input{x}", 1));
  add_cell(table, "\\input{/etc/passwd}", "", {0});
  const std::string text = render(table, "latex");
  EXPECT_THAT(text, HasSubstr("\\textbackslash{}input\\{/etc/passwd\\}"));
  for (const std::string& line : split(text, '\n'))
    if (line.find("\\input") != std::string::npos) {
      EXPECT_TRUE(line.starts_with("%")) << line;  // a comment stays one
    }
}

TEST(Formats, AnIntervalTakesThePlaceOfTheDeviation) {
  MadeSweep sweep = small_sweep();
  const Table table = table_of(sweep.read());
  const FormatOptions options{.sheets = {.interval = 0.9}};
  // Two values 5 and 7: deviation sqrt(2), t(0.95, 1) = 6.3138, so 6.3138 * sqrt(2) / sqrt(2).
  EXPECT_THAT(render(table, "markdown", options),
              AllOf(HasSubstr("6.00 \u00b1 6.31 (6.00)"), HasSubstr("90 % confidence interval")));
  EXPECT_THAT(render(table, "csv", options), AllOf(HasSubstr(",ci90,"), HasSubstr(",6.31375")));
  EXPECT_THAT(render(table, "json", options), HasSubstr("\"ci90\": 6.31375"));
}

TEST(Formats, ShowWhatIsAskedForInThatOrder) {
  MadeSweep sweep = small_sweep();
  const Table table = table_of(sweep.read());
  EXPECT_THAT(render(table, "markdown", {.sheets = {.show = {"difference", "runs"}}}),
              HasSubstr("| row | ours \u2212 paper | runs |\n| --- | ---: | --- |\n"
                        "| plain | \u22120.50 | 2 |\n"));
  EXPECT_THROW(render(table, "markdown", {.sheets = {.show = {"run"}}}), UsageError);
}

TEST(JsonFormat, HoldsEverything) {
  MadeSweep sweep = small_sweep();
  const auto whole = nlohmann::json::parse(render(table_of(sweep.read()), "json"));
  const auto& table = whole.at("tables").at(0);
  const auto& plain = table.at("cells").at(0);
  EXPECT_EQ(plain.at("finished"), 2);
  EXPECT_EQ(plain.at("measured").at("test_error").at("mean"), 6.0);
  EXPECT_EQ(plain.at("measured").at("test_error_at_best_validation").at("mean"), 6.5);
  EXPECT_EQ(plain.at("expected").at(0).at("difference"), -0.5);
  EXPECT_EQ(plain.at("runs").at(0), table.at("runs").at(0).at("id"));
  EXPECT_EQ(table.at("cells").at(1).at("measured"), nlohmann::json::object());
  EXPECT_EQ(table.at("runs").at(2).at("detail"), "loss is not finite at step 7 (layer conv1)");
  EXPECT_NO_THROW(nlohmann::json::parse(render(hostile_table(), "json")));
}

TEST(Formats, SeveralColumnsBeginWithAnOverview) {
  MadeSweep sweep(R"(name: "made"
    expect { row: "net" column: "C100" metric: "test_error_at_best_validation" value: 27.2 })");
  sweep.finish("net", "C10", 1, {.last = 7, .best = 6});
  sweep.finish("net", "C100", 1, {.last = 29, .best = 28});
  sweep.finish("other", "C10", 1, {.last = 8, .best = 9});
  const std::string text = render(table_of(sweep.read()), "markdown");
  EXPECT_THAT(text, HasSubstr("| net | 7.00 (1) | 28.00\\* (1) paper 27.20 |\n"
                              "| other | 8.00 (1) |  |\n"));
}

TEST(Formats, ShowOneTestErrorWhenOnlyOneIsAskedFor) {
  MadeSweep sweep = small_sweep();
  const Table table = table_of(sweep.read());
  EXPECT_THAT(render(table, "markdown", {.sheets = {.choice = MetricChoice::kLast}}),
              AllOf(HasSubstr("last epoch"), Not(HasSubstr("best validation"))));
  EXPECT_THAT(render(table, "markdown", {.sheets = {.choice = MetricChoice::kBestValidation}}),
              AllOf(HasSubstr("6.50 \u00b1 0.35"), Not(HasSubstr("test error %, last epoch"))));
}

TEST(Formats, AnUnknownOneIsNamed) {
  try {
    find_format("markdwn");
    FAIL() << "found it";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean 'markdown'?"));
  }
}

TEST(TableCommand, WritesTheFormatAskedForToAFile) {
  MadeSweep sweep = small_sweep();
  sweep.read();
  const std::string out = (sweep.path() / "table.csv").string();
  std::ostringstream printed, errors;
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"table", sweep.path().string()});
    return run_command_line(all_commands(), arguments, printed, errors);
  };
  EXPECT_EQ(run({"--format", "csv", "--metric", "last", "--out", out}), 0) << errors.str();
  EXPECT_THAT(read_file(out), AllOf(HasSubstr(",test_error,yes,2,6,"),
                                    Not(HasSubstr("test_error_at_best_validation"))));
  EXPECT_EQ(run({"--metric", "best"}), 64);
  EXPECT_THAT(errors.str(), HasSubstr("best-validation"));
}

}  // namespace
}  // namespace hadal::launcher
