// hadal report: the same as hadal table, with curves, as one page for a browser.
#include "launcher/report/report.h"

#include <filesystem>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "core/base/files.h"
#include "launcher/command.h"
#include "launcher/environment.h"
#include "launcher/table_input.h"
#include "launcher/version.h"

namespace hadal::launcher {
namespace {

struct Options {
  std::vector<std::string> folders;
  std::string out;
};

int write_report(const Options& options) {
  const std::filesystem::path out =
      options.out.empty() ? std::filesystem::path(options.folders.front()) / "report.html"
                          : std::filesystem::path(options.out);
  const std::vector<Table> tables = read_tables({options.folders.begin(), options.folders.end()});
  const std::string made = fmt::format("made {} by {}", utc_now(), version_line());
  write_file_atomically(out, report::page(tables, made));
  std::cout << fmt::format("report: {}\n", std::filesystem::absolute(out).string());
  return 0;
}

Action declare(Arguments& app) {
  auto options = std::make_shared<Options>();
  app.add_option("FOLDER", options->folders, "sweeps, runs, or folders that hold them").required();
  app.add_option("--out", options->out, "file to write")
      .show_default("report.html in the first folder");
  return [options] { return write_report(*options); };
}

}  // namespace

Command report_command() {
  return {"report", "write tables, curves and specs of runs as one HTML file",
          "hadal report runs/table1 --out table1.html", declare};
}

}  // namespace hadal::launcher
