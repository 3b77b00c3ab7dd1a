// hadal table: what runs came to.
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "core/base/files.h"
#include "experiments/translate.h"
#include "launcher/command.h"
#include "launcher/formats/format.h"
#include "launcher/progress_view.h"
#include "launcher/sweep_planner.h"
#include "launcher/table_input.h"
#include "launcher/table_layout.h"
#include "launcher/table_view.h"

namespace hadal::launcher {
namespace {

constexpr int kWidthOfFiles = 100;
constexpr int kLeastWidth = 60;

struct Options {
  std::vector<std::string> folders;
  std::string format = "terminal";
  std::string out;
  MetricChoice choice = MetricChoice::kBoth;
  std::vector<std::string> rows, columns;
  std::string compare, layout;
};

FormatOptions format_options(const Options& options) {
  const int width = options.out.empty() ? terminal_width(STDOUT_FILENO) : 0;
  return {.choice = options.choice,
          .width = width == 0 ? kWidthOfFiles : std::max(width, kLeastWidth),
          .color = width > 0 && std::getenv("NO_COLOR") == nullptr};
}

int print_tables(const Options& options) {
  const TableFormat& format = find_format(options.format);
  const std::vector<std::filesystem::path> folders(options.folders.begin(), options.folders.end());
  std::vector<Table> tables =
      options.layout.empty()
          ? read_tables(folders)
          : std::vector{table_in_layout(plan_sweep(options.layout, {}, experiments::complete),
                                        read_runs(folders))};
  for (Table& table : tables) {
    table = selected(table, options.rows, options.columns);
    if (!options.compare.empty()) compare_rows(table, options.compare);
  }
  const std::string text = format.render(tables, format_options(options));
  if (options.out.empty())
    std::cout << text;
  else
    write_file_atomically(options.out, text);
  return 0;
}

Action declare(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("FOLDER", options->folders, "sweeps, runs, or folders that hold them")->required();
  app.add_option("--format", options->format, "terminal, markdown, latex, csv or json")
      ->capture_default_str();
  app.add_option("--out", options->out, "file to write instead of standard output");
  app.add_option("--metric", options->choice,
                 "test error at the last epoch, at the best validation epoch, or both")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, MetricChoice>{{"both", MetricChoice::kBoth},
                                              {"last", MetricChoice::kLast},
                                              {"best-validation", MetricChoice::kBestValidation}},
          CLI::ignore_case))
      ->default_str("both");
  app.add_option("--row", options->rows, "only these rows; '*' and '?' as in file names")
      ->allow_extra_args(false);
  app.add_option("--column", options->columns, "only these columns, likewise")
      ->allow_extra_args(false);
  app.add_option("--compare", options->compare,
                 "ROW: every other row against it over the seeds both have, with significance");
  app.add_option("--layout", options->layout,
                 "a sweep file whose cells and figures of papers are filled with these runs, "
                 "whatever sweep they come from; cells without a run stay blank");
  return [options] { return print_tables(*options); };
}

}  // namespace

Command table_command() {
  return {"table", "print what runs came to, beside the papers' numbers",
          "hadal table runs/table1 --format markdown", declare};
}

}  // namespace hadal::launcher
