#include "core/data/mnist.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/data/idx.h"

namespace hadal::data {
namespace {

constexpr std::uint32_t kImageMagic = 2051, kLabelMagic = 2049;
constexpr std::uint32_t kMaxCount = 10'000'000, kMaxSide = 1024;
constexpr int kClasses = 10;

std::vector<std::uint32_t> read_sizes(ByteSource& source, std::uint32_t magic, const char* kind) {
  const IdxHeader header = read_idx_header(source);
  if (header.magic != magic)
    throw DataError(fmt::format("{}: not an IDX file of {}: starts with {}, wanted {}",
                                source.name(), kind, header.magic, magic));
  return header.sizes;
}

std::uint32_t require_size(ByteSource& source, std::uint32_t size, const char* what,
                           std::uint32_t most) {
  if (size == 0 || size > most)
    throw DataError(
        fmt::format("{}: header states {} {}, wanted 1 to {}", source.name(), size, what, most));
  return size;
}

void require_end(ByteSource& source) {
  if (!source.at_end())
    throw DataError(fmt::format("{}: bytes left over after the {} that the header states",
                                source.name(), source.position()));
}

const std::string kFolder = "MNIST/raw/";
// The makers' page no longer serves the files to programs; this copy is byte-identical.
const std::string kAddress = "https://ossci-datasets.s3.amazonaws.com/mnist/";

const std::vector<OfficialFile>& files() {
  static const std::vector<OfficialFile> all = {
      {kFolder + "train-images-idx3-ubyte.gz", 9'912'422, "f68b3c2dcbeaaa9fbdd348bbdeb94873",
       "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
      {kFolder + "train-labels-idx1-ubyte.gz", 28'881, "d53e105ee54ea40749a09fcbcd1e9432",
       "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
      {kFolder + "t10k-images-idx3-ubyte.gz", 1'648'877, "9fb629c4189551a2d022fa330f9573f3",
       "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
      {kFolder + "t10k-labels-idx1-ubyte.gz", 4'542, "ec29112dd5afa0611ce80d1b7f02629c",
       "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"},
  };
  return all;
}

Dataset load(const std::filesystem::path& folder, const OptionValues&) {
  Dataset set{.name = "mnist", .classes = kClasses};
  for (int digit = 0; digit < kClasses; ++digit) set.class_names.push_back(fmt::to_string(digit));
  const auto read = [&](std::size_t images, std::int64_t count) {
    const auto image_source = open_maybe_gzip(official_file(folder, files()[images]));
    const auto label_source = open_maybe_gzip(official_file(folder, files()[images + 1]));
    return read_mnist(*image_source, *label_source, count);
  };
  set.train = read(0, 60000);
  set.test = read(2, 10000);
  set.official_train_count = set.train.count;
  return set;
}

}  // namespace

ImageSet read_mnist(ByteSource& images, ByteSource& labels, std::int64_t wanted_count) {
  const std::vector<std::uint32_t> sizes = read_sizes(images, kImageMagic, "images");
  const std::uint32_t count = require_size(images, sizes[0], "images", kMaxCount);
  const std::uint32_t label_count =
      require_size(labels, read_sizes(labels, kLabelMagic, "labels")[0], "labels", kMaxCount);
  if (wanted_count >= 0 && count != wanted_count)
    throw DataError(fmt::format("{}: {} images, wanted {}", images.name(), count, wanted_count));
  if (count != label_count)
    throw DataError(fmt::format("{}: {} labels, wanted one for each of the {} images of {}",
                                labels.name(), label_count, count, images.name()));
  ImageSet set;
  set.count = count;
  set.height = static_cast<int>(require_size(images, sizes[1], "rows", kMaxSide));
  set.width = static_cast<int>(require_size(images, sizes[2], "columns", kMaxSide));
  set.channels = 1;
  set.pixels = images.read_vector(static_cast<std::uint64_t>(count * set.bytes_per_image()),
                                  fmt::format("{} images", count));
  require_end(images);
  const auto bytes = labels.read_vector(count, fmt::format("{} labels", count));
  require_end(labels);
  set.labels.assign(bytes.begin(), bytes.end());
  label_histogram(set, kClasses, labels.name());
  return set;
}

DatasetInfo mnist_info() {
  DatasetInfo info{.name = "mnist",
                   .description = "MNIST: 60,000 + 10,000 handwritten digits of 28x28x1",
                   .page = "http://yann.lecun.com/exdb/mnist/",
                   .classes = kClasses,
                   .height = 28,
                   .width = 28,
                   .channels = 1,
                   .files = files(),
                   .load = load};
  for (const OfficialFile& file : files())
    info.downloads.push_back({.url = kAddress + file.path.substr(kFolder.size()),
                              .bytes = file.bytes,
                              .md5 = file.md5,
                              .path = file.path});
  info.needed_files = [](const OptionValues&) {
    std::vector<std::string> paths;
    for (const OfficialFile& file : files()) paths.push_back(file.path);
    return paths;
  };
  info.counts = [](const OptionValues&) { return ImageCounts{60000, 10000}; };
  return info;
}

}  // namespace hadal::data
