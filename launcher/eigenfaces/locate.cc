// `hadal eigenfaces locate`: faces in photographs by the face map over positions and scales.
#include "experiments/studies/eigenfaces/locate.h"

#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"
#include "core/image/png.h"
#include "experiments/figures/figure.h"
#include "experiments/figures/plot.h"
#include "experiments/studies/eigenfaces/detection_score.h"
#include "experiments/studies/eigenfaces/face_folder.h"
#include "launcher/eigenfaces/nested.h"
#include "launcher/eigenfaces/scenes.h"
#include "launcher/eigenfaces/show.h"
#include "launcher/formats/format.h"

namespace hadal::launcher::faces {
namespace {

namespace fs = std::filesystem;
using eigenfaces::Criterion;
using eigenfaces::Judged;
using eigenfaces::Located;
using eigenfaces::LocateOptions;
using eigenfaces::MapDistance;
using eigenfaces::Model;

struct Options {
  std::vector<std::string> pictures;
  std::string model, out, boxes, background, distance = "balanced";
  std::optional<double> threshold;
  double false_alarms = 1;
  LocateOptions locate{};
};

// One way to locate, and what it found.
struct Run {
  std::string name;
  double threshold = 0, seconds = 0;
  std::vector<Located> located{};
  std::vector<Judged> judged{};  // where boxes are given

  std::vector<eigenfaces::Detection> faces_of(std::size_t picture) const {
    std::vector<eigenfaces::Detection> faces;
    for (const eigenfaces::Detection& face : located[picture].faces)
      if (face.distance <= threshold) faces.push_back(face);
    return faces;
  }
};

using Boxes = std::map<std::string, std::vector<eigenfaces::Box>>;

Run run_one(const std::string& name, const Model& model, const LocateOptions& options,
            std::span<const Scene> scenes, const Boxes& boxes) {
  const SystemClock clock;
  Run run{.name = name};
  const double start = clock.now_s();
  const eigenfaces::FaceLocator locator(model, options, sizes_of(scenes));
  for (const Scene& scene : scenes) run.located.push_back(locator.locate(scene.image));
  run.seconds = clock.now_s() - start;
  for (std::size_t i = 0; i < scenes.size(); ++i) {
    const auto drawn = boxes.find(scenes[i].name);
    if (drawn != boxes.end()) run.judged.push_back({drawn->second, run.located[i].faces});
  }
  return run;
}

double own_threshold(const Options& o, const Model& model, const LocateOptions& options) {
  if (o.threshold) return *o.threshold;
  if (options.distance == MapDistance::kBalanced) return model.calibration->space_threshold;
  throw UsageError(fmt::format(
      "--distance {} has no threshold of its own; give --threshold, or --background with pictures "
      "without faces",
      eigenfaces::name_of(options.distance)));
}

double background_threshold(const Options& o, const Model& model, const LocateOptions& options,
                            std::span<const Scene> background) {
  const double threshold = eigenfaces::threshold_for(
      run_one("", model, options, background, {}).located, o.false_alarms);
  if (!std::isfinite(threshold))
    throw ConfigError(
        fmt::format("--background {}: fewer than {:g} windows a picture look at all like faces; "
                    "give --threshold",
                    o.background, o.false_alarms));
  return threshold;
}

Boxes boxes_of(const Options& o, std::span<const Scene> scenes) {
  if (o.boxes.empty()) return {};
  Boxes boxes = eigenfaces::read_boxes(o.boxes);
  for (const Scene& scene : scenes)
    if (boxes.contains(scene.name)) return boxes;
  throw DataError(
      fmt::format("{}: no box is in a picture of this run, as {}", o.boxes, scenes.front().name));
}

struct Found {
  std::vector<Run> runs{};  // the first is asked for, the others stand beside it
  Boxes boxes{};
  std::string threshold_from{};
};

Found find(const Options& o, const Model& model, std::span<const Scene> scenes) {
  Found found{.boxes = boxes_of(o, scenes)};
  std::vector<Scene> background;
  if (!o.background.empty())
    for (image::Image& image : eigenfaces::read_photographs(o.background))
      background.push_back({"", std::move(image)});
  found.threshold_from = !background.empty()
                             ? fmt::format("{:g} a picture on {} pictures without faces in {}",
                                           o.false_alarms, background.size(), o.background)
                         : o.threshold ? "as asked for"
                                       : "the model's own";
  LocateOptions asked = o.locate;
  asked.distance = eigenfaces::map_distance_of(o.distance);
  const double threshold = background.empty() ? own_threshold(o, model, asked)
                                              : background_threshold(o, model, asked, background);
  found.runs.push_back(run_one(o.distance, model, asked, scenes, found.boxes));
  found.runs[0].threshold = threshold;
  if (found.boxes.empty()) return found;
  LocateOptions mean_face = o.locate;
  mean_face.distance = MapDistance::kMeanFace;
  mean_face.check_roughness = false;
  found.runs.push_back(run_one("mean-face", model, mean_face, scenes, found.boxes));
  // At as many detections as the other made, when no background says better.
  if (!background.empty()) {
    found.runs[1].threshold = background_threshold(o, model, mean_face, background);
  } else {
    const Run& first = found.runs[0];
    std::size_t detections = 0;
    for (std::size_t i = 0; i < scenes.size(); ++i) detections += first.faces_of(i).size();
    found.runs[1].threshold =
        eigenfaces::threshold_for(found.runs[1].located, static_cast<double>(detections) /
                                                             static_cast<double>(scenes.size()));
  }
  return found;
}

constexpr double kFalseAlarms[] = {0.1, 0.3, 1, 3, 10};

std::string name_of(Criterion criterion) {
  return criterion == Criterion::kOverlap ? "overlap ≥ 0.5" : "centre in box, width within 2×";
}

std::string counted(std::size_t count, const std::string& what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string shown(const Run& run) {
  return run.name == "mean-face" ? "mean-face (baseline)" : run.name;
}

Sheet score_sheet(const Found& found) {
  Sheet table = sheet("Against the boxes that are given",
                      {"distance, criterion", "found", "recall", "false alarms a picture",
                       "precision", "recall at 0.1", "0.3", "1", "3", "10 false alarms a picture"});
  for (const Run& run : found.runs)
    for (const Criterion criterion : {Criterion::kOverlap, Criterion::kCentre}) {
      const auto counts = eigenfaces::count(run.judged, run.threshold, criterion);
      const auto pictures = static_cast<double>(run.judged.size());
      std::vector<std::string> texts{fmt::format("{}, {}", shown(run), name_of(criterion)),
                                     fmt::format("{} of {}", counts.hits, counts.faces),
                                     fmt::format("{:.3f}", counts.recall()),
                                     fmt::format("{:.2f}", counts.false_alarms / pictures),
                                     fmt::format("{:.3f}", counts.precision())};
      const auto curve = eigenfaces::score_curve(run.judged, criterion);
      for (const double alarms : kFalseAlarms)
        texts.push_back(fmt::format("{:.3f}", eigenfaces::recall_at(curve, alarms * pictures)));
      table.lines.push_back(line(texts));
    }
  table.notes.push_back(
      "The last columns sweep the threshold over these very pictures: what could be had, not what "
      "a "
      "threshold set beforehand gives.");
  return table;
}

figures::Figure score_figure(const Found& found) {
  figures::Plot plot{.title = "Faces found by false alarms",
                     .x = {.label = "false alarms a picture", .log = true},
                     .y = {.label = "recall", .minimum = 0, .maximum = 1}};
  for (const Run& run : found.runs)
    for (const Criterion criterion : {Criterion::kOverlap, Criterion::kCentre}) {
      figures::Series series{.label = fmt::format("{}, {}", shown(run), name_of(criterion)),
                             .style = criterion == Criterion::kOverlap ? figures::Style::kLine
                                                                       : figures::Style::kDashed};
      for (const auto& point : eigenfaces::score_curve(run.judged, criterion)) {
        series.x.push_back(point.counts.false_alarms / static_cast<double>(run.judged.size()));
        series.y.push_back(point.counts.recall());
      }
      plot.series.push_back(std::move(series));
    }
  return figures::plot(std::move(plot));
}

std::string boxes_csv(std::span<const Scene> scenes, const Run& run) {
  std::string csv = "file,left,top,width,height,distance\n";
  for (std::size_t i = 0; i < scenes.size(); ++i)
    for (const auto& [box, distance] : run.faces_of(i))
      csv += fmt::format("{},{:.1f},{:.1f},{:.1f},{:.1f},{:.4f}\n", scenes[i].name, box.left,
                         box.top, box.width, box.height, distance);
  return csv;
}

nlohmann::json summary(const Options& o, const Model& model, std::span<const Scene> scenes,
                       const Found& found) {
  const Run& run = found.runs.front();
  std::size_t detections = 0;
  for (std::size_t i = 0; i < scenes.size(); ++i) detections += run.faces_of(i).size();
  nlohmann::json summary{{"model", o.model},
                         {"window", {model.width, model.height}},
                         {"components", model.k()},
                         {"lighting", eigenfaces::name_of(model.lighting)},
                         {"distance", o.distance},
                         {"threshold", run.threshold},
                         {"threshold_from", found.threshold_from},
                         {"pictures", scenes.size()},
                         {"detections", detections},
                         {"seconds", run.seconds}};
  for (const Run& judged : found.runs) {
    if (judged.judged.empty()) continue;
    for (const Criterion criterion : {Criterion::kOverlap, Criterion::kCentre}) {
      const auto counts = eigenfaces::count(judged.judged, judged.threshold, criterion);
      summary["scores"].push_back(
          {{"distance", judged.name},
           {"criterion", criterion == Criterion::kOverlap ? "overlap" : "centre"},
           {"threshold", judged.threshold},
           {"faces", counts.faces},
           {"hits", counts.hits},
           {"false_alarms", counts.false_alarms},
           {"recall", counts.recall()},
           {"precision", counts.precision()}});
    }
  }
  return summary;
}

std::string page_of(const Options& o, const Model& model, std::span<const Scene> scenes,
                    const Found& found) {
  const Run& run = found.runs.front();
  std::size_t detections = 0;
  for (std::size_t i = 0; i < scenes.size(); ++i) detections += run.faces_of(i).size();
  report::StudyPage page("Faces located",
                         report::made_by(fmt::format("hadal eigenfaces locate {} --model {}",
                                                     join(o.pictures, " "), o.model)));
  page.key_figures(
          {{"pictures", fmt::format("{}", scenes.size())},
           {"detections", fmt::format("{}", detections)},
           {"threshold", fmt::format("{:.3f}", run.threshold)},
           {"a picture",
            fmt::format("{:.0f} ms", 1000 * run.seconds / static_cast<double>(scenes.size()))}})
      .paragraph(fmt::format(
          "Every window of {}x{} pixels at every position of a pyramid (steps of {}), lighting {}, "
          "by its {} distance with {} eigenfaces. Threshold {:.3f}: {}. Windows flatter than {} "
          "grey "
          "levels, or smoother or rougher than faces, are left out; of detections that overlap by "
          "more than {} the nearest is kept.",
          model.width, model.height, o.locate.pyramid.ratio, eigenfaces::name_of(model.lighting),
          o.distance, model.k(), run.threshold, found.threshold_from, o.locate.least_deviation,
          o.locate.overlap));
  if (!run.judged.empty())
    page.table(score_sheet(found))
        .figure(score_figure(found),
                "Every threshold; the baseline is the distance to the mean "
                "face alone, without eigenfaces")
        .note(
            "This is the method of 1991: faces are one Gaussian, and nothing was learned of what "
            "is no "
            "face. Expect less of it than of detectors that did.");
  for (std::size_t i = 0; i < scenes.size(); ++i) {
    const auto drawn = found.boxes.find(scenes[i].name);
    const auto truth = drawn == found.boxes.end() ? std::vector<eigenfaces::Box>{} : drawn->second;
    page.picture(
            with_boxes(scenes[i].image, run.faces_of(i), truth),
            fmt::format("{}: {}{}", scenes[i].name, counted(run.faces_of(i).size(), "detection"),
                        truth.empty() ? "" : "; dashed: the boxes that are given"))
        .picture(
            map_picture(run.located[i], scenes[i].image, 0.8 * run.threshold, 1.8 * run.threshold),
            fmt::format("{}: face map, the least distance over scales; light is near a face, "
                        "grey was not looked at",
                        scenes[i].name));
  }
  return page.html();
}

int run(const Options& o) {
  require_new(o.out);
  const Model model = eigenfaces::load(o.model);
  const std::vector<Scene> scenes = read_scenes(o.pictures);
  const Found found = find(o, model, scenes);
  const Run& first = found.runs.front();
  for (std::size_t i = 0; i < scenes.size(); ++i)
    std::cout << fmt::format("{}: {}\n", one_line(scenes[i].name),
                             counted(first.faces_of(i).size(), "detection"));
  std::cout << fmt::format("threshold {:.3f} ({})\n", first.threshold, found.threshold_from);
  if (!first.judged.empty()) std::cout << text_of(score_sheet(found));
  write_folder_atomically(o.out, [&](const fs::path& folder) {
    write_file_atomically(folder / "boxes.csv", boxes_csv(scenes, first));
    for (std::size_t i = 0; i < scenes.size(); ++i) {
      image::write_png(folder / drawn_name(scenes[i], "faces"),
                       figures::to_image(with_boxes(scenes[i].image, first.faces_of(i))));
      image::write_png(folder / drawn_name(scenes[i], "map"),
                       map_picture(first.located[i], scenes[i].image, 0.8 * first.threshold,
                                   1.8 * first.threshold));
    }
    if (!first.judged.empty()) write_figure(folder, "score", score_figure(found));
    write_file_atomically(folder / "summary.json", summary(o, model, scenes, found).dump(2) + "\n");
    write_file_atomically(folder / "report.html", page_of(o, model, scenes, found));
  });
  std::cout << fmt::format("wrote {}\n", (fs::path(o.out) / "report.html").string());
  return 0;
}

}  // namespace

Nested declare_locate(Arguments& app) {
  const auto o = std::make_shared<Options>();
  Arguments locate = app.add_nested(
      "locate", "faces in photographs, at every position and scale",
      "hadal eigenfaces train orl_faces --part 14,34,64,64 --size 20x20 --out runs/window\n"
      "  hadal eigenfaces locate photos --model runs/window --out runs/located");
  locate.add_option("PICTURES", o->pictures, "pictures, or folders of them").required();
  locate.add_option("--model", o->model, "folder that `eigenfaces train` wrote").required();
  locate.add_option("--out", o->out, "folder for boxes, drawn pictures, face maps and the page")
      .required();
  locate.add_option("--boxes", o->boxes,
                    "CSV file,left,top,width,height of the faces that are there: reports recall "
                    "and precision, beside those of the mean face alone");
  locate.add_option("--distance", o->distance, "balanced, face-space, likelihood, mean-face")
      .show_default();
  const Option threshold = locate.add_option(
      "--threshold", o->threshold, "largest distance of a face; default: the model's own");
  locate
      .add_option("--background", o->background,
                  "folder of pictures without faces: takes the threshold at which they have "
                  "--false-alarms each")
      .excludes(threshold);
  locate.add_option("--false-alarms", o->false_alarms, "a picture of --background")
      .check(Check::not_negative())
      .show_default();
  locate.add_option("--scales", o->locate.pyramid.ratio, "ratio of one scale to the next")
      .show_default();
  locate
      .add_option("--smallest", o->locate.pyramid.smallest,
                  "width of the smallest face in pixels; 0: 24, or the window's where larger")
      .show_default();
  locate.add_option("--largest", o->locate.pyramid.largest, "width of the largest; 0: any")
      .show_default();
  locate
      .add_option("--overlap", o->locate.overlap,
                  "of two detections at most, intersection over union")
      .check(Check::between(0.0, 1.0))
      .show_default();
  return {locate, [o] { return run(*o); }};
}

}  // namespace hadal::launcher::faces
