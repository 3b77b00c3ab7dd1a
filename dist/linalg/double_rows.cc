#include "dist/linalg/double_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "dist/linalg/row_fold.h"

namespace hadal::dist {
namespace {

using matrix::Element;

template <typename T>
void convert(const std::byte* from, std::size_t count, double* to) {
  for (std::size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, from + i * sizeof(T), sizeof(T));
    to[i] = value;
  }
}

void convert(Element element, const std::byte* from, std::size_t count, double* to) {
  switch (element) {
    case Element::kU8:
      return convert<std::uint8_t>(from, count, to);
    case Element::kF32:
      return convert<float>(from, count, to);
    case Element::kF64:
      std::memcpy(to, from, count * sizeof(double));
  }
}

}  // namespace

const double* DoubleRows::tile(std::int64_t first, std::int64_t rows,
                               std::vector<double>& buffer) const {
  const Element element = source_.element();
  const std::byte* in_place = source_.in_place(first, rows);
  if (in_place != nullptr && element == Element::kF64 && shift_.empty() &&
      reinterpret_cast<std::uintptr_t>(in_place) % alignof(double) == 0)
    return reinterpret_cast<const double*>(in_place);
  const auto count = static_cast<std::size_t>(rows * cols());
  buffer.resize(count);
  if (in_place != nullptr) {
    convert(element, in_place, count, buffer.data());
  } else if (element == Element::kF64) {
    source_.read(first, rows, 0, cols(), reinterpret_cast<std::byte*>(buffer.data()));
  } else {
    std::vector<std::byte> raw(count * matrix::bytes_of(element));
    source_.read(first, rows, 0, cols(), raw.data());
    convert(element, raw.data(), count, buffer.data());
  }
  if (!shift_.empty())
    for (std::int64_t i = 0; i < rows; ++i) {
      double* row = buffer.data() + i * cols();
      for (std::size_t j = 0; j < shift_.size(); ++j) row[j] -= shift_[j];
    }
  return buffer.data();
}

void require_finite(Communicator& comm, const DoubleRows& rows, int threads) {
  constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kRowsPerLeaf = 256;
  std::int64_t first_bad = kNone;  // row * cols + column
  std::mutex mutex;
  for_each_leaf(comm, {.rows = rows.rows(), .rows_per_leaf = kRowsPerLeaf}, threads,
                [&](int, std::int64_t first, std::int64_t count) {
                  std::vector<double> buffer;
                  const double* begin = rows.tile(first, count, buffer);
                  const double* end = begin + count * rows.cols();
                  const double* bad =
                      std::find_if(begin, end, [](double x) { return !std::isfinite(x); });
                  if (bad == end) return;
                  const std::lock_guard lock(mutex);
                  first_bad = std::min(first_bad, first * rows.cols() + (bad - begin));
                });
  first_bad = comm.all_reduce(first_bad, ReduceOp::kMin);
  if (first_bad == kNone) return;
  throw NotFiniteError(fmt::format(
      "{}: row {}, column {} (from 0) is NaN or infinite; only finite values can be worked with",
      rows.source().name(), format_count(first_bad / rows.cols()),
      format_count(first_bad % rows.cols())));
}

}  // namespace hadal::dist
