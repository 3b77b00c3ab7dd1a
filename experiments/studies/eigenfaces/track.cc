#include "experiments/studies/eigenfaces/track.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/image/resize.h"

namespace hadal::eigenfaces {
namespace {

std::pair<double, double> centre_of(const Box& box) {
  return {box.left + box.width / 2, box.top + box.height / 2};
}

// With a margin, whole pixels, within the picture.
Box grown(const Box& box, double across, double down, PictureSize size) {
  const double left = std::max(std::floor(box.left - across), 0.0);
  const double top = std::max(std::floor(box.top - down), 0.0);
  const double right =
      std::min(std::ceil(box.left + box.width + across), static_cast<double>(size.width));
  const double bottom =
      std::min(std::ceil(box.top + box.height + down), static_cast<double>(size.height));
  return {left, top, right - left, bottom - top};
}

image::Image cut(const image::Image& grey, const Box& box) {
  image::Image part{
      .height = static_cast<int>(box.height), .width = static_cast<int>(box.width), .channels = 1};
  for (int y = 0; y < part.height; ++y) {
    const auto* const row = grey.pixels.data() +
                            (static_cast<std::ptrdiff_t>(box.top) + y) * grey.width +
                            static_cast<std::ptrdiff_t>(box.left);
    part.pixels.insert(part.pixels.end(), row, row + part.width);
  }
  return part;
}

}  // namespace

std::string name_of(LookedAt looked_at) {
  static const std::array<std::string, 3> names = {"everything", "motion", "last place"};
  return names[static_cast<std::size_t>(looked_at)];
}

FaceTracker::FaceTracker(const Model& model, const TrackOptions& options, PictureSize size)
    : options_(options),
      window_height_(model.height),
      window_width_(model.width),
      size_(size),
      locator_(model, options.locate, std::vector{size}) {}

Sighting FaceTracker::region_of(const image::Image& grey) const {
  // Room for a window on every side, however little moved.
  const auto near = [&](const Box& box) {
    return grown(box, std::max<double>(options_.margin * box.width, window_width_),
                 std::max<double>(options_.margin * box.height, window_height_), size_);
  };
  const std::vector<Blob> blobs =
      before_ ? moving_blobs(*before_, grey, options_.motion) : std::vector<Blob>{};
  if (!blobs.empty())
    return {.looked_at = LookedAt::kMotion,
            .region = near(blobs.front().box),
            .moving = blobs.front().box};
  if (last_) return {.looked_at = LookedAt::kLastPlace, .region = near(last_->box)};
  return {.looked_at = LookedAt::kEverything,
          .region = {0, 0, static_cast<double>(size_.width), static_cast<double>(size_.height)}};
}

// Infinite for what can be no face by where and how large it is.
double FaceTracker::cost(const Detection& face, const std::optional<Box>& moving) const {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  const auto [x, y] = centre_of(face.box);
  if (moving && (x < moving->left || x > moving->left + moving->width || y < moving->top ||
                 y > moving->top + moving->height ||
                 face.box.width < options_.least_part * std::min(moving->width, moving->height)))
    return kNever;
  double jumps = moving ? std::abs(x - centre_of(*moving).first) / face.box.width : 0;
  if (last_) {
    const double ratio = face.box.width / last_->box.width;
    if (std::max(ratio, 1 / ratio) > options_.growth) return kNever;
    const auto [last_x, last_y] = centre_of(last_->box);
    jumps += std::hypot(x - last_x, y - last_y) / last_->box.width + std::abs(std::log(ratio));
  }
  return face.distance + options_.inertia * jumps;
}

Sighting FaceTracker::next(const image::Image& picture) {
  image::Image grey = image::to_grey(picture);
  if (PictureSize{grey.height, grey.width} != size_)
    throw ShapeError(fmt::format("track: a picture of {}x{} pixels in a sequence of {}x{}",
                                 grey.width, grey.height, size_.width, size_.height));
  Sighting sighting = region_of(grey);
  // What did not move while something else did was no face.
  if (last_ && sighting.moving && overlap(last_->box, *sighting.moving) == 0) last_.reset();
  sighting.anew = !last_;
  double least = std::numeric_limits<double>::infinity();
  for (Detection face : locator_.locate(cut(grey, sighting.region)).faces) {
    face.box.left += sighting.region.left;
    face.box.top += sighting.region.top;
    if (const double c = cost(face, sighting.moving); c < least) {
      least = c;
      sighting.face = face;
    }
  }
  if (sighting.face) last_ = sighting.face;
  before_ = std::move(grey);
  return sighting;
}

}  // namespace hadal::eigenfaces
