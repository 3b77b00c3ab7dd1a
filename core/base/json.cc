#include "core/base/json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"

namespace hadal {

bool is_nested_deeper(std::string_view text, int levels) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > levels) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

nlohmann::json parse_json(std::string_view text, std::string_view where) {
  if (text.size() > kMaxJsonBytes)
    throw DataError(fmt::format("{}: damaged ({} bytes, at most {} are read)", where, text.size(),
                                kMaxJsonBytes));
  if (is_nested_deeper(text, kMaxJsonNesting))
    throw DataError(
        fmt::format("{}: damaged (nested more than {} levels deep)", where, kMaxJsonNesting));
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    throw DataError(fmt::format("{}: damaged ({})", where, error.what()));
  }
}

}  // namespace hadal
