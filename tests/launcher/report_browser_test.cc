// The page in a real browser: charts are drawn, tables sort, nothing a file says is run.
#include <cstdlib>
#include <string>

#include <gmock/gmock.h>

#include "core/base/files.h"
#include "launcher/report/report.h"
#include "tests/launcher/made_sweep.h"

namespace hadal::launcher {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

std::string browser() {
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"})
    if (std::system(fmt::format("command -v {} >/dev/null", name).c_str()) == 0) return name;
  return "";
}

TEST(ReportInChromium, DrawsItsChartsAndRunsNothingElse) {
  const std::string program = browser();
  if (program.empty()) GTEST_SKIP() << "chromium is not installed";
  MadeSweep sweep;
  const std::string row =
      "</script><script>document.title='run'</script><img src=x "
      "onerror=\"document.title='run'\">";
  const auto run = sweep.start(row, "", 1);
  MetricsWriter metrics(run);
  for (int epoch = 1; epoch <= 3; ++epoch)
    metrics.epoch({.epoch = epoch, .step = epoch, .train_loss = 1.0 / epoch, .seconds = 1});
  write_result(run, finished({.last = 10}));
  TemporaryFolder folder;
  const std::filesystem::path page = folder.path() / "page.html", dom = folder.path() / "dom",
                              log = folder.path() / "log";
  write_file_atomically(page, report::page({table_of(sweep.read())}, "now"));
  // Hosts resolve to nothing: whatever is asked of the network fails and is logged.
  const std::string command = fmt::format(
      "timeout 60 {} --headless=new --no-sandbox --disable-gpu --user-data-dir={} "
      "--host-resolver-rules='MAP * ~NOTFOUND' --window-size=390,6000 --enable-logging=stderr "
      "--timeout=5000 --dump-dom file://{} >{} 2>{}",
      program, (folder.path() / "profile").string(), page.string(), dom.string(), log.string());
  ASSERT_EQ(std::system(command.c_str()), 0) << read_file(log);
  const std::string html = read_file(dom);
  EXPECT_THAT(html, HasSubstr("<title>made</title>"));
  EXPECT_THAT(html, HasSubstr("<button type=\"button\">row</button>"));
  EXPECT_THAT(html, ContainsRegex("<canvas[^>]* style=\"display: block;"));
  EXPECT_THAT(read_file(log), AllOf(Not(HasSubstr("Uncaught")), Not(HasSubstr("Refused"))));
}

}  // namespace
}  // namespace hadal::launcher
