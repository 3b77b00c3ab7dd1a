#include "launcher/decomposition/output.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"
#include "core/image/png.h"
#include "experiments/figures/pictures.h"
#include "experiments/figures/plot.h"
#include "experiments/figures/scree.h"
#include "launcher/decomposition/model.h"
#include "launcher/decomposition/pictures.h"
#include "launcher/environment.h"
#include "launcher/matrix_arguments.h"
#include "launcher/report/study_page.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

constexpr int kSheetPictures = 60;
constexpr int kPagePoints = 1500;  // of the scatter plot
constexpr int kPageRows = 6;       // reconstructed
constexpr int kPageLines = 200;
constexpr std::size_t kMostLabels = 28;  // that colours and markers tell apart

Model model_of(const dist::SvdResult& r) {
  return {r.components, r.singular_values, r.mean, r.scale};
}

bool is_picture(const Decomposition& d) {
  const auto& p = d.a.picture();
  return p && (p->channels == 1 || p->channels == 3);
}

figures::Figure scree_of(const Decomposition& d) {
  figures::Scree scree{
      .title = d.options.centre ? "Variance by component" : "Squared singular values",
      .share_label = d.options.centre ? "variance explained (%)" : "share of the squared norm (%)"};
  for (int i = 0; i < d.result.k; ++i) scree.shares.push_back(d.share(i));
  return figures::scree(std::move(scree));
}

figures::Figure components_figure(const Decomposition& d) {
  figures::PictureSheet sheet{.columns = 10};
  const matrix::PictureShape& shape = *d.a.picture();
  (shape.height > shape.width ? sheet.tile_height : sheet.tile_width) = 84;
  for (int i = 0; i < std::min(kSheetPictures, d.result.k); ++i)
    sheet.tiles.push_back({component_picture(d.result.components.row(i), shape),
                           fmt::format("{}: {:.1f} %", i + 1, 100 * d.share(i))});
  return figures::picture_sheet(std::move(sheet));
}

image::Image mean_picture(const Decomposition& d) {
  const std::vector<double>& mean = d.result.mean;
  const auto [low, high] = std::minmax_element(mean.begin(), mean.end());
  const bool pixels = d.a.element() == matrix::Element::kU8;
  return launcher::picture_of(mean, *d.a.picture(), pixels ? 0 : *low, pixels ? 255 : *high);
}

void write_pictures(const fs::path& folder, const Decomposition& d) {
  image::write_png(folder / "components.png", figures::to_image(components_figure(d)));
  if (!d.result.mean.empty()) image::write_png(folder / "mean.png", mean_picture(d));
  fs::create_directory(folder / "components");
  for (int i = 0; i < d.result.k; ++i)
    image::write_png(folder / "components" / fmt::format("{:03}.png", i + 1),
                     component_picture(d.result.components.row(i), *d.a.picture()));
}

// ": its label"
std::string label_of(const matrix::RowSource& a, std::int64_t row) {
  if (a.labels().empty()) return "";
  const auto label = static_cast<std::size_t>(a.labels()[static_cast<std::size_t>(row)]);
  return ": " + (label < a.label_names().size() ? a.label_names()[label] : fmt::to_string(label));
}

void add_scores(report::StudyPage& page, const Decomposition& d) {
  if (d.result.k < 2) return;
  std::vector<std::int64_t> which;
  const linalg::DenseMatrix rows = sample_rows(d.a, kPagePoints, which);
  linalg::DenseMatrix scores(rows.rows, d.result.k);
  Projector(model_of(d.result))
      .scores({rows.values.data(), matrix::Element::kF64, rows.rows, rows.cols, rows.cols},
              scores.values.data());
  const bool coloured = !d.a.labels().empty() && d.a.label_names().size() <= kMostLabels;
  std::vector<double> x, y;
  std::vector<int> labels;
  for (std::int64_t i = 0; i < rows.rows; ++i) {
    x.push_back(scores(i, 0));
    y.push_back(scores(i, 1));
    if (coloured)
      labels.push_back(d.a.labels()[static_cast<std::size_t>(which[static_cast<std::size_t>(i)])]);
  }
  figures::Plot plot =
      figures::scatter(x, y, labels, coloured ? d.a.label_names() : std::vector<std::string>{});
  plot.title = "First two scores";
  plot.x.label = fmt::format("component 1 ({:.1f} %)", 100 * d.share(0));
  plot.y.label = fmt::format("component 2 ({:.1f} %)", 100 * d.share(1));
  page.heading("Scores").figure(
      figures::plot(std::move(plot)),
      fmt::format("{} of {} rows, evenly spread{}", format_count(rows.rows),
                  format_count(d.a.rows()), coloured ? ", coloured by label" : ""));
}

void add_pictures(report::StudyPage& page, const Decomposition& d) {
  page.heading("Components as pictures")
      .picture(components_figure(d),
               fmt::format("The first {} of {} components: grey is 0, each in its own range",
                           std::min(kSheetPictures, d.result.k), d.result.k));
  if (!d.result.mean.empty()) {
    const image::Image mean = mean_picture(d);
    page.picture(mean, "The mean", std::max(1, 140 / std::max(mean.width, mean.height)));
  }
  std::vector<std::int64_t> which;
  const linalg::DenseMatrix rows = sample_rows(d.a, kPageRows, which);
  std::vector<std::string> names;
  for (const std::int64_t row : which)
    names.push_back(fmt::format("row {}{}", format_count(row), label_of(d.a, row)));
  page.heading("Reconstructions")
      .picture(reconstructions(model_of(d.result), *d.a.picture(), rows, names),
               "Rows beside what the first k components keep of them");
}

std::string page_of(const Decomposition& d, const std::string& summary) {
  const dist::SvdCertificate& c = d.result.certificate;
  report::StudyPage page(fmt::format("{} of {}", d.options.centre ? "PCA" : "SVD", d.a.name()),
                         report::made_by(d.command_line));
  std::vector<report::KeyFigure> key = {
      {"components", fmt::to_string(d.result.k)},
      {d.options.centre ? "variance kept" : "squared norm kept",
       fmt::format("{:.2f} %", 100 * d.kept())},
      {"passes over the matrix", fmt::to_string(d.result.counters.passes)},
      {"time", format_duration(d.seconds)}};
  if (c.valid && c.best_possible_least > 0)
    key.insert(key.begin() + 2,
               {"error at most", fmt::format("{:.4g} x the best", c.optimum_ratio)});
  page.paragraph(fmt::format("A: {}{}.", describe_matrix(d.a),
                             d.options.centre ? ", less the mean of each column" : ""))
      .key_figures(key)
      .paragraph(certificate_sentence(d) + ".")
      .figure(scree_of(d), "Bars: each component; line: the first of them together");
  if (is_picture(d)) add_pictures(page, d);
  add_scores(page, d);
  page.heading("Numbers")
      .table(
          [&] {
            Sheet sheet = components_sheet(d, kPageLines, false);
            sheet.heading = "Components";
            return sheet;
          }(),
          true)
      .table(timings_sheet(d), true)
      .listing("summary.json", summary)
      .note(fmt::format("Hash of the result: {}. Equal hashes mean equal bits.", d.hash()));
  return page.html();
}

bool is_ours(const fs::path& out) {
  return fs::is_directory(out) && fs::exists(out / "summary.json") &&
         fs::exists(out / "components.npy");
}

}  // namespace

void write_output(const fs::path& folder, const Decomposition& d) {
  write_model(folder, model_of(d.result));
  write_file_atomically(folder / "explained_variance.csv", variance_csv(d));
  figures::write_figure(folder, "scree", scree_of(d));
  if (is_picture(d)) write_pictures(folder, d);
  nlohmann::ordered_json summary = summary_json(d);
  summary["environment"] = describe_environment({d.command_line}, d.ranks);
  const std::string text = summary.dump(2) + "\n";
  write_file_atomically(folder / "report.html", page_of(d, text));
  write_file_atomically(folder / "summary.json", text);
}

void require_free(const fs::path& out, bool overwrite) {
  if (!fs::exists(out)) return;
  if (!overwrite)
    throw ConfigError(fmt::format(
        "{} exists; --overwrite replaces it, another --out leaves it alone", out.string()));
  if (!is_ours(out))
    throw ConfigError(fmt::format(
        "{} is not the folder of a decomposition and will not be replaced; give another --out",
        out.string()));
}

}  // namespace hadal::launcher
