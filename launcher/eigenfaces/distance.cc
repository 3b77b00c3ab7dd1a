// `hadal eigenfaces distance`: how far pictures are from being faces, and how well that tells faces
// from everything else.
#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "experiments/figures/pictures.h"
#include "experiments/studies/eigenfaces/face_folder.h"
#include "experiments/studies/eigenfaces/face_space.h"
#include "experiments/studies/eigenfaces/projector.h"
#include "launcher/eigenfaces/nested.h"
#include "launcher/eigenfaces/show.h"
#include "launcher/formats/format.h"

namespace hadal::launcher::faces {
namespace {

namespace fs = std::filesystem;
using eigenfaces::FaceDistance;
using eigenfaces::Model;
using eigenfaces::Pictures;

struct Options {
  std::string pictures, out;
  std::vector<std::string> models, not_faces;
  bool trained_too = false;
  int windows = 600;
  std::uint64_t seed = 1;
};

struct Measure {
  std::string name;
  std::function<double(const Model&, const FaceDistance&)> of;
};

std::vector<Measure> measures_of(const Model& model) {
  std::vector<Measure> measures{
      {"from face space",
       [](const Model&, const FaceDistance& d) { return std::sqrt(d.from_squared); }},
      {"in face space",
       [](const Model&, const FaceDistance& d) { return std::sqrt(d.in_squared); }}};
  if (model.residual_variance() > 0)
    measures.push_back({"likelihood", [](const Model& m, const FaceDistance& d) {
                          return std::sqrt(eigenfaces::likelihood_distance(m, d));
                        }});
  if (model.calibration)
    measures.push_back({"balanced", [](const Model& m, const FaceDistance& d) {
                          return eigenfaces::balanced_distance(d, m.calibration->held_out_mean);
                        }});
  return measures;
}

std::vector<FaceDistance> distances(const Model& model, const Pictures& pictures) {
  const eigenfaces::Projector projector(model);
  std::vector<FaceDistance> result;
  for (std::int64_t i = 0; i < pictures.count(); ++i)
    result.push_back(projector.project(pictures.picture(i)).distance);
  return result;
}

std::vector<double> values(const Model& model, const Measure& measure,
                           const std::vector<FaceDistance>& distances) {
  std::vector<double> result;
  for (const FaceDistance& distance : distances) result.push_back(measure.of(model, distance));
  return result;
}

// A folder of pictures, or one picture, scaled when it has another size.
Pictures read(const std::string& path, const Model& model) {
  if (!fs::is_directory(path)) return eigenfaces::read_picture(path, model.height, model.width);
  Pictures pictures = eigenfaces::read_faces(path);
  require_size(model, pictures, path);
  return pictures;
}

Sheet distance_sheet(const std::string& name, const Model& model, const Pictures& pictures,
                     const std::vector<FaceDistance>& all) {
  const std::vector<Measure> measures = measures_of(model);
  std::vector<std::string> columns{"picture"};
  for (const Measure& measure : measures) columns.push_back(measure.name);
  if (model.calibration) columns.push_back("verdict");
  Sheet table =
      sheet(fmt::format("{} (lighting {})", name, eigenfaces::name_of(model.lighting)), columns);
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::vector<std::string> texts{pictures.files[i]};
    for (const Measure& measure : measures)
      texts.push_back(fmt::format("{:.4g}", measure.of(model, all[i])));
    if (model.calibration)
      texts.push_back(eigenfaces::balanced_distance(all[i], model.calibration->held_out_mean) <=
                              model.calibration->space_threshold
                          ? "a face"
                          : "not a face");
    table.lines.push_back(line(texts));
  }
  if (model.calibration)
    table.notes.push_back(fmt::format("A face up to a balanced distance of {:.3f}.",
                                      model.calibration->space_threshold));
  return table;
}

// The others that are nearest to faces, and the faces that are farthest.
figures::Figure hardest(const Model& model, const Pictures& faces,
                        const std::vector<FaceDistance>& of_faces, const Pictures& others,
                        const std::vector<FaceDistance>& of_others) {
  constexpr std::size_t kShown = 8;
  const Measure measure = measures_of(model).back();
  figures::PictureSheet sheet{.columns = kShown, .row_names = {"farthest faces", "nearest others"}};
  const auto add = [&](const Pictures& pictures, const std::vector<FaceDistance>& all,
                       bool farthest) {
    const std::vector<double> d = values(model, measure, all);
    std::vector<std::size_t> order(d.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(
        order, [&](std::size_t a, std::size_t b) { return farthest ? d[a] > d[b] : d[a] < d[b]; });
    for (std::size_t i = 0; i < kShown; ++i)
      sheet.tiles.push_back(
          i < order.size()
              ? figures::Tile{image_of(pictures.picture(static_cast<std::int64_t>(order[i])),
                                       model.height, model.width),
                              fmt::format("{:.2f}", d[order[i]])}
              : figures::Tile{});
  };
  add(faces, of_faces, true);
  add(others, of_others, false);
  return picture_sheet(sheet);
}

int run(const Options& o) {
  require_new(o.out);
  report::StudyPage page("Faces or not: " + o.pictures,
                         report::made_by("hadal eigenfaces distance " + o.pictures));
  page.paragraph(
      "Distance from face space e = |x − ψ − U w|; in face space d² = Σ wᵢ²/λᵢ; likelihood "
      "e²/ρ + d²; balanced: the mean of e² and d², each in units of its mean over held-out faces. "
      "What is small is a face.");
  Sheet areas = sheet("Area under the ROC curve", {"measure", "lighting", "k"});
  std::vector<std::pair<std::string, figures::Figure>> drawn, sheets;
  for (const std::string& name : o.models) {
    const Model model = eigenfaces::load(name);
    Pictures faces = read(o.pictures, model);
    faces = eigenfaces::subset(faces, asked_about(model, faces, o.trained_too));
    const std::vector<FaceDistance> of_faces = distances(model, faces);
    const Sheet table = distance_sheet(name, model, faces, of_faces);
    if (o.not_faces.empty()) std::cout << text_of(table);
    page.table(table, true);
    const std::vector<Others> all =
        read_others(o.not_faces, model.height, model.width, o.windows, o.seed);
    if (areas.columns.size() == 3)
      for (const Others& others : all)
        areas.columns.push_back(
            {fmt::format("{} ({})", others.name, others.pictures.count()), true});
    const std::string lighting = eigenfaces::name_of(model.lighting);
    const std::vector<Measure> measures = measures_of(model);
    std::vector<std::vector<std::string>> lines;
    for (const Measure& measure : measures)
      lines.push_back({measure.name, lighting, fmt::format("{}", model.k())});
    for (const Others& others : all) {
      const std::vector<FaceDistance> of_others = distances(model, others.pictures);
      std::vector<NamedRoc> curves;
      for (std::size_t m = 0; m < measures.size(); ++m) {
        curves.push_back(
            {measures[m].name, eigenfaces::roc(values(model, measures[m], of_faces),
                                               values(model, measures[m], of_others))});
        lines[m].push_back(fmt::format("{:.4f}", curves.back().roc.area));
      }
      drawn.emplace_back(
          fmt::format("{} against {}, lighting {}", o.pictures, others.name, lighting),
          roc_figure(fmt::format("{} faces, {} others", faces.count(), others.pictures.count()),
                     curves));
      sheets.emplace_back(
          fmt::format("Hardest by the last measure: {}, lighting {}", others.name, lighting),
          hardest(model, faces, of_faces, others.pictures, of_others));
    }
    for (const std::vector<std::string>& texts : lines) areas.lines.push_back(line(texts));
  }
  if (!o.not_faces.empty()) {
    std::cout << text_of(areas);
    page.table(areas);
  }
  for (std::size_t i = 0; i < drawn.size(); ++i)
    page.figure(drawn[i].second, drawn[i].first).picture(sheets[i].second, sheets[i].first);
  if (o.out.empty()) return 0;
  write_folder_atomically(o.out, [&](const fs::path& folder) {
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      write_figure(folder, fmt::format("roc_{}", i + 1), drawn[i].second);
      write_figure(folder, fmt::format("hardest_{}", i + 1), sheets[i].second);
    }
    write_file_atomically(folder / "report.html", page.html());
  });
  std::cout << fmt::format("wrote {}\n", (fs::path(o.out) / "report.html").string());
  return 0;
}

}  // namespace

Nested declare_distance(Arguments& app) {
  const auto o = std::make_shared<Options>();
  Arguments distance = app.add_nested(
      "distance",
      "how far pictures are from face space and from its middle; with --not-faces, how well that "
      "tells faces from other pictures",
      "hadal eigenfaces distance orl_faces --model runs/faces --not-faces photos --not-faces "
      "mnist");
  distance.add_option("PICTURES", o->pictures, "folder of pictures, or one picture").required();
  distance.add_option("--model", o->models, "folder that `eigenfaces train` wrote; may be repeated")
      .required();
  distance.add_flag("--trained-too", o->trained_too, "also pictures that the model was trained on");
  distance.add_option("--not-faces", o->not_faces,
                      "folder of photographs (windows of them), or a data set; may be repeated");
  distance.add_option("--windows", o->windows, "of each of --not-faces").show_default();
  distance.add_option("--seed", o->seed, "of the windows").show_default();
  distance.add_option("--out", o->out, "folder for the page and its pictures");
  return {distance, [o] { return run(*o); }};
}

}  // namespace hadal::launcher::faces
