// `hadal eigenfaces train`: from a folder of faces to a model, with its pictures and its page.
#include <filesystem>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"
#include "core/image/png.h"
#include "dist/self_communicator.h"
#include "experiments/figures/pictures.h"
#include "experiments/figures/scree.h"
#include "experiments/studies/eigenfaces/calibrate.h"
#include "experiments/studies/eigenfaces/face_folder.h"
#include "experiments/studies/eigenfaces/face_part.h"
#include "experiments/studies/eigenfaces/splits.h"
#include "experiments/studies/eigenfaces/train_randomized.h"
#include "launcher/eigenfaces/nested.h"
#include "launcher/eigenfaces/show.h"
#include "launcher/formats/format.h"

namespace hadal::launcher::faces {
namespace {

namespace fs = std::filesystem;
using eigenfaces::Calibrated;
using eigenfaces::Model;
using eigenfaces::Pictures;

struct Options {
  std::string folder, out, lighting = "normalised", method = "gram", part, size;
  int components = 100, shift = 2;
  eigenfaces::SplitOptions split{.train_per_person = 0};
};

struct Trained {
  Model model{};
  std::optional<Calibrated> calibrated{};
  double seconds = 0;
  Pictures shown{};  // some of what was not trained on, or of what was
  bool held_out = false;
};

std::vector<std::int64_t> all_of(const Pictures& pictures) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(pictures.count()));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int64_t>(i);
  return all;
}

// Six pictures of six people as far apart as there are, in the order of the folder.
Pictures some_of(const Pictures& pictures, const std::vector<std::int64_t>& from) {
  constexpr std::size_t kShown = 6;
  std::vector<std::int64_t> chosen;
  for (std::size_t i = 0; i < std::min(kShown, from.size()); ++i)
    chosen.push_back(from[i * from.size() / std::min(kShown, from.size())]);
  return eigenfaces::subset(pictures, chosen);
}

// "20x24", width first as pictures' sizes are written.
std::pair<int, int> size_of(const std::string& text) {
  const std::vector<std::string> sides = split(text, 'x');
  if (sides.size() != 2) throw UsageError(fmt::format("--size '{}': wanted WIDTHxHEIGHT", text));
  return {static_cast<int>(parse_int(sides[0], "--size")),
          static_cast<int>(parse_int(sides[1], "--size"))};
}

Pictures read(const Options& o) {
  const Pictures whole = eigenfaces::read_faces(o.folder);
  if (o.part.empty() && o.size.empty()) return whole;
  const eigenfaces::Rectangle part = o.part.empty()
                                         ? eigenfaces::Rectangle{0, 0, whole.width, whole.height}
                                         : rectangle_of(o.part, "--part");
  const auto [width, height] =
      o.size.empty() ? std::pair{part.width, part.height} : size_of(o.size);
  return eigenfaces::scaled_part(whole, part, height, width);
}

Model by_method(const Options& o, const Pictures& known, const eigenfaces::TrainOptions& options) {
  if (o.method == "randomized")
    return eigenfaces::train_randomized(*dist::make_self_communicator(), known, options,
                                        o.split.seed);
  if (o.method != "gram")
    throw ConfigError(
        unknown_name("method", o.method, std::vector<std::string>{"gram", "randomized"}));
  return o.components > 0 && o.components < known.count()
             ? eigenfaces::train(known, options)
             : eigenfaces::train_at_most(known, options);
}

Trained train(const Options& o) {
  const Pictures pictures = read(o);
  eigenfaces::Split parts{.train = all_of(pictures)};
  if (o.split.train_per_person > 0)
    parts = eigenfaces::split(pictures, o.split);
  else if (o.split.strangers > 0)
    throw UsageError("--strangers wants --train-per-person too");
  const Pictures known = eigenfaces::subset(pictures, parts.train);
  const eigenfaces::TrainOptions options{.components = o.components,
                                         .lighting = eigenfaces::lighting_of(o.lighting),
                                         .shift = o.shift};
  Trained trained{.held_out = !parts.test.empty()};
  const SystemClock clock;
  const double start = clock.now_s();
  trained.model = by_method(o, known, options);
  trained.seconds = clock.now_s() - start;
  try {
    trained.calibrated = eigenfaces::calibrate(known, options, {.seed = o.split.seed});
    trained.model.calibration = trained.calibrated->calibration;
  } catch (const DataError& e) {
    std::cerr << fmt::format("no thresholds: {}\n", e.what());
  }
  trained.shown = some_of(pictures, trained.held_out ? parts.test : parts.train);
  return trained;
}

figures::Figure eigenfaces_sheet(const Model& model) {
  figures::PictureSheet sheet{.columns = 8};
  sheet.tiles.push_back({image_of_face(model.mean, model.height, model.width), "mean face"});
  for (int i = 0; i < std::min(model.k(), 39); ++i) {
    const double share = model.eigenvalues[static_cast<std::size_t>(i)] / model.total_variance;
    sheet.tiles.push_back({image_of_eigenface(model.eigenface(i), model.height, model.width),
                           fmt::format("{}: {:.1f} %", i + 1, 100 * share)});
  }
  return picture_sheet(sheet);
}

figures::Figure reconstructions(const Trained& trained) {
  const Model& model = trained.model;
  figures::PictureSheet sheet;
  std::vector<int> steps;
  for (const int k : {1, 5, 20, 100})
    if (k <= model.k()) steps.push_back(k);
  if (steps.empty() || (steps.back() != model.k() && model.k() < 100)) steps.push_back(model.k());
  sheet.column_names = {"as lit"};
  for (const int k : steps) sheet.column_names.push_back(fmt::format("k = {}", k));
  sheet.columns = static_cast<int>(sheet.column_names.size());
  for (std::int64_t i = 0; i < trained.shown.count(); ++i) {
    const std::vector<float> face = eigenfaces::lit(trained.shown.picture(i), model.lighting);
    const std::vector<float> weights = eigenfaces::project(model, face);
    sheet.row_names.push_back(one_line(trained.shown.files[static_cast<std::size_t>(i)]));
    sheet.tiles.push_back({image_of_face(face, model.height, model.width), ""});
    for (const int k : steps) {
      const std::vector<float> guess =
          eigenfaces::reconstruct(model, std::span(weights).first(static_cast<std::size_t>(k)));
      double squared = 0;
      for (std::size_t p = 0; p < face.size(); ++p)
        squared += (double{face[p]} - guess[p]) * (double{face[p]} - guess[p]);
      sheet.tiles.push_back(
          {image_of_face(guess, model.height, model.width),
           fmt::format("error {:.1f}", std::sqrt(squared / static_cast<double>(face.size())))});
    }
  }
  return picture_sheet(sheet);
}

figures::Figure scree_of(const Model& model) {
  figures::Scree scree{.title = "Variance by eigenface"};
  for (const double lambda : model.eigenvalues)
    scree.shares.push_back(lambda / model.total_variance);
  return figures::scree(scree);
}

Sheet likeness_sheet(const Calibrated& calibrated) {
  Sheet table = sheet("Recognised among held-out training pictures", {"likeness", "share"});
  for (const Calibrated::Accuracy& of : calibrated.accuracies)
    table.lines.push_back(
        line({eigenfaces::name_of(of.likeness) +
                  (eigenfaces::name_of(of.likeness) == calibrated.calibration.likeness ? " (chosen)"
                                                                                       : ""),
              fmt::format("{:.4f}", of.accuracy)}));
  table.notes.emplace_back(
      "Five folds of the training pictures, each held out once; nothing that is asked about later "
      "takes part in the choice.");
  return table;
}

std::vector<report::KeyFigure> key_figures(const Trained& trained) {
  const Model& model = trained.model;
  double kept = 0;
  for (const double lambda : model.eigenvalues) kept += lambda;
  std::vector<report::KeyFigure> figures{
      {"pictures", format_count(static_cast<long long>(model.files.size()))},
      {"eigenfaces", fmt::format("{}", model.k())},
      {"variance kept", fmt::format("{:.1f} %", 100 * kept / model.total_variance)},
      {"training", fmt::format("{:.0f} ms", 1000 * trained.seconds)}};
  if (model.calibration) {
    figures.push_back(
        {"face threshold", fmt::format("{:.3f}", model.calibration->space_threshold)});
    figures.push_back(
        {"person threshold", fmt::format("{:.4g}", model.calibration->person_threshold)});
  }
  return figures;
}

std::string page_of(const Options& o, const Trained& trained) {
  const Model& model = trained.model;
  report::StudyPage page("Eigenfaces of " + o.folder,
                         report::made_by(fmt::format("hadal eigenfaces train {}", o.folder)));
  page.key_figures(key_figures(trained))
      .paragraph(fmt::format(
          "Eigenvectors of the covariance of {} faces of {}x{} pixels, by {}; lighting {}.",
          model.files.size(), model.height, model.width,
          o.method == "gram" ? "the Gram matrix of the pictures" : "randomized SVD", o.lighting))
      .picture(eigenfaces_sheet(model),
               "The mean face and the leading eigenfaces with their share of the variance; middle "
               "grey is 0")
      .picture(reconstructions(trained),
               fmt::format("Faces that were {}, from their first k weights; the error is the root "
                           "mean square over pixels",
                           trained.held_out ? "held out" : "trained on"))
      .figure(scree_of(model),
              "How much of the variance each eigenface explains, and the first of "
              "them together");
  if (trained.calibrated) page.table(likeness_sheet(*trained.calibrated));
  return page.html();
}

int run(const Options& o) {
  require_new(o.out);
  const Trained trained = train(o);
  const Model& model = trained.model;
  for (const report::KeyFigure& figure : key_figures(trained))
    std::cout << fmt::format("{:<17} {}\n", figure.label, figure.value);
  if (model.calibration)
    std::cout << fmt::format("likeness          {}\n", model.calibration->likeness);
  write_folder_atomically(o.out, [&](const fs::path& folder) {
    write_file_atomically(folder / eigenfaces::kModelFile, eigenfaces::encode(model));
    image::write_png(folder / "mean.png", image_of_face(model.mean, model.height, model.width));
    write_figure(folder, "eigenfaces", eigenfaces_sheet(model));
    write_figure(folder, "reconstructions", reconstructions(trained));
    write_figure(folder, "scree", scree_of(model));
    write_file_atomically(folder / "report.html", page_of(o, trained));
  });
  std::cout << fmt::format("wrote {}\n", (fs::path(o.out) / "report.html").string());
  return 0;
}

}  // namespace

Nested declare_train(Arguments& app) {
  const auto o = std::make_shared<Options>();
  Arguments train =
      app.add_nested("train", "mean face, eigenfaces and thresholds from a folder of faces",
                     "hadal eigenfaces train orl_faces --train-per-person 5 --out runs/faces");
  train.add_option("FACES", o->folder, "folder of pictures of one size, one sub-folder a person")
      .required();
  train.add_option("--out", o->out, "folder of the model, its pictures and its page").required();
  train.add_option("--components", o->components, "eigenfaces kept; 0: all that the pictures span")
      .check(Check::not_negative())
      .show_default();
  train
      .add_option("--lighting", o->lighting,
                  "normalised: brightness and contrast of every picture made the same; as-is")
      .show_default();
  train
      .add_option("--method", o->method,
                  "gram: eigenvectors of the pictures' products; randomized: randomized SVD, for "
                  "many thousands of pictures")
      .show_default();
  train
      .add_option("--train-per-person", o->split.train_per_person,
                  "pictures of every person to train on, the others held out; 0: all")
      .show_default();
  train.add_option("--part", o->part,
                   "LEFT,TOP,WIDTH,HEIGHT of every picture to train on, as the face without hair");
  train.add_option("--size", o->size, "WIDTHxHEIGHT to scale it to, for `locate` and `track`");
  train.add_option("--strangers", o->split.strangers, "people held out altogether").show_default();
  train
      .add_option("--shift", o->shift,
                  "know every training picture also moved by so many pixels; 0: not")
      .check(Check::not_negative())
      .show_default();
  train.add_option("--seed", o->split.seed, "which pictures and people are held out")
      .show_default();
  return {train, [o] { return run(*o); }};
}

}  // namespace hadal::launcher::faces
