#include "core/matrix/csv.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/matrix/cached_rows.h"
#include "core/matrix/random_access_file.h"

namespace hadal::matrix {
namespace {

constexpr std::size_t kChunkBytes = 1 << 18;
constexpr std::size_t kMaxLineBytes = 64 << 20;

// Lines from `offset` on, without their ends.
class Lines {
 public:
  Lines(const RandomAccessFile& file, std::uint64_t offset, std::int64_t number)
      : file_(file), offset_(offset), number_(number) {}

  // Nothing at the end of the file. The text is valid until the next call.
  std::optional<std::string_view> next() {
    for (;;) {
      const char* begin = buffer_.data() + at_;
      const char* end = buffer_.data() + buffer_.size();
      const void* found = at_ < buffer_.size()
                              ? std::memchr(begin, '\n', static_cast<std::size_t>(end - begin))
                              : nullptr;
      const bool last = found == nullptr && offset_ + buffer_.size() == file_.size();
      if (found == nullptr && !last) {
        read_more();
        continue;
      }
      if (last && begin == end) return std::nullopt;
      const std::string_view line(
          begin, static_cast<std::size_t>((last ? end : static_cast<const char*>(found)) - begin));
      start_ = offset_ + at_;
      at_ += line.size() + (last ? 0 : 1);
      ++number_;
      return trim_end(line);
    }
  }

  // Of the line that next() gave last, numbers from 1.
  std::uint64_t offset() const { return start_; }
  std::int64_t number() const { return number_; }

 private:
  static std::string_view trim_end(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  void read_more() {
    buffer_.erase(0, at_);
    offset_ += at_;
    at_ = 0;
    const std::size_t old = buffer_.size();
    if (old > kMaxLineBytes)
      throw DataError(fmt::format("{}: line {} is longer than {} bytes: this is no table of text",
                                  file_.name(), number_ + 1, kMaxLineBytes));
    const auto step = static_cast<std::size_t>(
        std::min<std::uint64_t>(std::max(kChunkBytes, old), file_.size() - offset_ - old));
    buffer_.resize(old + step);
    file_.read(offset_ + old, step, buffer_.data() + old);
  }

  const RandomAccessFile& file_;
  std::string buffer_;
  std::uint64_t offset_;  // of the buffer's beginning
  std::size_t at_ = 0;    // of the next line in it
  std::uint64_t start_ = 0;
  std::int64_t number_;
};

bool is_data(std::string_view line) {
  const std::string_view text = trim(line);
  return !text.empty() && text.front() != '#';
}

char separator_of(std::string_view line) {
  std::string outside;
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (!quoted) outside += c;
  }
  for (const char separator : {'\t', ';', ',', '|'})
    if (outside.find(separator) != std::string::npos) return separator;
  return ' ';
}

// Takes the first field, unquoted, off `line`; nothing when there is none left.
class Fields {
 public:
  Fields(std::string_view line, char separator) : rest_(line), separator_(separator) {
    if (separator == ' ') rest_ = trim(rest_);
  }

  std::optional<std::string_view> next() {
    if (ended_) return std::nullopt;
    std::size_t end = 0;
    if (const std::size_t quote = rest_.find_first_not_of(" \t");
        quote != std::string_view::npos && rest_[quote] == '"') {
      end = quote + 1;
      while (end < rest_.size() && (rest_[end] != '"' || rest_.substr(end).starts_with("\"\"")))
        end += rest_[end] == '"' ? 2 : 1;
    }
    end = separator_ == ' ' ? rest_.find_first_of(" \t", std::min(end, rest_.size()))
                            : rest_.find(separator_, std::min(end, rest_.size()));
    ended_ = end == std::string_view::npos;
    std::string_view field = trim(rest_.substr(0, end));
    if (!ended_) rest_.remove_prefix(end + 1);
    if (separator_ == ' ') rest_ = trim(rest_);
    if (field.size() >= 2 && field.front() == '"' && field.back() == '"')
      field = field.substr(1, field.size() - 2);
    return field;
  }

 private:
  std::string_view rest_;
  char separator_;
  bool ended_ = false;
};

std::vector<std::string> all_fields(std::string_view line, char separator) {
  std::vector<std::string> all;
  Fields fields(line, separator);
  while (const auto field = fields.next()) all.emplace_back(*field);
  return all;
}

std::optional<double> number_in(std::string_view field) {
  if (field.empty()) return std::numeric_limits<double>::quiet_NaN();
  if (field.front() == '+' && field.size() > 1 && field[1] != '-') field.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (end != field.data() + field.size()) return std::nullopt;
  if (error == std::errc()) return value;
  if (error != std::errc::result_out_of_range) return std::nullopt;
  // Too small is zero and too large infinite, as every other reader has it.
  const bool negative = field.front() == '-';
  const std::size_t exponent = field.find_first_of("eE");
  const bool tiny = exponent != std::string_view::npos
                        ? field[exponent + 1] == '-'
                        : field.find_first_of("123456789") > field.find('.');
  const double magnitude = tiny ? 0.0 : std::numeric_limits<double>::infinity();
  return negative ? -magnitude : magnitude;
}

class CsvRows final : public RowSource {
 public:
  CsvRows(const std::filesystem::path& path, const std::string& label_column)
      : file_(path, {.access = FileAccess::kRead}) {
    name_ = path.string();
    element_ = Element::kF64;
    read_start(label_column);
    find_rows();
  }

  void read(std::int64_t first_row, std::int64_t rows, std::int64_t first_col, std::int64_t cols,
            std::byte* to) const override {
    HADAL_CHECK(first_row >= 0 && rows >= 0 && first_row + rows <= rows_);
    HADAL_CHECK(first_col >= 0 && cols >= 0 && first_col + cols <= cols_);
    if (rows == 0) return;
    const auto mark = std::prev(std::ranges::upper_bound(marks_, first_row, {}, &Mark::row));
    Lines lines(file_, mark->offset, mark->line - 1);
    for (std::int64_t row = mark->row; row < first_row + rows;) {
      const auto line = lines.next();
      if (!line)
        throw DataError(fmt::format("{}: ends after {} rows, {} were there when it was opened",
                                    name_, row, rows_));
      if (!is_data(*line)) continue;
      if (row >= first_row) {
        parse(*line, lines.number(), first_col, cols, to);
        to += static_cast<std::size_t>(cols) * sizeof(double);
      }
      ++row;
    }
  }

 private:
  // Where a row begins; one every kChunkBytes or so.
  struct Mark {
    std::int64_t row, line;
    std::uint64_t offset;
  };

  // Separator, columns, header.
  void read_start(const std::string& label_column) {
    char bom[3] = {};
    if (file_.size() >= 3) file_.read(0, 3, bom);
    start_ = std::string_view(bom, 3) == "\xef\xbb\xbf" ? 3 : 0;
    Lines lines(file_, start_, 0);
    const auto next = [&]() -> std::vector<std::string> {
      while (const auto line = lines.next()) {
        if (!is_data(*line)) continue;
        if (separator_ == 0) separator_ = separator_of(*line);
        return all_fields(*line, separator_);
      }
      return {};
    };
    const std::vector<std::string> first = next();
    if (first.empty()) throw DataError(fmt::format("{}: holds no rows", name_));
    const std::vector<std::string> second = next();
    fields_ = static_cast<std::int64_t>(first.size());
    for (std::size_t i = 0; i < first.size(); ++i)
      has_header_ |= !number_in(first[i]) && i < second.size() && number_in(second[i]);
    label_field_ = label_column.empty() ? -1 : find_label(label_column, first);
    cols_ = fields_ - (label_field_ >= 0 ? 1 : 0);
    if (cols_ == 0) throw DataError(fmt::format("{}: one column, and that is the labels", name_));
    const std::vector<std::string>& data = has_header_ ? second : first;
    for (std::size_t i = 0; i < std::min(data.size(), first.size()); ++i)
      if (static_cast<std::int64_t>(i) != label_field_ && !number_in(data[i]))
        throw DataError(
            fmt::format("{}: column {}{} holds '{}', which is no number; one column may be labels "
                        "(--label-column {})",
                        name_, i + 1, has_header_ ? fmt::format(" ('{}')", first[i]) : "",
                        shortened(data[i]), has_header_ ? first[i] : fmt::to_string(i + 1)));
  }

  std::int64_t find_label(const std::string& label_column, const std::vector<std::string>& header) {
    const auto named = std::ranges::find(header, label_column);
    if (named != header.end() && !number_in(label_column)) {
      has_header_ = true;
      return named - header.begin();
    }
    std::int64_t number = 0;
    const char* end = label_column.data() + label_column.size();
    const auto parsed = std::from_chars(label_column.data(), end, number);
    if (parsed.ec == std::errc() && parsed.ptr == end) {
      if (number >= 1 && number <= fields_) return number - 1;
      if (number <= -1 && number >= -fields_) return fields_ + number;
      throw ConfigError(
          fmt::format("{}: label column {} of {} columns; they count from 1, the last "
                      "is {} or -1",
                      name_, number, fields_, fields_));
    }
    if (!has_header_)
      throw ConfigError(
          fmt::format("{}: no header names a label column '{}'; a number from 1 to {} "
                      "says which",
                      name_, label_column, fields_));
    throw ConfigError(fmt::format("{}: {}", name_, unknown_name("column", label_column, header)));
  }

  void find_rows() {
    std::map<std::string, int, std::less<>> known;
    bool header = has_header_;
    Lines lines(file_, start_, 0);
    while (const auto line = lines.next()) {
      if (!is_data(*line)) continue;
      if (header) {
        header = false;
        continue;
      }
      if (marks_.empty() || lines.offset() - marks_.back().offset >= kChunkBytes)
        marks_.push_back({rows_, lines.number(), lines.offset()});
      ++rows_;
      if (label_field_ < 0) continue;
      Fields fields(*line, separator_);
      std::optional<std::string_view> label;
      for (std::int64_t i = 0; i <= label_field_; ++i) label = fields.next();
      if (!label) fail_fields(*line, lines.number());
      auto entry = known.find(*label);
      if (entry == known.end()) {
        entry = known.emplace(std::string(*label), static_cast<int>(known.size())).first;
        label_names_.emplace_back(*label);
      }
      labels_.push_back(entry->second);
    }
    if (rows_ == 0) throw DataError(fmt::format("{}: a header and no rows", name_));
  }

  static std::string shortened(std::string_view text) {
    return text.size() <= 40 ? std::string(text) : std::string(text.substr(0, 37)) + "...";
  }

  [[noreturn]] void fail_fields(std::string_view line, std::int64_t number) const {
    throw DataError(fmt::format("{}: line {} has {} columns, the first has {}", name_, number,
                                all_fields(line, separator_).size(), fields_));
  }

  void parse(std::string_view line, std::int64_t number, std::int64_t first_col, std::int64_t cols,
             std::byte* to) const {
    Fields fields(line, separator_);
    std::int64_t col = 0;
    for (std::int64_t i = 0; i < fields_; ++i) {
      const auto field = fields.next();
      if (!field) fail_fields(line, number);
      if (i == label_field_) continue;
      if (col >= first_col && col < first_col + cols) {
        const std::optional<double> value = number_in(*field);
        if (!value)
          throw DataError(fmt::format("{}: line {}, column {}: '{}' is no number", name_, number,
                                      i + 1, shortened(*field)));
        std::memcpy(to, &*value, sizeof(double));
        to += sizeof(double);
      }
      ++col;
    }
    if (fields.next()) fail_fields(line, number);
  }

  RandomAccessFile file_;
  std::uint64_t start_ = 0;  // after a byte order mark
  char separator_ = 0;
  bool has_header_ = false;
  std::int64_t fields_ = 0;
  std::int64_t label_field_ = -1;  // -1: none
  std::vector<Mark> marks_;
};

}  // namespace

std::unique_ptr<RowSource> open_csv(const std::filesystem::path& path,
                                    const std::string& label_column) {
  return cached(std::make_unique<CsvRows>(path, label_column));
}

}  // namespace hadal::matrix
