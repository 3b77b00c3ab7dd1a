#include "core/matrix/cifar_rows.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/data/cifar.h"
#include "core/data/dataset_info.h"

namespace hadal::matrix {
namespace {

constexpr std::int64_t kRecordsAtOnce = 256;

// Nothing when the file is of another form.
std::optional<std::vector<int>> read_labels(const RandomAccessFile& file,
                                            const data::CifarFormat& format) {
  const auto record = static_cast<std::size_t>(format.label_bytes + data::kCifarImageBytes);
  if (file.size() == 0 || file.size() % record != 0) return std::nullopt;
  const auto records = static_cast<std::int64_t>(file.size() / record);
  std::vector<std::uint8_t> block(static_cast<std::size_t>(kRecordsAtOnce) * record);
  std::vector<int> labels;
  for (std::int64_t r = 0; r < records; r += kRecordsAtOnce) {
    const auto n = static_cast<std::size_t>(std::min(kRecordsAtOnce, records - r));
    file.read(static_cast<std::uint64_t>(r) * record, n * record, block.data());
    for (std::size_t i = 0; i < n; ++i) {
      labels.push_back(block[i * record + static_cast<std::size_t>(format.label_byte)]);
      if (labels.back() >= format.classes) return std::nullopt;
    }
  }
  return labels;
}

}  // namespace

std::unique_ptr<StoredRows> open_cifar(const std::filesystem::path& path, const FileUse& use) {
  auto file = std::make_unique<const RandomAccessFile>(path, use);
  for (const data::CifarFormat& format : {data::kCifar10Format, data::kCifar100FineFormat}) {
    std::optional<std::vector<int>> labels = read_labels(*file, format);
    if (!labels) continue;
    std::vector<std::string> numbers;
    for (int i = 0; i < format.classes; ++i) numbers.push_back(fmt::to_string(i));
    const char* names_file = format.classes == 10 ? "batches.meta.txt" : "fine_label_names.txt";
    const auto label_bytes = static_cast<std::uint64_t>(format.label_bytes);
    auto rows = std::make_unique<StoredRows>(
        std::move(file),
        ArrayLayout{.type = StoredType::kU8,
                    .offset = label_bytes,
                    .shape = {static_cast<std::int64_t>(labels->size()), data::kCifarImageBytes},
                    .row_bytes = label_bytes + data::kCifarImageBytes},
        path.string());
    rows->set_picture(
        {.height = data::kCifarSide, .width = data::kCifarSide, .channels = 3, .planar = true});
    rows->set_labels(std::move(*labels), data::class_names_of(path.parent_path() / names_file,
                                                              format.classes, std::move(numbers)));
    return rows;
  }
  throw DataError(fmt::format(
      "{}: {} bytes are no records of CIFAR-10 (1 label byte and {} of pixels) or CIFAR-100 (2 and "
      "{})",
      path.string(), file->size(), data::kCifarImageBytes, data::kCifarImageBytes));
}

}  // namespace hadal::matrix
