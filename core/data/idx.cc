#include "core/data/idx.h"

#include <array>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::data {
namespace {

constexpr std::string_view kTypes = "\x08\x09\x0b\x0c\x0d\x0e";
constexpr int kMaxDimensions = 8;

std::uint32_t read_big_endian(ByteSource& source) {
  std::array<std::uint8_t, 4> b;
  source.read_exact(b.data(), b.size(), "the header");
  return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
}

}  // namespace

bool looks_like_idx(std::string_view bytes) {
  return bytes.size() >= 4 && bytes[0] == 0 && bytes[1] == 0 &&
         kTypes.find(bytes[2]) != std::string_view::npos && bytes[3] >= 1 &&
         bytes[3] <= kMaxDimensions;
}

IdxHeader read_idx_header(ByteSource& source) {
  IdxHeader header{.magic = read_big_endian(source)};
  const std::array<char, 4> bytes = {
      static_cast<char>(header.magic >> 24), static_cast<char>(header.magic >> 16),
      static_cast<char>(header.magic >> 8), static_cast<char>(header.magic)};
  if (!looks_like_idx({bytes.data(), bytes.size()}))
    throw DataError(
        fmt::format("{}: not an IDX file: starts with {}, wanted for example 2051 "
                    "(images) or 2049 (labels)",
                    source.name(), header.magic));
  header.type = static_cast<IdxType>(bytes[2]);
  for (int d = 0; d < bytes[3]; ++d) header.sizes.push_back(read_big_endian(source));
  return header;
}

}  // namespace hadal::data
