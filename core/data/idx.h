// The IDX format of MNIST's files (LeCun, Cortes, Burges): two zero bytes, a type, the number of
// dimensions, their sizes as big-endian uint32, then the elements, big-endian, last index fastest.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/data/byte_source.h"

namespace hadal::data {

enum class IdxType : std::uint8_t {
  kU8 = 0x08,
  kI8 = 0x09,
  kI16 = 0x0b,
  kI32 = 0x0c,
  kF32 = 0x0d,
  kF64 = 0x0e,
};

struct IdxHeader {
  std::uint32_t magic = 0;  // the first four bytes: 2051 for images, 2049 for labels
  IdxType type = IdxType::kU8;
  std::vector<std::uint32_t> sizes{};
};

/// Whether a file that begins so may be an IDX file (at least four bytes).
bool looks_like_idx(std::string_view bytes);

/// Throws DataError for truncation and for another magic.
IdxHeader read_idx_header(ByteSource& source);

}  // namespace hadal::data
