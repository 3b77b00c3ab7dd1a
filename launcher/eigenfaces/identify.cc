// `hadal eigenfaces identify`: who is on pictures, by a model; or how often people are recognised,
// over several splits of a folder.
#include "experiments/studies/eigenfaces/identify.h"

#include <filesystem>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "experiments/figures/heat_map.h"
#include "experiments/figures/pictures.h"
#include "experiments/studies/eigenfaces/face_folder.h"
#include "launcher/eigenfaces/nested.h"
#include "launcher/eigenfaces/show.h"
#include "launcher/formats/format.h"

namespace hadal::launcher::faces {
namespace {

namespace fs = std::filesystem;
using eigenfaces::Answer;
using eigenfaces::IdentifyStudy;
using eigenfaces::Model;
using eigenfaces::Outcomes;
using eigenfaces::Pictures;

struct Options {
  std::string folder, model, out, lighting = "normalised";
  bool trained_too = false;
  eigenfaces::StudyOptions study{.splits = 0, .train = {.components = 100, .shift = 2}};
  std::vector<std::string> not_faces;
  int windows = 300;
};

std::vector<SheetCell> line_of(const std::string& name, const Outcomes& outcomes) {
  const auto share = [&](std::int64_t count) {
    return outcomes.count() == 0
               ? std::string("–")
               : fmt::format("{:.1f} %", 100.0 * static_cast<double>(count) /
                                             static_cast<double>(outcomes.count()));
  };
  return line({name, fmt::format("{}", outcomes.count()), share(outcomes.right),
               share(outcomes.wrong), share(outcomes.unknown), share(outcomes.no_face)});
}

Sheet outcome_sheet() {
  return sheet("With both thresholds",
               {"pictures of", "n", "right person", "wrong person", "unknown", "not a face"});
}

// ---- by a model ----

struct Asked {
  Model model;
  Pictures pictures;
  std::vector<std::int64_t> indices{};
  std::vector<Answer> answers{};
  /// The person's label in the model, or -1: by the name of the folder.
  std::vector<int> truths{};
};

int label_in(const Model& model, const std::string& person) {
  for (const int label : model.labels)
    if (model.people[static_cast<std::size_t>(label)] == person) return label;
  return -1;
}

Asked ask(const Options& o) {
  Asked asked{.model = eigenfaces::load(o.model), .pictures = eigenfaces::read_faces(o.folder)};
  require_size(asked.model, asked.pictures, o.folder);
  asked.indices = asked_about(asked.model, asked.pictures, o.trained_too);
  const eigenfaces::Identifier identifier(asked.model);
  for (const std::int64_t i : asked.indices) {
    asked.answers.push_back(identifier.identify(asked.pictures.picture(i)));
    const auto person =
        static_cast<std::size_t>(asked.pictures.labels[static_cast<std::size_t>(i)]);
    asked.truths.push_back(label_in(asked.model, asked.pictures.people[person]));
  }
  return asked;
}

std::string said(const Model& model, const Answer& answer) {
  return answer.verdict == eigenfaces::Verdict::kKnown
             ? model.people[static_cast<std::size_t>(answer.match.label)]
             : eigenfaces::name_of(answer.verdict);
}

Sheet answer_sheet(const Asked& asked) {
  const eigenfaces::Calibration& calibration = *asked.model.calibration;
  Sheet table = sheet("Answers", {"picture", "answer", "nearest", "distance", "from faces"});
  for (std::size_t i = 0; i < asked.answers.size(); ++i) {
    const Answer& answer = asked.answers[i];
    table.lines.push_back(
        line({asked.pictures.files[static_cast<std::size_t>(asked.indices[i])],
              said(asked.model, answer),
              asked.model.people[static_cast<std::size_t>(answer.match.label)],
              fmt::format("{:.4g}", answer.match.distance), fmt::format("{:.3f}", answer.space)}));
  }
  table.notes.push_back(fmt::format("A face up to {:.3f} from faces, known up to {:.4g} by {}.",
                                    calibration.space_threshold, calibration.person_threshold,
                                    calibration.likeness));
  return table;
}

Sheet outcomes_of(const Asked& asked) {
  Outcomes known, strangers;
  std::int64_t nearest = 0;
  for (std::size_t i = 0; i < asked.answers.size(); ++i) {
    const Answer& answer = asked.answers[i];
    Outcomes& to = asked.truths[i] < 0 ? strangers : known;
    nearest += asked.truths[i] >= 0 && answer.match.label == asked.truths[i];
    if (answer.verdict == eigenfaces::Verdict::kNoFace)
      ++to.no_face;
    else if (answer.verdict == eigenfaces::Verdict::kUnknown)
      ++to.unknown;
    else
      ++(answer.match.label == asked.truths[i] ? to.right : to.wrong);
  }
  Sheet table = outcome_sheet();
  table.lines = {line_of("known people", known), line_of("others", strangers)};
  if (known.count() > 0)
    table.notes.push_back(fmt::format(
        "Of {} pictures of known people {} are nearest to the right one ({:.1f} %).", known.count(),
        nearest, 100.0 * static_cast<double>(nearest) / static_cast<double>(known.count())));
  return table;
}

// Pictures with the nearest person's mean face below, mistakes first.
figures::Figure examples(const Asked& asked) {
  constexpr std::size_t kShown = 24;
  std::vector<std::size_t> order;
  for (const bool mistakes : {true, false})
    for (std::size_t i = 0; i < asked.answers.size(); ++i)
      if (mistakes == (asked.answers[i].verdict != eigenfaces::Verdict::kKnown ||
                       asked.answers[i].match.label != asked.truths[i]))
        order.push_back(i);
  order.resize(std::min(order.size(), kShown));
  figures::PictureSheet sheet{.columns = 6, .tile_width = 130, .tile_height = 130};
  for (const std::size_t i : order)
    sheet.tiles.push_back(
        {image_of(asked.pictures.picture(asked.indices[i]), asked.model.height, asked.model.width),
         one_line(fmt::format("{}: {}",
                              asked.pictures.files[static_cast<std::size_t>(asked.indices[i])],
                              said(asked.model, asked.answers[i])))});
  return picture_sheet(sheet);
}

int identify(const Options& o) {
  const Asked asked = ask(o);
  const Sheet answers = answer_sheet(asked), outcomes = outcomes_of(asked);
  std::cout << text_of(answers) << text_of(outcomes);
  if (o.out.empty()) return 0;
  report::StudyPage page(
      "Who is on " + o.folder,
      report::made_by(fmt::format("hadal eigenfaces identify {} --model {}", o.folder, o.model)));
  page.table(outcomes)
      .picture(examples(asked), "Pictures and answers, mistakes first")
      .table(answers, true);
  write_folder_atomically(o.out, [&](const fs::path& folder) {
    write_figure(folder, "answers", examples(asked));
    write_file_atomically(folder / "report.html", page.html());
  });
  std::cout << fmt::format("wrote {}\n", (fs::path(o.out) / "report.html").string());
  return 0;
}

// ---- over splits ----

Sheet score_sheet(const Options& o, const IdentifyStudy& study) {
  Sheet table = sheet(
      fmt::format("Recognised, {} training pictures a person", o.study.split.train_per_person),
      {"likeness", "share of test pictures"});
  for (const IdentifyStudy::Score& score : study.scores)
    table.lines.push_back(line({eigenfaces::name_of(score.likeness), mean_text(score.accuracies)}));
  table.lines.push_back(line({"chosen on training pictures", mean_text(study.chosen)}));
  std::map<std::string, int> chosen;
  for (const std::string& choice : study.choices) ++chosen[choice];
  std::string choices;
  for (const auto& [name, count] : chosen)
    choices += fmt::format("{}{} ({})", choices.empty() ? "" : ", ", name, count);
  table.notes.push_back(fmt::format(
      "Mean ± standard deviation over {} splits, seeds {} to {}. Chosen by folds of the training "
      "pictures: {}.",
      o.study.splits, o.study.split.seed,
      o.study.split.seed + static_cast<std::uint64_t>(o.study.splits) - 1, choices));
  return table;
}

Sheet study_outcomes(const IdentifyStudy& study) {
  Sheet table = outcome_sheet();
  table.lines.push_back(line_of("known people", study.known));
  if (study.strangers.count() > 0) table.lines.push_back(line_of("strangers", study.strangers));
  if (study.not_faces.count() > 0) table.lines.push_back(line_of("no faces", study.not_faces));
  table.notes.push_back(
      "Thresholds from folds of the training pictures: one face in a hundred may be refused as no "
      "face; refusing known people and accepting strangers weigh the same.");
  return table;
}

figures::Figure confusion_of(const Pictures& pictures, const IdentifyStudy& study) {
  const auto people = static_cast<std::int64_t>(pictures.people.size());
  figures::HeatMap map{.title = "Rows taken for columns",
                       .rows = people,
                       .cols = people,
                       .values = {study.confusion.begin(), study.confusion.end()},
                       .unit = "test pictures",
                       .x_label = "nearest",
                       .y_label = "person"};
  if (people <= 60) map.row_names = map.col_names = pictures.people;
  return figures::heat_map(map);
}

// Which pictures every split trained on, so that others can be asked the same.
std::string splits_csv(const Options& o, const Pictures& pictures) {
  std::string text = "seed,picture,part\n";
  eigenfaces::SplitOptions options = o.study.split;
  for (int s = 0; s < o.study.splits; ++s, ++options.seed) {
    const eigenfaces::Split parts = eigenfaces::split(pictures, options);
    const auto add = [&](const std::vector<std::int64_t>& indices, const char* part) {
      for (const std::int64_t i : indices)
        text += fmt::format("{},{},{}\n", options.seed, pictures.files[static_cast<std::size_t>(i)],
                            part);
    };
    add(parts.train, "train");
    add(parts.test, "test");
    add(parts.strangers, "stranger");
  }
  return text;
}

int study(const Options& o) {
  eigenfaces::StudyOptions options = o.study;
  options.train.lighting = eigenfaces::lighting_of(o.lighting);
  const Pictures pictures = eigenfaces::read_faces(o.folder);
  Pictures not_faces{.height = pictures.height, .width = pictures.width};
  for (const Others& others :
       read_others(o.not_faces, pictures.height, pictures.width, o.windows, options.split.seed)) {
    not_faces.pixels.insert(not_faces.pixels.end(), others.pictures.pixels.begin(),
                            others.pictures.pixels.end());
    not_faces.labels.resize(not_faces.labels.size() + others.pictures.labels.size());
  }
  const IdentifyStudy result = eigenfaces::study_identification(pictures, not_faces, options);
  const Sheet scores = score_sheet(o, result), outcomes = study_outcomes(result);
  std::cout << text_of(scores) << text_of(outcomes);
  if (o.out.empty()) return 0;
  report::StudyPage page("Recognising the people of " + o.folder,
                         report::made_by(fmt::format("hadal eigenfaces identify {} --splits {}",
                                                     o.folder, o.study.splits)));
  page.key_figures({{"recognised", mean_text(result.chosen)},
                    {"people", fmt::format("{}", pictures.people.size())},
                    {"eigenfaces", fmt::format("{}", o.study.train.components)},
                    {"lighting", o.lighting}})
      .table(scores)
      .table(outcomes)
      .figure(confusion_of(pictures, result),
              "Test pictures of all splits, by the likeness chosen on training pictures, without "
              "thresholds");
  write_folder_atomically(o.out, [&](const fs::path& folder) {
    write_figure(folder, "confusion", confusion_of(pictures, result));
    write_file_atomically(folder / "splits.csv", splits_csv(o, pictures));
    write_file_atomically(folder / "report.html", page.html());
  });
  std::cout << fmt::format("wrote {}\n", (fs::path(o.out) / "report.html").string());
  return 0;
}

int run(const Options& o) {
  require_new(o.out);
  if (o.model.empty() == (o.study.splits == 0))
    throw UsageError(
        "eigenfaces identify: wanted --model FOLDER (who is on these pictures) or --splits N (how "
        "often people are recognised)");
  return o.model.empty() ? study(o) : identify(o);
}

}  // namespace

Nested declare_identify(Arguments& app) {
  const auto o = std::make_shared<Options>();
  Arguments identify = app.add_nested(
      "identify",
      "who is on pictures: a known person, an unknown one, or no face; or, over splits "
      "of a folder, how often people are recognised",
      "hadal eigenfaces identify orl_faces --splits 10 --strangers 5 --not-faces photos");
  identify.add_option("FACES", o->folder, "folder of pictures, one sub-folder a person").required();
  identify.add_option("--model", o->model, "folder that `eigenfaces train` wrote");
  identify.add_flag("--trained-too", o->trained_too,
                    "ask also about pictures that the model was trained on");
  identify
      .add_option("--splits", o->study.splits,
                  "train on this many splits of FACES and ask about the rest")
      .check(Check::positive());
  identify
      .add_option("--train-per-person", o->study.split.train_per_person,
                  "training pictures of every person in a split")
      .show_default();
  identify.add_option("--strangers", o->study.split.strangers, "people held out of a split")
      .show_default();
  identify.add_option(
      "--not-faces", o->not_faces,
      "folder of photographs (windows of them), or a data set: asked about in every "
      "split; may be repeated");
  identify.add_option("--windows", o->windows, "of each of --not-faces").show_default();
  identify
      .add_option("--components", o->study.train.components,
                  "eigenfaces of a split; 0: all that its pictures span")
      .show_default();
  identify
      .add_option("--shift", o->study.train.shift,
                  "know every training picture also moved by so many pixels; 0: not")
      .check(Check::not_negative())
      .show_default();
  identify.add_option("--lighting", o->lighting, "of a split: normalised or as-is").show_default();
  identify.add_option("--seed", o->study.split.seed, "of the first split; the others follow it")
      .show_default();
  identify.add_option("--out", o->out, "folder for the page and its pictures");
  return {identify, [o] { return run(*o); }};
}

}  // namespace hadal::launcher::faces
