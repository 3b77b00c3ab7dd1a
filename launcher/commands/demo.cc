// `hadal demo`: what the lecture tells, shown in numbers.
#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "experiments/figures/plot.h"
#include "experiments/studies/high_dimension.h"
#include "launcher/command.h"
#include "launcher/formats/format.h"
#include "launcher/report/study_page.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

struct Options {
  studies::HighDimensionOptions study;
  std::string out;
};

constexpr const char* kSaid =
    "The cosine of two independent random vectors has mean 0 and standard deviation 1/sqrt(n): in "
    "high dimension they are nearly orthogonal.";
constexpr const char* kNotSaid =
    "The inner product of two N(0, I) vectors itself does not vanish: its standard deviation is "
    "sqrt(n). It is small only beside the product of their lengths, which is near n. For points of "
    "the unit sphere the inner product is the cosine.";

Sheet sheet_of(const std::vector<studies::HighDimensionRow>& rows) {
  Sheet sheet{Sheet::Kind::kResults,
              "",
              {{"dimension n", true},
               {"deviation of the cosine", true},
               {"1/sqrt(n)", true},
               {"90 % of cosines between", true},
               {"mean |angle - 90°|", true},
               {"deviation of <X,Y>", true},
               {"sqrt(n)", true},
               {"|cos| >= 0.1 (%)", true}},
              {},
              {}};
  for (const studies::HighDimensionRow& row : rows) {
    const double root = std::sqrt(row.dimension);
    sheet.lines.push_back(
        {{.text = fmt::format("{}", row.dimension)},
         {.text = fmt::format("{:.4f}", row.cosine_deviation)},
         {.text = fmt::format("{:.4f}", 1 / root)},
         {.text = fmt::format("{:.3f}{}…{}{:.3f}", row.cosine_low, kTie, kTie, row.cosine_high)},
         {.text = fmt::format("{:.2f}°", row.angle_degrees)},
         {.text = fmt::format("{:.2f}", row.product_deviation)},
         {.text = fmt::format("{:.2f}", root)},
         {.text = fmt::format("{:.1f}", 100 * row.far_share)}});
  }
  return sheet;
}

figures::Plot empty_plot(const std::string& title) {
  figures::Plot plot{.title = title};
  plot.x = {.label = "dimension n", .log = true};
  return plot;
}

figures::Figure deviations(const std::vector<studies::HighDimensionRow>& rows) {
  figures::Plot plot = empty_plot("Standard deviations by dimension");
  plot.y = {.log = true};
  plot.series = {{.label = "cosine", .style = figures::Style::kPoints},
                 {.label = "inner product of N(0, I) vectors", .style = figures::Style::kPoints},
                 {.label = "1/√n", .style = figures::Style::kDashed},
                 {.label = "√n", .style = figures::Style::kDashed}};
  for (const studies::HighDimensionRow& row : rows) {
    const double root = std::sqrt(row.dimension);
    for (std::size_t s = 0; s < 4; ++s) {
      plot.series[s].x.push_back(row.dimension);
      plot.series[s].y.push_back(s == 0   ? row.cosine_deviation
                                 : s == 1 ? row.product_deviation
                                 : s == 2 ? 1 / root
                                          : root);
    }
  }
  return figures::plot(plot);
}

figures::Figure spread(const std::vector<studies::HighDimensionRow>& rows) {
  figures::Plot plot = empty_plot("Cosine of two random vectors");
  plot.y = {.label = "cosine", .minimum = -1, .maximum = 1};
  plot.series = {{.label = "90 % of the pairs lie in the band"}};
  for (const studies::HighDimensionRow& row : rows) {
    plot.series[0].x.push_back(row.dimension);
    plot.series[0].y.push_back(0);
    plot.series[0].low.push_back(row.cosine_low);
    plot.series[0].high.push_back(row.cosine_high);
  }
  return figures::plot(plot);
}

void write(const Options& o, const std::vector<studies::HighDimensionRow>& rows) {
  report::StudyPage page("Random vectors in high dimension are nearly orthogonal",
                         report::made_by("hadal demo high-dimension"));
  page.paragraph(kSaid)
      .paragraph(kNotSaid)
      .figure(spread(rows), "Cosines of pairs of independent N(0, I) vectors, by dimension")
      .figure(deviations(rows), "The cosine shrinks, the inner product grows; dashed: theory")
      .table(sheet_of(rows))
      .note(fmt::format("{} pairs in each dimension, seed {}. A pair far from orthogonal in high "
                        "dimension is unlikely to be independent: P(|cos| >= t) <= 2 exp(-n t²/2). "
                        "In low dimension it is nothing unusual.",
                        o.study.pairs, o.study.seed));
  write_folder_atomically(o.out, [&](const fs::path& folder) {
    write_figure(folder, "cosine", spread(rows));
    write_figure(folder, "deviation", deviations(rows));
    write_file_atomically(folder / "report.html", page.html());
  });
}

int run(const Options& o) {
  if (!o.out.empty() && fs::exists(o.out))
    throw ConfigError(fmt::format("{} exists; give another folder with --out", o.out));
  const auto rows = studies::measure_high_dimension(o.study);
  std::cout << text_of(sheet_of(rows)) << kSaid << "\n" << kNotSaid << "\n";
  if (!o.out.empty()) {
    write(o, rows);
    std::cout << fmt::format("wrote {}\n", (fs::path(o.out) / "report.html").string());
  }
  return 0;
}

Action declare(Arguments& app) {
  const auto o = std::make_shared<Options>();
  app.require_nested();
  Arguments high =
      app.add_nested("high-dimension", "how nearly orthogonal random vectors are, by dimension",
                     "hadal demo high-dimension --out runs/high_dimension");
  high.add_option("--dimensions", o->study.dimensions, "of the vectors, separated by commas")
      .separated_by(',')
      .show_default();
  high.add_option("--pairs", o->study.pairs, "drawn in each dimension").show_default();
  high.add_option("--seed", o->study.seed, "of the draws").show_default();
  high.add_option("--out", o->out, "folder for the plots and the page");
  return [o] { return run(*o); };
}

}  // namespace

Command demo_command() {
  return {"demo", "what the lecture tells, in numbers and pictures", "hadal demo high-dimension",
          declare};
}

}  // namespace hadal::launcher
