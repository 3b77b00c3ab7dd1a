#include "experiments/studies/eigenfaces/face_folder.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/image/read_image.h"
#include "core/image/resize.h"

namespace hadal::eigenfaces {
namespace {

namespace fs = std::filesystem;

// Numbers within names by value, the rest by characters.
bool by_name(const fs::path& left, const fs::path& right) {
  const std::string a = left.filename().string(), b = right.filename().string();
  const auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (digit(a[i]) && digit(b[j])) {
      const auto number = [&](const std::string& text, std::size_t& at) {
        while (at < text.size() && text[at] == '0') ++at;
        const std::size_t first = at;
        while (at < text.size() && digit(text[at])) ++at;
        return text.substr(first, at - first);
      };
      const std::string x = number(a, i), y = number(b, j);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
    }
  }
  return a.size() - i < b.size() - j || (a.size() - i == b.size() - j && a < b);
}

std::vector<fs::path> sorted_entries(const fs::path& folder, bool folders) {
  std::error_code error;
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error))
    if (folders ? entry.is_directory()
                : entry.is_regular_file() && image::has_image_name(entry.path()))
      found.push_back(entry.path());
  if (error) throw io_error("open", folder.string(), error.value());
  std::ranges::sort(found, by_name);
  return found;
}

[[noreturn]] void no_pictures(const fs::path& folder) {
  throw DataError(
      fmt::format("{}: no pictures in it or in its sub-folders; wanted .pgm, .png or "
                  ".jpg, one sub-folder a person",
                  folder.string()));
}

void add(Pictures& pictures, const image::Image& grey, int label, const std::string& file) {
  pictures.pixels.insert(pictures.pixels.end(), grey.pixels.begin(), grey.pixels.end());
  pictures.labels.push_back(label);
  pictures.files.push_back(file);
}

void read_person(const fs::path& root, const fs::path& folder, Pictures& pictures) {
  const int label = static_cast<int>(pictures.people.size());
  bool named = false;
  for (const fs::path& path : sorted_entries(folder, false)) {
    const image::Image grey = image::to_grey(image::read_image(path));
    if (pictures.count() == 0) {
      pictures.height = grey.height;
      pictures.width = grey.width;
    }
    if (grey.height != pictures.height || grey.width != pictures.width)
      throw DataError(
          fmt::format("{}: {}x{} pixels, but {} has {}x{}; eigenfaces want pictures of "
                      "one size with eyes in the same places",
                      path.string(), grey.height, grey.width, pictures.files.front(),
                      pictures.height, pictures.width));
    if (!named) pictures.people.push_back(folder.filename().string());
    named = true;
    add(pictures, grey, label, fs::relative(path, root).string());
  }
}

image::Image cropped(const image::Image& grey, int top, int left, int height, int width) {
  image::Image part{.height = height, .width = width, .channels = 1};
  for (int y = top; y < top + height; ++y) {
    const auto row = grey.pixels.begin() + std::int64_t{y} * grey.width + left;
    part.pixels.insert(part.pixels.end(), row, row + width);
  }
  return part;
}

void collect(const fs::path& folder, std::vector<image::Image>& photographs) {
  for (const fs::path& path : sorted_entries(folder, false))
    photographs.push_back(image::to_grey(image::read_image(path)));
  for (const fs::path& inner : sorted_entries(folder, true)) collect(inner, photographs);
}

}  // namespace

Pictures read_faces(const fs::path& folder) {
  Pictures pictures;
  for (const fs::path& person : sorted_entries(folder, true)) read_person(folder, person, pictures);
  if (pictures.count() == 0) read_person(folder, fs::weakly_canonical(folder), pictures);
  if (pictures.count() == 0) no_pictures(folder);
  return pictures;
}

std::vector<fs::path> picture_files(const fs::path& folder) {
  return sorted_entries(folder, false);
}

Pictures read_picture(const fs::path& file, int height, int width) {
  Pictures pictures{.height = height, .width = width, .people = {""}};
  add(pictures, image::resize(image::to_grey(image::read_image(file)), height, width), 0,
      file.string());
  return pictures;
}

std::vector<image::Image> read_photographs(const fs::path& folder) {
  std::vector<image::Image> photographs;
  collect(folder, photographs);
  if (photographs.empty()) no_pictures(folder);
  return photographs;
}

Pictures random_windows(const std::vector<image::Image>& photographs, int height, int width,
                        std::int64_t count, bool scaled, std::uint64_t seed) {
  std::vector<const image::Image*> large;
  for (const image::Image& photograph : photographs)
    if (photograph.height >= height && photograph.width >= width) large.push_back(&photograph);
  if (large.empty())
    throw DataError(
        fmt::format("no photograph is as large as a window of {}x{} pixels", height, width));
  Pictures windows{.height = height, .width = width, .people = {"window"}};
  for (std::int64_t i = 0; i < count; ++i) {
    const random::Stream stream{seed, random::Purpose::kCrop, 1, static_cast<std::uint64_t>(i)};
    const auto below = [&](int n, std::uint64_t index) {
      return static_cast<int>(random::below(stream, static_cast<std::uint32_t>(n), index));
    };
    const image::Image& from =
        *large[static_cast<std::size_t>(below(static_cast<int>(large.size()), 0))];
    const double largest = std::min(static_cast<double>(from.height) / height,
                                    static_cast<double>(from.width) / width);
    const double factor = scaled ? std::pow(largest, random::uniform_open(stream, 1)) : 1;
    const int h = std::clamp(static_cast<int>(height * factor), height, from.height);
    const int w = std::clamp(static_cast<int>(width * factor), width, from.width);
    const image::Image window =
        cropped(from, below(from.height - h + 1, 2), below(from.width - w + 1, 3), h, w);
    add(windows, image::resize(window, height, width), 0, fmt::format("window {}", i + 1));
  }
  return windows;
}

Pictures scaled_images(const data::ImageSet& images, int height, int width, std::int64_t count) {
  Pictures scaled{.height = height, .width = width, .people = {"image"}};
  for (std::int64_t i = 0; i < std::min(count, images.count); ++i) {
    const image::Image one{.height = images.height,
                           .width = images.width,
                           .channels = images.channels,
                           .pixels = {images.image(i), images.image(i) + images.bytes_per_image()}};
    add(scaled, image::resize(image::to_grey(one), height, width), 0,
        fmt::format("image {}", i + 1));
  }
  return scaled;
}

}  // namespace hadal::eigenfaces
