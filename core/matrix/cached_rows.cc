#include "core/matrix/cached_rows.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "core/base/error.h"
#include "core/matrix/random_access_file.h"
#include "core/matrix/stored_rows.h"

namespace hadal::matrix {
namespace {

constexpr std::int64_t kFillBytes = 4 << 20;

std::int64_t row_bytes(const RowSource& source) {
  return source.cols() * static_cast<std::int64_t>(bytes_of(source.element()));
}

StoredType stored(Element element) {
  return element == Element::kU8    ? StoredType::kU8
         : element == Element::kF32 ? StoredType::kF32
                                    : StoredType::kF64;
}

class CachedRows final : public RowSource {
 public:
  CachedRows(std::unique_ptr<RowSource> source, std::unique_ptr<RandomAccessFile> file)
      : source_(std::move(source)),
        file_(*file),
        stored_(std::move(file),
                {.type = stored(source_->element()), .shape = {source_->rows(), source_->cols()}},
                source_->name()),
        kept_(static_cast<std::size_t>(source_->rows())) {
    describe_as(*source_);
  }

  void read(std::int64_t first_row, std::int64_t rows, std::int64_t first_col, std::int64_t cols,
            std::byte* to) const override {
    HADAL_CHECK(first_row >= 0 && rows >= 0 && first_row + rows <= this->rows());
    const auto is_kept = [&](std::int64_t row) {
      return kept_[static_cast<std::size_t>(row)].load(std::memory_order_acquire);
    };
    const std::int64_t most =
        std::max<std::int64_t>(kFillBytes / std::max<std::int64_t>(row_bytes(*this), 1), 1);
    for (std::int64_t row = first_row; row < first_row + rows;) {
      std::int64_t end = row;
      while (end < first_row + rows && end - row < most && !is_kept(end)) ++end;
      if (end > row) keep(row, end - row);
      row = std::max(end, row + 1);
    }
    stored_.read(first_row, rows, first_col, cols, to);
  }

 private:
  // Two threads that meet in a row both make it, and write the same bytes.
  void keep(std::int64_t first_row, std::int64_t rows) const {
    std::vector<std::byte> block(static_cast<std::size_t>(rows * row_bytes(*this)));
    source_->read(first_row, rows, 0, cols(), block.data());
    file_.write(static_cast<std::uint64_t>(first_row * row_bytes(*this)), block.size(),
                block.data());
    for (std::int64_t row = first_row; row < first_row + rows; ++row)
      kept_[static_cast<std::size_t>(row)].store(true, std::memory_order_release);
  }

  std::unique_ptr<RowSource> source_;
  RandomAccessFile& file_;  // stored_ owns it
  StoredRows stored_;
  mutable std::vector<std::atomic<bool>> kept_;
};

}  // namespace

std::unique_ptr<RowSource> cached(std::unique_ptr<RowSource> source) {
  std::unique_ptr<RandomAccessFile> file;
  try {
    file = RandomAccessFile::temporary(
        static_cast<std::uint64_t>(source->rows() * row_bytes(*source)), source->name());
  } catch (const IoError&) {
    return source;
  }
  return std::make_unique<CachedRows>(std::move(source), std::move(file));
}

}  // namespace hadal::matrix
