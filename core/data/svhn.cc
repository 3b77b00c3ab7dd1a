#include "core/data/svhn.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/data/mat5.h"

namespace hadal::data {
namespace {

constexpr int kSide = 32;
constexpr std::int64_t kPlane = kSide * kSide, kImageBytes = 3 * kPlane;
constexpr std::int64_t kMaxCount = 10'000'000;

void require_bytes(const MatArray& array, std::int64_t wanted) {
  if (array.storage != kMatUint8 || array.data_bytes != static_cast<std::uint64_t>(wanted))
    throw DataError(
        fmt::format("{}: {} is stored as type {} in {} bytes, wanted uint8 (type {}) in {} bytes",
                    array.numbers->name(), array.describe(), array.storage, array.data_bytes,
                    kMatUint8, wanted));
}

std::int64_t append_images(const MatArray& x, ImageSet& set) {
  const auto& d = x.dimensions;
  // MATLAB drops a last extent of 1.
  const std::int64_t count = d.size() == 3 ? 1 : d.size() == 4 ? d[3] : 0;
  if (d.size() < 3 || d[0] != kSide || d[1] != kSide || d[2] != 3 || count < 1 || count > kMaxCount)
    throw DataError(fmt::format("{}: {}, wanted 32x32x3xN", x.numbers->name(), x.describe()));
  require_bytes(x, count * kImageBytes);
  std::uint8_t columns[kImageBytes];
  for (std::int64_t i = 0; i < count; ++i) {
    x.numbers->read_exact(columns, sizeof(columns), fmt::format("image {} of {}", i, count));
    set.pixels.resize(set.pixels.size() + kImageBytes);
    std::uint8_t* out = set.pixels.data() + set.pixels.size() - kImageBytes;
    for (int row = 0; row < kSide; ++row)
      for (int column = 0; column < kSide; ++column)
        for (int c = 0; c < 3; ++c) *out++ = columns[c * kPlane + column * kSide + row];
  }
  return count;
}

std::int64_t append_labels(const MatArray& y, ImageSet& set) {
  const auto& d = y.dimensions;
  const std::int64_t count = d[0];
  if (d.size() != 2 || d[1] != 1 || count < 1 || count > kMaxCount)
    throw DataError(fmt::format("{}: {}, wanted Nx1", y.numbers->name(), y.describe()));
  require_bytes(y, count);
  const auto digits = y.numbers->read_vector(static_cast<std::uint64_t>(count), "labels");
  for (const std::uint8_t digit : digits) {
    if (digit < 1 || digit > 10)
      throw DataError(
          fmt::format("{}: label {}, wanted 1 to 10", y.numbers->name(), unsigned{digit}));
    set.labels.push_back(digit % 10);
  }
  return count;
}

const std::string kFolder = "svhn/";
const std::string kAddress = "http://ufldl.stanford.edu/housenumbers/";
const std::string kNone = "none";

struct File {
  OfficialFile official;
  std::int64_t digits;
};

const std::vector<File>& files() {  // train, test, extra
  static const std::vector<File> all = {
      {{kFolder + "train_32x32.mat", 182'040'794, "e26dedcc434d2e4c54c9b2d4a06d8373", ""}, 73257},
      {{kFolder + "test_32x32.mat", 64'275'384, "eb5a983be6a315427106f1b164d9cef3", ""}, 26032},
      {{kFolder + "extra_32x32.mat", 1'329'278'602, "a93ce644f1a588dc4d68dda5feec44a7", ""},
       531131},
  };
  return all;
}

void read_file(const std::filesystem::path& folder, const std::string& name, ImageSet& set) {
  if (name == kNone) return;
  for (const File& file : files())
    if (kFolder + name == file.official.path) {
      const auto source = open_file(official_file(folder, file.official));
      read_svhn(*source, set, file.digits);
      return;
    }
  const auto source = open_file(folder / kFolder / name);
  read_svhn(*source, set);
}

std::vector<std::string> needed_files(const OptionValues& options) {
  std::vector<std::string> paths;
  for (const char* option : {"train_file", "test_file", "extra_file"})
    if (options.at(option) != kNone) paths.push_back(kFolder + options.at(option));
  return paths;
}

// Files of other names are somebody's own and not counted.
ImageCounts counts(const OptionValues& options) {
  const auto digits_of = [&](const char* option) -> std::int64_t {
    for (const File& file : files())
      if (kFolder + options.at(option) == file.official.path) return file.digits;
    return 0;
  };
  return {digits_of("train_file") + digits_of("extra_file"), digits_of("test_file")};
}

Dataset load(const std::filesystem::path& folder, const OptionValues& options) {
  if (options.at("train_file") == kNone)
    throw ConfigError("data set svhn: train_file is none, wanted a file");
  Dataset set{.name = "svhn", .classes = 10};
  for (int digit = 0; digit < set.classes; ++digit)
    set.class_names.push_back(fmt::to_string(digit));
  read_file(folder, options.at("train_file"), set.train);
  set.official_train_count = set.train.count;
  read_file(folder, options.at("extra_file"), set.train);
  set.test = ImageSet{.height = kSide, .width = kSide, .channels = 3};
  read_file(folder, options.at("test_file"), set.test);
  return set;
}

}  // namespace

void read_svhn(ByteSource& source, ImageSet& set, std::int64_t wanted_count) {
  set.height = set.width = kSide;
  set.channels = 3;
  MatReader reader(source);
  std::int64_t images = 0, labels = 0;
  while (const auto array = reader.next()) {
    if (array->name == "X" && images == 0) images = append_images(*array, set);
    if (array->name == "y" && labels == 0) labels = append_labels(*array, set);
  }
  if (images == 0 || images != labels)
    throw DataError(fmt::format("{}: {} images in X and {} labels in y, wanted as many of each",
                                source.name(), images, labels));
  if (wanted_count >= 0 && images != wanted_count)
    throw DataError(fmt::format("{}: {} digits, wanted {}", source.name(), images, wanted_count));
  set.count += images;
}

DatasetInfo svhn_info() {
  DatasetInfo info{
      .name = "svhn",
      .description = "SVHN cropped: 73,257 + 531,131 extra + 26,032 house-number digits of 32x32x3",
      .page = "http://ufldl.stanford.edu/housenumbers",
      .classes = 10,
      .options = {{"train_file", "train_32x32.mat", "training digits"},
                  {"test_file", "test_32x32.mat", "test digits, or none"},
                  {"extra_file", "extra_32x32.mat", "further training digits, or none"}},
      .needed_files = needed_files,
      .counts = counts,
      .load = load};
  for (const File& file : files()) {
    info.files.push_back(file.official);
    info.downloads.push_back({.url = kAddress + file.official.path.substr(kFolder.size()),
                              .bytes = file.official.bytes,
                              .md5 = file.official.md5,
                              .path = file.official.path});
  }
  return info;
}

}  // namespace hadal::data
