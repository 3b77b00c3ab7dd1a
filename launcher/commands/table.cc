// hadal table: what runs came to.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"
#include "launcher/command.h"
#include "launcher/formats/format.h"
#include "launcher/progress_view.h"
#include "launcher/table_input.h"
#include "launcher/table_layout.h"
#include "launcher/table_view.h"

namespace hadal::launcher {
namespace {

constexpr int kWidthOfFiles = 100;
constexpr int kLeastWidth = 60;

const std::map<std::string, MetricChoice> kChoices = {
    {"both", MetricChoice::kBoth},
    {"last", MetricChoice::kLast},
    {"best-validation", MetricChoice::kBestValidation}};

struct Options {
  std::vector<std::string> folders;
  std::string format = "terminal";
  std::string out;
  SheetOptions sheets;
  std::string choice = "both";
  std::vector<std::string> rows, columns, where, by, across;
  std::string compare, layout;
};

std::vector<Table> tables_of(const Options& options) {
  const std::vector<std::filesystem::path> folders(options.folders.begin(), options.folders.end());
  if (!options.layout.empty() && !(options.by.empty() && options.across.empty()))
    throw UsageError("--layout has rows and columns of its own; leave out --by and --across");
  if (!options.layout.empty())
    return {table_in_layout(find_layout(options.layout), read_runs(folders))};
  if (!options.by.empty() || !options.across.empty())
    return {grouped(read_runs(folders), options.by, options.across)};
  return read_tables(folders, ReadRuns::kResult);
}

/// Throws UsageError for a name nobody knows, before any folder is read.
void check_quantities(const std::vector<std::string>& show) {
  const std::vector<std::string>& known = quantity_names();
  for (const std::string& name : show)
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw UsageError("--show: " + unknown_name("quantity", name, known));
}

FormatOptions format_options(const Options& options) {
  const int width = options.out.empty() ? terminal_width(STDOUT_FILENO) : 0;
  SheetOptions sheets = options.sheets;
  sheets.choice = kChoices.at(options.choice);
  return {.sheets = sheets,
          .width = width == 0 ? kWidthOfFiles : std::max(width, kLeastWidth),
          .color = width > 0 && std::getenv("NO_COLOR") == nullptr};
}

int print_tables(const Options& options) {
  const TableFormat& format = find_format(options.format);
  check_quantities(options.sheets.show);
  std::vector<Table> tables = tables_of(options);
  if (!options.where.empty()) tables = where(tables, options.where);
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

Action declare(Arguments& app) {
  auto options = std::make_shared<Options>();
  app.add_option("FOLDER", options->folders, "sweeps, runs, or folders that hold them").required();
  app.add_option("--format", options->format, "terminal, markdown, latex, csv or json")
      .show_default();
  app.add_option("--out", options->out, "file to write instead of standard output");
  app.add_option("--metric", options->choice,
                 "test error at the last epoch, at the best validation epoch, or both")
      .check(Check::one_of({"both", "last", "best-validation"}))
      .show_default();
  app.add_option(
         "--show", options->sheets.show,
         "what the results show, in this order, comma between: " + join(quantity_names(), ", "))
      .separated_by(',')
      .one_word_each();
  app.add_option("--interval", options->sheets.interval,
                 "0.95: the half width of the confidence interval of this level (Student over the "
                 "runs) after every mean, not the standard deviation")
      .check(Check::by(
          [](const std::string& text) -> std::string {
            const double level = parse_double(text, "--interval");
            return level > 0 && level < 1 ? "" : "wanted a level between 0 and 1, as in 0.95";
          },
          "LEVEL"));
  app.add_option("--where", options->where,
                 "only runs of which this holds, as in 'model.depth>=20'; may be given again, all "
                 "must hold; one of = != < <= > >=")
      .one_word_each();
  app.add_option("--by", options->by,
                 "one row for every value of this field, over the runs of all folders; may be "
                 "given again")
      .one_word_each();
  app.add_option("--across", options->across, "likewise one column").one_word_each();
  app.add_option("--row", options->rows, "only these lines; '*' and '?' as in file names")
      .one_word_each();
  app.add_option("--column", options->columns, "only these columns, likewise").one_word_each();
  app.add_option("--compare", options->compare,
                 "ROW: every other row against it over the seeds both have, with significance");
  app.add_option("--layout", options->layout,
                 fmt::format("{}, or a file: a published table filled with these runs, whatever "
                             "sweep they come from; cells without a run stay blank",
                             join(layout_names(), ", ")));
  return [options] { return print_tables(*options); };
}

}  // namespace

Command table_command() {
  return {"table", "print what runs came to, beside the papers' numbers",
          "hadal table runs/table1 --format markdown", declare};
}

}  // namespace hadal::launcher
