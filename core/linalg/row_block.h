// Rows of the long matrix where they lie in memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/matrix/row_source.h"

namespace hadal::linalg {

/// Rows at `data`, one every `stride` elements.
struct RowBlock {
  const void* data = nullptr;
  matrix::Element element = matrix::Element::kF32;
  std::int64_t rows = 0, cols = 0;
  std::int64_t stride = 0;  // >= cols
  // More rows of the matrix lie behind, worth fetching ahead. What lies there else may be written
  // by another thread, which fetching would hold up, or be no memory at all.
  bool goes_on = true;
};

template <typename From>
const From* row_of(const RowBlock& t, std::int64_t i) {
  return static_cast<const From*>(t.data) + i * t.stride;
}

/// The bytes from row i on that some rows take.
inline const std::byte* bytes_of(const RowBlock& t, std::int64_t i) {
  return static_cast<const std::byte*>(t.data) +
         i * t.stride * static_cast<std::int64_t>(matrix::bytes_of(t.element));
}
/// What is worth fetching ahead behind row i; null: nothing.
inline const std::byte* bytes_ahead_of(const RowBlock& t, std::int64_t i) {
  return i < t.rows || t.goes_on ? bytes_of(t, i) : nullptr;
}
inline std::int64_t byte_count(const RowBlock& t, std::int64_t rows) {
  return rows * t.stride * static_cast<std::int64_t>(matrix::bytes_of(t.element));
}

/// The instruction sets; all give the same bits.
enum class Isa { kScalar, kAvx2, kAvx512 };
/// The best that this machine has.
Isa best_isa();

}  // namespace hadal::linalg
