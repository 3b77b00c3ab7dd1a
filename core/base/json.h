// JSON from outside, within limits.
#pragma once

#include <cstddef>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace hadal {

/// What this program writes is a few levels deep; more is no file of its own.
inline constexpr int kMaxJsonNesting = 64;
inline constexpr std::size_t kMaxJsonBytes = std::size_t{256} << 20;

/// Throws DataError "`where`: damaged (…)" for what is no JSON, is larger than kMaxJsonBytes or
/// nested deeper than kMaxJsonNesting; both are looked at before anything is parsed.
nlohmann::json parse_json(std::string_view text, std::string_view where);

/// Whether brackets outside of strings open more than `levels` levels.
bool is_nested_deeper(std::string_view text, int levels);

}  // namespace hadal
