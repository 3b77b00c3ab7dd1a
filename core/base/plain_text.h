// Text of other people, before it is shown or kept.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hadal {

/// What keeps `text` from being one line that shows as it is, or "": a control character, bytes
/// that are not UTF-8, a character that is invisible or changes the direction of what follows.
std::string trouble_in_line(std::string_view text);

/// `text` with '?' for whatever trouble_in_line() names, and "..." for what comes after `most`
/// bytes (or a few less, so that no character is cut).
std::string on_one_line(std::string_view text, std::size_t most);

}  // namespace hadal
