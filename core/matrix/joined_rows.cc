#include "core/matrix/joined_rows.h"

#include <algorithm>
#include <map>
#include <string>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/matrix/converted_rows.h"

namespace hadal::matrix {
namespace {

bool same_picture(const RowSource& a, const RowSource& b) {
  if (!a.picture() || !b.picture()) return a.picture().has_value() == b.picture().has_value();
  return a.picture()->height == b.picture()->height && a.picture()->width == b.picture()->width &&
         a.picture()->channels == b.picture()->channels &&
         a.picture()->planar == b.picture()->planar;
}

class JoinedRows final : public RowSource {
 public:
  explicit JoinedRows(std::vector<std::unique_ptr<RowSource>> parts) : parts_(std::move(parts)) {
    describe_as(*parts_[0]);
    name_ = fmt::format("{} and {} more", parts_[0]->name(), parts_.size() - 1);
    rows_ = 0;
    for (const auto& part : parts_) {
      first_rows_.push_back(rows_);
      rows_ += part->rows();
    }
    join_labels();
  }

  const std::byte* in_place(std::int64_t first_row, std::int64_t rows) const override {
    const std::size_t p = part_of(first_row);
    const std::int64_t row = first_row - first_rows_[p];
    return row + rows <= parts_[p]->rows() ? parts_[p]->in_place(row, rows) : nullptr;
  }

  void read(std::int64_t first_row, std::int64_t rows, std::int64_t first_col, std::int64_t cols,
            std::byte* to) const override {
    HADAL_CHECK(first_row >= 0 && rows >= 0 && first_row + rows <= rows_);
    for_parts(first_row, rows, [&](const RowSource& part, std::int64_t row, std::int64_t n) {
      part.read(row, n, first_col, cols, to);
      to += static_cast<std::size_t>(n * cols) * bytes_of(element_);
    });
  }

  void release(std::int64_t first_row, std::int64_t rows) const override {
    for_parts(first_row, rows, [](const RowSource& part, std::int64_t row, std::int64_t n) {
      part.release(row, n);
    });
  }

 private:
  // The part that holds `row`; the last one that begins there, for parts without rows.
  std::size_t part_of(std::int64_t row) const {
    return static_cast<std::size_t>(std::ranges::upper_bound(first_rows_, row) -
                                    first_rows_.begin()) -
           1;
  }

  template <typename Visit>
  void for_parts(std::int64_t first_row, std::int64_t rows, Visit visit) const {
    for (std::size_t p = part_of(first_row); rows > 0; ++p) {
      const std::int64_t row = first_row - first_rows_[p];
      const std::int64_t n = std::min(rows, parts_[p]->rows() - row);
      if (n > 0) visit(*parts_[p], row, n);
      first_row += n;
      rows -= n;
    }
  }

  void join_labels() {
    labels_.clear();
    label_names_.clear();
    for (const auto& part : parts_)
      if (part->labels().empty() && part->rows() > 0) return;
    std::map<std::string, int> known;
    for (const auto& part : parts_) {
      std::vector<int> renamed;
      for (const std::string& name : part->label_names()) {
        const auto [entry, is_new] = known.emplace(name, static_cast<int>(label_names_.size()));
        if (is_new) label_names_.push_back(name);
        renamed.push_back(entry->second);
      }
      for (const int label : part->labels())
        labels_.push_back(renamed[static_cast<std::size_t>(label)]);
    }
  }

  std::vector<std::unique_ptr<RowSource>> parts_;
  std::vector<std::int64_t> first_rows_;
};

}  // namespace

std::unique_ptr<RowSource> joined(std::vector<std::unique_ptr<RowSource>> parts) {
  HADAL_CHECK(!parts.empty());
  if (parts.size() == 1) return std::move(parts[0]);
  Element widest = Element::kU8;
  for (const auto& part : parts) {
    widest = std::max(widest, part->element());
    if (part->cols() != parts[0]->cols() || !same_picture(*part, *parts[0]))
      throw ConfigError(fmt::format(
          "{}: {} columns{}, {} has {}{}; files that are joined have the same columns",
          part->name(), part->cols(), part->picture() ? " as pictures" : "", parts[0]->name(),
          parts[0]->cols(), parts[0]->picture() ? " as pictures" : ""));
  }
  for (auto& part : parts) part = converted(std::move(part), widest);
  return std::make_unique<JoinedRows>(std::move(parts));
}

}  // namespace hadal::matrix
