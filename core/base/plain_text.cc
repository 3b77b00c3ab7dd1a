#include "core/base/plain_text.h"

#include <cstdint>
#include <optional>

#include <fmt/format.h>

namespace hadal {
namespace {

/// The character at `at`, which moves behind it; none where the bytes are not UTF-8: cut short,
/// longer than needed, a surrogate, above U+10FFFF.
std::optional<char32_t> next_character(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  const std::size_t more = first < 0x80             ? 0
                           : (first & 0xe0) == 0xc0 ? 1
                           : (first & 0xf0) == 0xe0 ? 2
                           : (first & 0xf8) == 0xf0 ? 3
                                                    : 4;
  if (more == 4 || text.size() - at <= more) return std::nullopt;
  char32_t c = more == 0 ? first : first & (0x3fu >> more);
  for (std::size_t i = 1; i <= more; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return std::nullopt;
    c = c << 6 | (byte(at + i) & 0x3fu);
  }
  constexpr char32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
  if (c < kLeast[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return std::nullopt;
  at += more + 1;
  return c;
}

/// Marks and overrides of direction, blanks of no width, separators of lines, tags.
bool is_unseen(char32_t c) {
  return c == 0xad || c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
         (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

}  // namespace

std::string trouble_in_line(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::optional<char32_t> c = next_character(text, at);
    if (!c) return fmt::format("is not UTF-8 text (byte {})", at);
    if (is_control(*c)) return "has a line break or another control character in it";
    if (is_unseen(*c))
      return fmt::format("has U+{:04X} in it, which is not seen or turns text around",
                         static_cast<std::uint32_t>(*c));
  }
  return "";
}

std::string on_one_line(std::string_view text, std::size_t most) {
  std::string line;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const std::optional<char32_t> c = next_character(text, at);
    if (!c) ++at;
    const std::string_view shown =
        !c || is_control(*c) || is_unseen(*c) ? "?" : text.substr(begin, at - begin);
    if (line.size() + shown.size() > most) return line + "...";
    line += shown;
  }
  return line;
}

}  // namespace hadal
