#include "core/data/cifar.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::data {
namespace {

constexpr int kPlane = kCifarSide * kCifarSide;

void planes_to_pixels(const std::uint8_t* planes, std::uint8_t* pixels) {
  for (int p = 0; p < kPlane; ++p)
    for (int c = 0; c < 3; ++c) pixels[3 * p + c] = planes[c * kPlane + p];
}

const std::string kFolder10 = "cifar-10-batches-bin/", kFolder100 = "cifar-100-binary/";

// Sizes and digests of the files inside the official archives.
const std::vector<OfficialFile>& files10() {
  static const std::vector<OfficialFile> files = {
      {kFolder10 + "data_batch_1.bin", 30'730'000, "5dd7e06a14cb22eb9f671a540d1b7c25",
       "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"},
      {kFolder10 + "data_batch_2.bin", 30'730'000, "5ea93a67294ea407fff1d09f752e9692",
       "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"},
      {kFolder10 + "data_batch_3.bin", 30'730'000, "942cd6a4bcdd0dd3c604fbe906cb4421",
       "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"},
      {kFolder10 + "data_batch_4.bin", 30'730'000, "ae636b3ba5c66a11e91e8cb52e771fcb",
       "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"},
      {kFolder10 + "data_batch_5.bin", 30'730'000, "53f37980c15c3d472c316c40844f3f0d",
       "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"},
      {kFolder10 + "test_batch.bin", 30'730'000, "803d5f7f4d78ea53de84dbe85f74fb6d",
       "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"},
  };
  return files;
}

const std::vector<OfficialFile>& files100() {
  static const std::vector<OfficialFile> files = {
      {kFolder100 + "train.bin", 153'700'000, "6172c7755cfe09b2fe270c85cebc1b15",
       "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29"},
      {kFolder100 + "test.bin", 30'740'000, "4499cfba6c016c1be1438163640a0898",
       "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a"},
  };
  return files;
}

ImageCounts counts(const OptionValues&) { return {50000, 10000}; }

std::vector<std::string> paths_of(const std::vector<OfficialFile>& files) {
  std::vector<std::string> paths;
  for (const OfficialFile& file : files) paths.push_back(file.path);
  return paths;
}

ImageSet read_official(const std::filesystem::path& folder, const OfficialFile& file,
                       const CifarFormat& format) {
  const auto source = open_file(official_file(folder, file));
  return read_cifar(*source, format, file.bytes / (format.label_bytes + kCifarImageBytes));
}

Dataset load10(const std::filesystem::path& folder, const OptionValues&) {
  Dataset set{.name = "cifar10", .classes = kCifar10Format.classes};
  set.class_names = class_names_of(
      folder / kFolder10 / "batches.meta.txt", set.classes,
      {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"});
  for (const OfficialFile& file : files10())
    append(&file == &files10().back() ? set.test : set.train,
           read_official(folder, file, kCifar10Format));
  set.official_train_count = set.train.count;
  return set;
}

Dataset load100(const std::filesystem::path& folder, const OptionValues&) {
  Dataset set{.name = "cifar100", .classes = kCifar100FineFormat.classes};
  std::vector<std::string> numbers;
  for (int i = 0; i < set.classes; ++i) numbers.push_back(fmt::format("class {}", i));
  set.class_names =
      class_names_of(folder / kFolder100 / "fine_label_names.txt", set.classes, std::move(numbers));
  set.train = read_official(folder, files100()[0], kCifar100FineFormat);
  set.test = read_official(folder, files100()[1], kCifar100FineFormat);
  set.official_train_count = set.train.count;
  return set;
}

}  // namespace

ImageSet read_cifar(ByteSource& source, const CifarFormat& format, std::int64_t wanted_records) {
  ImageSet set{.height = kCifarSide, .width = kCifarSide, .channels = 3};
  std::vector<std::uint8_t> record(static_cast<std::size_t>(format.label_bytes + kCifarImageBytes));
  while (!source.at_end()) {
    if (set.count == wanted_records)
      throw DataError(fmt::format("{}: more than the wanted {} records of {} bytes", source.name(),
                                  wanted_records, record.size()));
    source.read_exact(record.data(), record.size(), fmt::format("record {}", set.count));
    const int label = record[static_cast<std::size_t>(format.label_byte)];
    if (label >= format.classes)
      throw DataError(fmt::format("{}: record {} has label {}, wanted 0 to {}", source.name(),
                                  set.count, label, format.classes - 1));
    set.labels.push_back(label);
    set.pixels.resize(set.pixels.size() + kCifarImageBytes);
    planes_to_pixels(record.data() + format.label_bytes,
                     set.pixels.data() + set.pixels.size() - kCifarImageBytes);
    ++set.count;
  }
  if (set.count == 0 || (wanted_records >= 0 && set.count != wanted_records))
    throw DataError(fmt::format("{}: {} records of {} bytes, wanted {}", source.name(), set.count,
                                record.size(),
                                wanted_records >= 0 ? fmt::to_string(wanted_records) : "some"));
  return set;
}

DatasetInfo cifar10_info() {
  return {.name = "cifar10",
          .description = "CIFAR-10: 50,000 + 10,000 photographs of 32x32x3 in 10 classes",
          .page = "https://www.cs.toronto.edu/~kriz/cifar.html",
          .classes = kCifar10Format.classes,
          .files = files10(),
          .downloads = {{.url = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                         .bytes = 170'052'171,
                         .md5 = "c32a1d4ab5d03f1284b67883e8d87530",
                         .path = "cifar-10-binary.tar.gz",
                         .is_archive = true}},
          .options = {},
          .needed_files = [](const OptionValues&) { return paths_of(files10()); },
          .counts = counts,
          .load = load10};
}

DatasetInfo cifar100_info() {
  return {.name = "cifar100",
          .description = "CIFAR-100: 50,000 + 10,000 photographs of 32x32x3, 100 fine classes",
          .page = "https://www.cs.toronto.edu/~kriz/cifar.html",
          .classes = kCifar100FineFormat.classes,
          .files = files100(),
          .downloads = {{.url = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
                         .bytes = 168'513'733,
                         .md5 = "03b5dce01913d631647c71ecec9e9cb8",
                         .path = "cifar-100-binary.tar.gz",
                         .is_archive = true}},
          .options = {},
          .needed_files = [](const OptionValues&) { return paths_of(files100()); },
          .counts = counts,
          .load = load100};
}

}  // namespace hadal::data
