#include "core/matrix/picture_rows.h"

#include <algorithm>
#include <cstring>
#include <map>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/image/read_image.h"
#include "core/image/resize.h"
#include "core/matrix/cached_rows.h"

namespace hadal::matrix {
namespace {

namespace fs = std::filesystem;

// The size that most pictures have.
image::ImageSize usual_size(const std::vector<image::ImageSize>& sizes) {
  std::map<std::pair<int, int>, int> counts;
  for (const image::ImageSize& size : sizes) ++counts[{size.height, size.width}];
  const auto usual = std::ranges::max_element(
      counts, [](const auto& a, const auto& b) { return a.second < b.second; });
  return {.height = usual->first.first, .width = usual->first.second};
}

class PictureRows final : public RowSource {
 public:
  PictureRows(const std::vector<fs::path>& files, const PictureOptions& options) : files_(files) {
    std::vector<image::ImageSize> sizes;
    for (const fs::path& file : files) sizes.push_back(image::read_image_size(file));
    if (options.resize) {
      size_ = {.height = options.resize->height, .width = options.resize->width};
    } else {
      size_ = usual_size(sizes);
      for (std::size_t i = 0; i < files.size(); ++i)
        if (sizes[i].height != size_.height || sizes[i].width != size_.width)
          throw DataError(
              fmt::format("{}: a picture of {}x{}, most of the {} are {}x{}; --resize {}x{} makes "
                          "all of them so",
                          files[i].string(), sizes[i].height, sizes[i].width, files.size(),
                          size_.height, size_.width, size_.height, size_.width));
    }
    const bool colour =
        std::ranges::any_of(sizes, [](const image::ImageSize& size) { return size.channels == 3; });
    size_.channels = colour && !options.grey ? 3 : 1;
    resizes_ = options.resize.has_value();
    rows_ = static_cast<std::int64_t>(files.size());
    cols_ = std::int64_t{size_.height} * size_.width * size_.channels;
    element_ = Element::kU8;
    set_picture({.height = size_.height, .width = size_.width, .channels = size_.channels});
    label_by_folder();
  }

  void read(std::int64_t first_row, std::int64_t rows, std::int64_t first_col, std::int64_t cols,
            std::byte* to) const override {
    HADAL_CHECK(first_col >= 0 && cols >= 0 && first_col + cols <= cols_);
    for (std::int64_t row = first_row; row < first_row + rows; ++row) {
      const image::Image picture = decode(files_.at(static_cast<std::size_t>(row)));
      std::memcpy(to, picture.pixels.data() + first_col, static_cast<std::size_t>(cols));
      to += cols;
    }
  }

 private:
  image::Image decode(const fs::path& file) const {
    image::Image picture = image::read_image(file);
    picture = size_.channels == 1 ? image::to_grey(picture) : image::to_rgb(picture);
    if (resizes_) picture = image::resize(picture, size_.height, size_.width);
    if (picture.height != size_.height || picture.width != size_.width)
      throw DataError(fmt::format("{}: {}x{} now, {}x{} when it was opened", file.string(),
                                  picture.height, picture.width, size_.height, size_.width));
    return picture;
  }

  void label_by_folder() {
    fs::path shared = files_[0].parent_path();
    for (const fs::path& file : files_) {
      const fs::path folder = file.parent_path();
      fs::path common;
      for (auto a = shared.begin(), b = folder.begin();
           a != shared.end() && b != folder.end() && *a == *b; ++a, ++b)
        common /= *a;
      shared = std::move(common);
    }
    name_ = shared.empty() ? "pictures" : shared.string();
    std::map<std::string, int> known;
    for (const fs::path& file : files_) {
      const std::string folder = file.parent_path().lexically_relative(shared).string();
      const auto [entry, is_new] = known.emplace(folder, static_cast<int>(label_names_.size()));
      if (is_new) label_names_.push_back(folder);
      labels_.push_back(entry->second);
    }
    if (known.size() > 1) return;
    labels_.clear();
    label_names_.clear();
  }

  std::vector<fs::path> files_;
  image::ImageSize size_;
  bool resizes_ = false;
};

}  // namespace

std::vector<fs::path> pictures_below(const fs::path& folder) {
  std::vector<fs::path> files;
  try {
    for (const fs::directory_entry& entry :
         fs::recursive_directory_iterator(folder, fs::directory_options::follow_directory_symlink))
      if (entry.is_regular_file() && image::has_image_name(entry.path()) &&
          !entry.path().filename().string().starts_with('.'))
        files.push_back(entry.path());
  } catch (const fs::filesystem_error& error) {
    throw io_error("cannot look for pictures in", error.path1().string(), error.code().value());
  }
  std::ranges::sort(files, [](const fs::path& a, const fs::path& b) {
    return natural_less(a.string(), b.string());
  });
  return files;
}

std::unique_ptr<RowSource> open_pictures(const std::vector<fs::path>& files,
                                         const PictureOptions& options) {
  if (files.empty()) throw ConfigError("no pictures to read");
  if (options.resize && (options.resize->height < 1 || options.resize->width < 1))
    throw ConfigError(fmt::format("pictures cannot become {}x{}; wanted at least one pixel",
                                  options.resize->height, options.resize->width));
  return cached(std::make_unique<PictureRows>(files, options));
}

}  // namespace hadal::matrix
