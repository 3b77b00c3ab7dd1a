// `hadal eigenfaces dictionary`: dictionaries of pieces of faces, beside principal components of
// the same budget.
#include "experiments/studies/eigenfaces/dictionary.h"

#include <filesystem>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"
#include "experiments/figures/pictures.h"
#include "experiments/figures/plot.h"
#include "experiments/studies/eigenfaces/encoding.h"
#include "experiments/studies/eigenfaces/face_folder.h"
#include "experiments/studies/eigenfaces/splits.h"
#include "launcher/eigenfaces/nested.h"
#include "launcher/eigenfaces/show.h"
#include "launcher/formats/format.h"

namespace hadal::launcher::faces {
namespace {

namespace fs = std::filesystem;
using eigenfaces::Dictionary;
using eigenfaces::Pictures;
using linalg::DenseMatrix;

struct Options {
  std::string folder, out;
  int patch = 8, atoms = 256, nonzeros = 5, iterations = 20, epochs = 10;
  double lambda = 0;
  std::int64_t examples = 10000;
  eigenfaces::SplitOptions split{};
  std::vector<int> budgets{1, 2, 3, 5, 8, 12};
};

struct Learnt {
  DenseMatrix train{}, test{};  // examples less the mean of the training ones
  int height = 0, width = 0;
  eigenfaces::PrincipalAxes axes{};
  Dictionary ksvd{}, online{};
};

Learnt learn(const Options& o) {
  const Pictures pictures = eigenfaces::read_faces(o.folder);
  const eigenfaces::Split parts = eigenfaces::split(pictures, o.split);
  Learnt learnt{.height = o.patch == 0 ? pictures.height : o.patch,
                .width = o.patch == 0 ? pictures.width : o.patch};
  const DenseMatrix train = eigenfaces::patches_of(eigenfaces::subset(pictures, parts.train),
                                                   o.patch, o.examples, o.split.seed);
  const DenseMatrix test = eigenfaces::patches_of(eigenfaces::subset(pictures, parts.test), o.patch,
                                                  o.examples, o.split.seed + 1);
  // Without their means, patches of n values span n - 1 directions.
  learnt.axes = eigenfaces::principal_axes(train, std::min(train.rows, train.cols) - 1);
  learnt.train = eigenfaces::centred(train, learnt.axes.mean);
  learnt.test = eigenfaces::centred(test, learnt.axes.mean);
  learnt.ksvd = eigenfaces::learn_ksvd(
      learnt.train,
      {.atoms = o.atoms, .nonzeros = o.nonzeros, .iterations = o.iterations, .seed = o.split.seed});
  learnt.online = eigenfaces::learn_online(
      learnt.train,
      {.atoms = o.atoms, .lambda = o.lambda, .epochs = o.epochs, .seed = o.split.seed});
  return learnt;
}

Sheet budget_sheet(const Options& o, const Learnt& learnt) {
  const int axes = static_cast<int>(learnt.axes.axes.rows);
  Sheet table =
      sheet(fmt::format("Root mean squared error of {} pieces of held-out pictures (grey levels)",
                        format_count(learnt.test.rows)),
            {"coefficients s", "PCA, first s", "PCA, largest s", "PCA, first 2s", "K-SVD, OMP",
             "K-SVD, LARS", "online, OMP", "online, LARS"});
  const eigenfaces::SparseCoder ksvd(learnt.ksvd.atoms), online(learnt.online.atoms);
  for (const int s : o.budgets) {
    const auto pca = [&](int kept, bool largest) {
      return kept > axes ? std::string("–")
                         : fmt::format("{:.2f}", eigenfaces::encoding_error(
                                                     learnt.test, learnt.axes, kept, largest));
    };
    const auto sparse = [&](const eigenfaces::SparseCoder& coder, eigenfaces::Pursuit pursuit) {
      return fmt::format("{:.2f}", eigenfaces::encoding_error(learnt.test, coder, s, pursuit));
    };
    table.lines.push_back(line(
        {fmt::format("{}", s), pca(s, false), pca(s, true), pca(2 * s, false),
         sparse(ksvd, eigenfaces::Pursuit::kOmp), sparse(ksvd, eigenfaces::Pursuit::kLasso),
         sparse(online, eigenfaces::Pursuit::kOmp), sparse(online, eigenfaces::Pursuit::kLasso)}));
  }
  table.notes.push_back(fmt::format(
      "Every column but the third stores s coefficients for a piece. A sparse code, and the "
      "largest "
      "of PCA, must also say which ones: with an index counted as a number (it is {:.0f} bits) the "
      "fair neighbour is PCA with 2s.",
      std::ceil(std::log2(o.atoms))));
  table.notes.push_back(fmt::format(
      "{} atoms of {} values, learnt from {} pieces; PCA has {} axes. LARS: atoms chosen "
      "by the lasso's path, coefficients fitted anew.",
      o.atoms, learnt.test.cols, format_count(learnt.train.rows), axes));
  return table;
}

figures::Figure atoms_figure(const DenseMatrix& atoms, const Learnt& learnt) {
  constexpr std::int64_t kShown = 256;
  figures::PictureSheet sheet{.columns = learnt.height > 20 ? 10 : 16};
  if (learnt.height <= 20) sheet.tile_width = sheet.tile_height = 32;
  for (std::int64_t j = 0; j < std::min(kShown, atoms.rows); ++j) {
    const std::vector<float> atom(atoms.row(j).begin(), atoms.row(j).end());
    sheet.tiles.push_back({image_of_eigenface(atom, learnt.height, learnt.width), ""});
  }
  return picture_sheet(sheet);
}

figures::Figure errors_figure(const Learnt& learnt) {
  figures::Plot plot{.title = "Error of the training pieces",
                     .x = {.label = "iteration"},
                     .y = {.label = "root mean square (grey levels)"}};
  const auto series = [](const std::string& label, const std::vector<double>& errors) {
    figures::Series series{.label = label, .y = errors};
    for (std::size_t i = 0; i < errors.size(); ++i) series.x.push_back(static_cast<double>(i + 1));
    return series;
  };
  plot.series = {series("K-SVD, after each iteration", learnt.ksvd.errors),
                 series("online, the lasso's of each epoch", learnt.online.errors)};
  return figures::plot(plot);
}

int run(const Options& o) {
  require_new(o.out);
  const Learnt learnt = learn(o);
  const Sheet table = budget_sheet(o, learnt);
  std::cout << text_of(table);
  if (o.out.empty()) return 0;
  report::StudyPage page("A dictionary of " + o.folder,
                         report::made_by("hadal eigenfaces dictionary " + o.folder));
  page.paragraph(
          "Pieces of faces, each less its mean, as combinations of a few atoms: x ≈ Σ aⱼ dⱼ. The "
          "atoms are learnt from training pictures, the errors are of held-out ones.")
      .table(table)
      .picture(atoms_figure(learnt.ksvd.atoms, learnt), "Atoms by K-SVD")
      .picture(atoms_figure(learnt.online.atoms, learnt), "Atoms learnt online")
      .picture(atoms_figure(learnt.axes.axes, learnt), "Principal axes, by descending variance")
      .figure(errors_figure(learnt), "How the dictionaries were learnt");
  write_folder_atomically(o.out, [&](const fs::path& folder) {
    write_figure(folder, "atoms_ksvd", atoms_figure(learnt.ksvd.atoms, learnt));
    write_figure(folder, "atoms_online", atoms_figure(learnt.online.atoms, learnt));
    write_figure(folder, "principal_axes", atoms_figure(learnt.axes.axes, learnt));
    write_figure(folder, "errors", errors_figure(learnt));
    write_file_atomically(folder / "report.html", page.html());
  });
  std::cout << fmt::format("wrote {}\n", (fs::path(o.out) / "report.html").string());
  return 0;
}

}  // namespace

Nested declare_dictionary(Arguments& app) {
  const auto o = std::make_shared<Options>();
  Arguments dictionary = app.add_nested(
      "dictionary",
      "dictionaries of pieces of faces by K-SVD and online, beside PCA of the same budget",
      "hadal eigenfaces dictionary orl_faces --patch 8 --atoms 256 --out runs/dictionary");
  dictionary.add_option("FACES", o->folder, "folder of pictures, one sub-folder a person")
      .required();
  dictionary.add_option("--patch", o->patch, "pixels a side of a piece; 0: whole pictures")
      .show_default();
  dictionary.add_option("--atoms", o->atoms, "of each dictionary").show_default();
  dictionary.add_option("--nonzeros", o->nonzeros, "atoms of a code while K-SVD learns")
      .show_default();
  dictionary.add_option("--lambda", o->lambda, "of the lasso while learning online; 0: by length")
      .show_default();
  dictionary.add_option("--iterations", o->iterations, "of K-SVD").show_default();
  dictionary.add_option("--epochs", o->epochs, "of learning online").show_default();
  dictionary.add_option("--examples", o->examples, "pieces to learn from, and to ask about")
      .check(Check::positive())
      .show_default();
  dictionary.add_option("--budgets", o->budgets, "coefficients a piece, separated by commas")
      .separated_by(',')
      .check(Check::positive())
      .show_default();
  dictionary
      .add_option("--train-per-person", o->split.train_per_person,
                  "pictures of every person to learn from")
      .show_default();
  dictionary.add_option("--seed", o->split.seed, "of pictures, pieces and first atoms")
      .show_default();
  dictionary.add_option("--out", o->out, "folder for the page and its pictures");
  return {dictionary, [o] { return run(*o); }};
}

}  // namespace hadal::launcher::faces
