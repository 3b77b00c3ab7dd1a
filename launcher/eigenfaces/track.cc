// `hadal eigenfaces track`: a face through a sequence of pictures.
#include "experiments/studies/eigenfaces/track.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/image/png.h"
#include "experiments/figures/pictures.h"
#include "experiments/figures/plot.h"
#include "launcher/eigenfaces/nested.h"
#include "launcher/eigenfaces/scenes.h"
#include "launcher/eigenfaces/show.h"
#include "launcher/formats/format.h"

namespace hadal::launcher::faces {
namespace {

namespace fs = std::filesystem;
using eigenfaces::Sighting;

struct Options {
  std::string frames, model, out, distance = "balanced";
  std::optional<double> threshold;
  eigenfaces::TrackOptions track{};
};

struct Tracked {
  std::vector<Sighting> sightings{};  // one a frame
  double seconds = 0;

  std::size_t seen() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        sightings, [](const Sighting& sighting) { return sighting.face.has_value(); }));
  }
};

std::vector<Scene> read_frames(const Options& o) {
  std::vector<Scene> frames = read_scenes({o.frames});
  for (const Scene& frame : frames)
    if (frame.image.height != frames[0].image.height || frame.image.width != frames[0].image.width)
      throw DataError(fmt::format("{}: {} has {}x{} pixels, {} {}x{}; wanted frames of one size",
                                  o.frames, frame.name, frame.image.width, frame.image.height,
                                  frames[0].name, frames[0].image.width, frames[0].image.height));
  return frames;
}

Tracked track(const Options& o, const eigenfaces::Model& model, std::span<const Scene> frames) {
  eigenfaces::TrackOptions options = o.track;
  options.locate.distance = eigenfaces::map_distance_of(o.distance);
  if (o.threshold) options.locate.threshold = *o.threshold;
  const SystemClock clock;
  const double start = clock.now_s();
  eigenfaces::FaceTracker tracker(model, options, sizes_of(frames)[0]);
  Tracked tracked;
  for (const Scene& frame : frames) tracked.sightings.push_back(tracker.next(frame.image));
  tracked.seconds = clock.now_s() - start;
  return tracked;
}

figures::Point centre_of(const eigenfaces::Box& box) {
  return {box.left + box.width / 2, box.top + box.height / 2};
}

// The frame with its face, the region that was looked at, and the way so far.
figures::Figure drawn(std::span<const Scene> frames, const Tracked& tracked, std::size_t frame) {
  const Sighting& now = tracked.sightings[frame];
  figures::MarkedPicture marked{.image = frames[frame].image};
  const auto add = [&](const eigenfaces::Box& box, const std::string& label, std::size_t colour,
                       bool dashed) {
    marked.boxes.push_back({box.left, box.top, box.width, box.height, label, colour, dashed});
  };
  add(now.region, "", 1, true);
  if (now.face) add(now.face->box, fmt::format("{:.2f}", now.face->distance), 0, false);
  std::vector<figures::Point> path;
  for (std::size_t i = 0; i <= frame; ++i) {
    const Sighting& sighting = tracked.sightings[i];
    if (sighting.anew) path.clear();
    if (sighting.face) path.push_back(centre_of(sighting.face->box));
  }
  if (!path.empty()) marked.paths.push_back(std::move(path));
  return figures::marked_picture(std::move(marked));
}

figures::Figure trajectory_figure(const Tracked& tracked) {
  figures::Plot plot{
      .title = "Centre of the face", .x = {.label = "frame"}, .y = {.label = "pixels"}};
  figures::Series x{.label = "from the left"}, y{.label = "from the top"};
  for (std::size_t i = 0; i < tracked.sightings.size(); ++i) {
    if (!tracked.sightings[i].face) continue;
    const figures::Point centre = centre_of(tracked.sightings[i].face->box);
    x.x.push_back(static_cast<double>(i + 1));
    y.x.push_back(static_cast<double>(i + 1));
    x.y.push_back(centre.x);
    y.y.push_back(centre.y);
  }
  plot.series = {std::move(x), std::move(y)};
  return figures::plot(std::move(plot));
}

std::string trajectory_csv(std::span<const Scene> frames, const Tracked& tracked) {
  std::string csv = "frame,file,left,top,width,height,distance,looked_at\n";
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const Sighting& sighting = tracked.sightings[i];
    csv += fmt::format("{},{},", i + 1, frames[i].name);
    if (sighting.face)
      csv += fmt::format("{:.1f},{:.1f},{:.1f},{:.1f},{:.4f},", sighting.face->box.left,
                         sighting.face->box.top, sighting.face->box.width,
                         sighting.face->box.height, sighting.face->distance);
    else
      csv += ",,,,,";
    csv += eigenfaces::name_of(sighting.looked_at) + "\n";
  }
  return csv;
}

std::string page_of(const Options& o, std::span<const Scene> frames, const Tracked& tracked) {
  report::StudyPage page(
      "A face in motion: " + o.frames,
      report::made_by(fmt::format("hadal eigenfaces track {} --model {}", o.frames, o.model)));
  page.key_figures({{"frames", fmt::format("{}", frames.size())},
                    {"with a face", fmt::format("{}", tracked.seen())},
                    {"a frame", fmt::format("{:.0f} ms", 1000 * tracked.seconds /
                                                             static_cast<double>(frames.size()))}})
      .paragraph(fmt::format(
          "Differences of one frame to the next, averaged over {} pixels a side, above {} grey "
          "levels: around the largest blob of them (dashed) the {} distance is looked at, at all "
          "scales, and around the last face when nothing moves; the line is the way of the face so "
          "far.",
          o.track.motion.blur, o.track.motion.threshold, o.distance))
      .figure(trajectory_figure(tracked), "The way of the face");
  constexpr std::size_t kShown = 8;
  for (std::size_t i = 0; i < std::min(kShown, frames.size()); ++i) {
    const std::size_t frame = frames.size() <= kShown ? i : i * (frames.size() - 1) / (kShown - 1);
    page.picture(drawn(frames, tracked, frame),
                 fmt::format("frame {}, {}: looked at {}", frame + 1, frames[frame].name,
                             eigenfaces::name_of(tracked.sightings[frame].looked_at)));
  }
  return page.html();
}

int run(const Options& o) {
  require_new(o.out);
  const eigenfaces::Model model = eigenfaces::load(o.model);
  const std::vector<Scene> frames = read_frames(o);
  const Tracked tracked = track(o, model, frames);
  std::cout << fmt::format("{} frames, {} with a face\n", frames.size(), tracked.seen());
  write_folder_atomically(o.out, [&](const fs::path& folder) {
    write_file_atomically(folder / "trajectory.csv", trajectory_csv(frames, tracked));
    for (std::size_t i = 0; i < frames.size(); ++i)
      image::write_png(folder / drawn_name(frames[i], "face"),
                       figures::to_image(drawn(frames, tracked, i)));
    write_figure(folder, "trajectory", trajectory_figure(tracked));
    const nlohmann::json summary{{"model", o.model},
                                 {"distance", o.distance},
                                 {"frames", frames.size()},
                                 {"with_a_face", tracked.seen()},
                                 {"seconds", tracked.seconds}};
    write_file_atomically(folder / "summary.json", summary.dump(2) + "\n");
    write_file_atomically(folder / "report.html", page_of(o, frames, tracked));
  });
  std::cout << fmt::format("wrote {}\n", (fs::path(o.out) / "report.html").string());
  return 0;
}

}  // namespace

Nested declare_track(Arguments& app) {
  const auto o = std::make_shared<Options>();
  Arguments track =
      app.add_nested("track", "a face through a sequence of pictures",
                     "hadal eigenfaces track frames --model runs/window --out runs/track");
  track
      .add_option("FRAMES", o->frames,
                  "folder of pictures of one size, in the order of their names")
      .required();
  track.add_option("--model", o->model, "folder that `eigenfaces train` wrote").required();
  track.add_option("--out", o->out, "folder for the trajectory, drawn frames and the page")
      .required();
  track.add_option("--distance", o->distance, "balanced, face-space, likelihood, mean-face")
      .show_default();
  track.add_option("--threshold", o->threshold,
                   "largest distance of a face; default: the best is taken however far it is");
  track
      .add_option("--motion", o->track.motion.threshold,
                  "grey levels by which a place must change to have moved")
      .show_default();
  track.add_option("--scales", o->track.locate.pyramid.ratio, "ratio of one scale to the next")
      .show_default();
  track
      .add_option("--smallest", o->track.locate.pyramid.smallest,
                  "width of the smallest face in pixels; 0: 24, or the window's where larger")
      .show_default();
  track.add_option("--largest", o->track.locate.pyramid.largest, "width of the largest; 0: any")
      .show_default();
  return {track, [o] { return run(*o); }};
}

}  // namespace hadal::launcher::faces
