#include "core/data/tar.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal::data {
namespace {

constexpr std::size_t kBlock = 512;
using Block = std::array<std::uint8_t, kBlock>;

// Where the fields of a header stand: name 0-99, size 124-135, checksum 148-155, type 156,
// prefix 345-499.
std::string text_field(const Block& block, std::size_t at, std::size_t length) {
  const char* begin = reinterpret_cast<const char*>(block.data()) + at;
  return {begin, strnlen(begin, length)};
}

std::optional<std::uint64_t> octal_field(const Block& block, std::size_t at, std::size_t length) {
  std::uint64_t value = 0;
  for (const char c : text_field(block, at, length)) {
    if (c == ' ') continue;
    if (c < '0' || c > '7') return std::nullopt;
    value = value * 8 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

// Sum of all bytes, those of the checksum counted as spaces.
std::uint64_t checksum_of(const Block& block) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) sum += i >= 148 && i < 156 ? ' ' : block[i];
  return sum;
}

void require_inside(const std::string& name, const std::string& archive) {
  const std::filesystem::path path(name);
  const bool climbs = std::find(path.begin(), path.end(), "..") != path.end();
  if (name.empty() || path.is_absolute() || climbs)
    throw DataError(fmt::format("{}: archive member '{}' leads out of the folder", archive, name));
}

}  // namespace

void read_tar(ByteSource& source,
              const std::function<void(const std::string& name, std::uint64_t bytes,
                                       ByteSource& source)>& visit) {
  Block block;
  for (;;) {
    source.read_exact(block.data(), kBlock, "an archive header");
    if (std::all_of(block.begin(), block.end(), [](std::uint8_t b) { return b == 0; })) return;
    const auto bytes = octal_field(block, 124, 12), checksum = octal_field(block, 148, 8);
    if (!bytes || !checksum || *checksum != checksum_of(block))
      throw DataError(fmt::format("{}: damaged archive header before byte {}", source.name(),
                                  source.position()));
    const std::uint64_t end = source.position() + *bytes;
    const char type = static_cast<char>(block[156]);
    if (type == '0' || type == '\0') {
      const std::string prefix = text_field(block, 345, 155);
      const bool is_ustar = text_field(block, 257, 5) == "ustar";
      const std::string name =
          (is_ustar && !prefix.empty() ? prefix + "/" : "") + text_field(block, 0, 100);
      require_inside(name, source.name());
      visit(name, *bytes, source);
    }
    HADAL_CHECK(source.position() <= end);
    source.skip(end - source.position() + (kBlock - *bytes % kBlock) % kBlock, "an archive member");
  }
}

}  // namespace hadal::data
