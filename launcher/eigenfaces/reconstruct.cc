// `hadal eigenfaces reconstruct`: hidden parts of faces from the parts that can be seen.
#include <filesystem>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"
#include "core/image/read_image.h"
#include "core/image/resize.h"
#include "experiments/figures/pictures.h"
#include "experiments/studies/eigenfaces/face_folder.h"
#include "experiments/studies/eigenfaces/occlusion.h"
#include "launcher/eigenfaces/nested.h"
#include "launcher/eigenfaces/show.h"
#include "launcher/formats/format.h"

namespace hadal::launcher::faces {
namespace {

namespace fs = std::filesystem;
using eigenfaces::Model;
using eigenfaces::Pictures;
using eigenfaces::Visible;

struct Options {
  std::string pictures, model, out, rectangle, mask;
  std::vector<double> hide;  // percent
  double ridge = -1;         // below 0: the model's
  bool trained_too = false;
  std::uint64_t seed = 1;
};

// One way of hiding a part of every picture.
struct Hiding {
  std::string name;
  std::function<Visible(std::int64_t picture)> visible;
};

Visible mask_of(const std::string& file, const Model& model) {
  const image::Image mask = image::to_grey(image::read_image(file));
  if (mask.height != model.height || mask.width != model.width)
    throw DataError(fmt::format("{}: a mask of {}x{} pixels, the model has {}x{}", file,
                                mask.height, mask.width, model.height, model.width));
  Visible visible(mask.pixels.size());
  for (std::size_t p = 0; p < visible.size(); ++p) visible[p] = mask.pixels[p] >= 128;
  return visible;
}

std::vector<Hiding> hidings(const Options& o, const Model& model) {
  if (!o.rectangle.empty() + !o.mask.empty() + !o.hide.empty() > 1)
    throw UsageError("eigenfaces reconstruct: wanted one of --hide, --rectangle and --mask");
  if (!o.mask.empty())
    return {{"mask", [visible = mask_of(o.mask, model)](std::int64_t) { return visible; }}};
  if (!o.rectangle.empty()) {
    const Visible visible =
        eigenfaces::all_but(rectangle_of(o.rectangle, "--rectangle"), model.height, model.width);
    return {{"rectangle", [visible](std::int64_t) { return visible; }}};
  }
  std::vector<Hiding> all;
  for (const double percent : o.hide.empty() ? std::vector<double>{10, 25, 50} : o.hide)
    all.push_back(
        {fmt::format("{:g} %", percent), [&o, &model, percent](std::int64_t picture) {
           const random::Stream stream{o.seed, random::Purpose::kCutout,
                                       static_cast<std::uint64_t>(percent * 1000),
                                       static_cast<std::uint64_t>(picture)};
           return eigenfaces::all_but(
               eigenfaces::random_rectangle(percent / 100, model.height, model.width, stream),
               model.height, model.width);
         }});
  return all;
}

// Means over pictures: of the squared error of hidden pixels, and of the PSNR of whole pictures.
struct Score {
  double squared = 0, psnr = 0;

  void add(std::span<const std::uint8_t> truth, std::span<const std::uint8_t> guess,
           const Visible& visible, double weight) {
    const double rmse = eigenfaces::hidden_rmse(truth, guess, visible);
    squared += weight * rmse * rmse;
    psnr += weight * eigenfaces::psnr(truth, guess);
  }
};

struct Completed {
  Visible visible{};
  std::vector<std::uint8_t> plain{}, fitted{};
};

Completed complete(const Model& model, std::span<const std::uint8_t> picture, Visible visible,
                   double ridge) {
  const eigenfaces::PartlyVisible part = eigenfaces::lit_visible(picture, visible, model.lighting);
  const eigenfaces::VisibleFit fit = eigenfaces::fit_visible(model, picture, visible, ridge);
  Completed done{
      .plain = eigenfaces::filled(model, picture, visible, part.relight,
                                  eigenfaces::project_zero_filled(model, part.face, visible)),
      .fitted = eigenfaces::filled(model, picture, visible, fit.relight, fit.weights)};
  done.visible = std::move(visible);
  return done;
}

std::vector<std::uint8_t> spoilt(std::span<const std::uint8_t> picture, const Visible& visible) {
  std::vector<std::uint8_t> result(picture.begin(), picture.end());
  for (std::size_t p = 0; p < result.size(); ++p)
    if (!visible[p]) result[p] = 0;
  return result;
}

int run(const Options& o) {
  require_new(o.out);
  const Model model = eigenfaces::load(o.model);
  Pictures pictures = fs::is_directory(o.pictures)
                          ? eigenfaces::read_faces(o.pictures)
                          : eigenfaces::read_picture(o.pictures, model.height, model.width);
  require_size(model, pictures, o.pictures);
  pictures = eigenfaces::subset(pictures, asked_about(model, pictures, o.trained_too));
  if (o.ridge < 0 && !model.calibration)
    throw ConfigError("eigenfaces reconstruct: the model has no ridge of its own; give --ridge");
  const double ridge = o.ridge < 0 ? model.calibration->ridge : o.ridge;
  const std::vector<Hiding> ways = hidings(o, model);

  constexpr std::int64_t kShown = 8;
  const std::int64_t shown = std::min(kShown, pictures.count());
  Sheet table = sheet(fmt::format("Hidden pixels of {} pictures", pictures.count()),
                      {"hidden", "RMSE mean face", "RMSE plain projection", "RMSE least squares",
                       "below plain", "PSNR plain (dB)", "PSNR least squares (dB)"});
  std::vector<figures::Figure> drawn;
  for (const Hiding& way : ways) {
    Score mean_face, plain, fitted;
    figures::PictureSheet sheet{.columns = static_cast<int>(shown),
                                .row_names = {"hidden", "plain", "least squares", "truth"}};
    sheet.tiles.resize(static_cast<std::size_t>(4 * shown));
    const double weight = 1 / static_cast<double>(pictures.count());
    for (std::int64_t i = 0; i < pictures.count(); ++i) {
      const std::span<const std::uint8_t> truth = pictures.picture(i);
      const Completed done = complete(model, truth, way.visible(i), ridge);
      const auto relight = eigenfaces::lit_visible(truth, done.visible, model.lighting).relight;
      mean_face.add(truth, eigenfaces::filled(model, truth, done.visible, relight, {}),
                    done.visible, weight);
      plain.add(truth, done.plain, done.visible, weight);
      fitted.add(truth, done.fitted, done.visible, weight);
      if (i % ((pictures.count() + shown - 1) / shown) != 0) continue;
      const auto column = static_cast<std::size_t>(i / ((pictures.count() + shown - 1) / shown));
      const auto put = [&](std::size_t row, std::span<const std::uint8_t> pixels,
                           const std::string& caption) {
        sheet.tiles[row * static_cast<std::size_t>(shown) + column] = {
            image_of(pixels, model.height, model.width), caption};
      };
      put(0, spoilt(truth, done.visible), "");
      put(1, done.plain,
          fmt::format("{:.1f}", eigenfaces::hidden_rmse(truth, done.plain, done.visible)));
      put(2, done.fitted,
          fmt::format("{:.1f}", eigenfaces::hidden_rmse(truth, done.fitted, done.visible)));
      put(3, truth, one_line(pictures.files[static_cast<std::size_t>(i)]));
    }
    table.lines.push_back(
        line({way.name, fmt::format("{:.2f}", std::sqrt(mean_face.squared)),
              fmt::format("{:.2f}", std::sqrt(plain.squared)),
              fmt::format("{:.2f}", std::sqrt(fitted.squared)),
              fmt::format("{:.1f} %", 100 * (1 - std::sqrt(fitted.squared / plain.squared))),
              fmt::format("{:.2f}", plain.psnr), fmt::format("{:.2f}", fitted.psnr)}));
    drawn.push_back(picture_sheet(sheet));
  }
  table.notes.push_back(fmt::format(
      "RMSE in grey levels over hidden pixels, PSNR over whole pictures with the visible pixels as "
      "they were. k = {}, lighting {}, ridge r = {:.0f}.",
      model.k(), eigenfaces::name_of(model.lighting), ridge));
  std::cout << text_of(table);
  if (o.out.empty()) return 0;

  report::StudyPage page("Hidden parts of " + o.pictures,
                         report::made_by(fmt::format("hadal eigenfaces reconstruct {} --model {}",
                                                     o.pictures, o.model)));
  page.paragraph(
          "Plain projection: w = Uᵀ M (x − ψ), hidden pixels counting as the mean face's. Least "
          "squares: w = (Uᵀ M U + r Λ⁻¹)⁻¹ Uᵀ M (x − ψ), the most probable face given its visible "
          "pixels when weights are Gaussian with the eigenvalues as variances. M keeps visible "
          "pixels.")
      .table(table);
  for (std::size_t i = 0; i < drawn.size(); ++i)
    page.picture(drawn[i],
                 fmt::format("{} hidden; numbers are RMSE over hidden pixels", ways[i].name));
  write_folder_atomically(o.out, [&](const fs::path& folder) {
    for (std::size_t i = 0; i < drawn.size(); ++i)
      write_figure(folder, fmt::format("hidden_{}", i + 1), drawn[i]);
    write_file_atomically(folder / "report.html", page.html());
  });
  std::cout << fmt::format("wrote {}\n", (fs::path(o.out) / "report.html").string());
  return 0;
}

}  // namespace

Nested declare_reconstruct(Arguments& app) {
  const auto o = std::make_shared<Options>();
  Arguments reconstruct = app.add_nested(
      "reconstruct", "hidden parts of faces from what can be seen of them",
      "hadal eigenfaces reconstruct orl_faces --model runs/faces --hide 10,25,50 --out "
      "runs/hidden");
  reconstruct.add_option("PICTURES", o->pictures, "folder of faces, or one picture").required();
  reconstruct.add_option("--model", o->model, "folder that `eigenfaces train` wrote").required();
  reconstruct
      .add_option("--hide", o->hide,
                  "percent of every picture behind a rectangle at a random place, several "
                  "separated by commas; default: 10,25,50")
      .separated_by(',');
  reconstruct.add_option("--rectangle", o->rectangle, "LEFT,TOP,WIDTH,HEIGHT that is hidden");
  reconstruct.add_option("--mask", o->mask,
                         "picture of the same size, dark (below 128) where pixels are hidden");
  reconstruct.add_option("--ridge", o->ridge, "r; default: the one that calibration chose");
  reconstruct.add_flag("--trained-too", o->trained_too,
                       "also pictures that the model was trained on");
  reconstruct.add_option("--seed", o->seed, "of the places").show_default();
  reconstruct.add_option("--out", o->out, "folder for the page and its pictures");
  return {reconstruct, [o] { return run(*o); }};
}

}  // namespace hadal::launcher::faces
