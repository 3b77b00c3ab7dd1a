#include "core/matrix/converted_rows.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::matrix {
namespace {

constexpr std::int64_t kScratchBytes = 1 << 20;

template <typename From, typename To>
void convert(const std::byte* from, std::size_t count, std::byte* to) {
  for (std::size_t i = 0; i < count; ++i) {
    From value;
    std::memcpy(&value, from + i * sizeof(From), sizeof(From));
    const To other = static_cast<To>(value);
    std::memcpy(to + i * sizeof(To), &other, sizeof(To));
  }
}

class ConvertedRows final : public RowSource {
 public:
  ConvertedRows(std::unique_ptr<RowSource> source, Element element) : source_(std::move(source)) {
    describe_as(*source_);
    element_ = element;
  }

  void read(std::int64_t first_row, std::int64_t rows, std::int64_t first_col, std::int64_t cols,
            std::byte* to) const override {
    const auto row = cols * static_cast<std::int64_t>(bytes_of(source_->element()));
    const std::int64_t at_once = std::clamp<std::int64_t>(
        kScratchBytes / std::max<std::int64_t>(row, 1), 1, std::max<std::int64_t>(rows, 1));
    std::vector<std::byte> scratch(static_cast<std::size_t>(at_once * row));
    for (std::int64_t r = 0; r < rows; r += at_once) {
      const std::int64_t n = std::min(at_once, rows - r);
      source_->read(first_row + r, n, first_col, cols, scratch.data());
      const auto count = static_cast<std::size_t>(n * cols);
      std::byte* out = to + static_cast<std::size_t>(r * cols) * bytes_of(element_);
      if (source_->element() == Element::kU8 && element_ == Element::kF32)
        convert<std::uint8_t, float>(scratch.data(), count, out);
      else if (source_->element() == Element::kU8)
        convert<std::uint8_t, double>(scratch.data(), count, out);
      else if (source_->element() == Element::kF32)
        convert<float, double>(scratch.data(), count, out);
      else
        convert<double, float>(scratch.data(), count, out);
    }
  }

  void release(std::int64_t first_row, std::int64_t rows) const override {
    source_->release(first_row, rows);
  }

 private:
  std::unique_ptr<RowSource> source_;
};

}  // namespace

std::unique_ptr<RowSource> converted(std::unique_ptr<RowSource> source, Element element) {
  if (source->element() == element) return source;
  if (element == Element::kU8)
    throw ConfigError(fmt::format(
        "{}: its floating-point numbers cannot become bytes; ask for float32 or float64",
        source->name()));
  return std::make_unique<ConvertedRows>(std::move(source), element);
}

}  // namespace hadal::matrix
