// Protobuf text into a message, with errors a person can act on. Files come from people and may be
// anything: size and nesting are bounded before the parser sees them (its recursion ends the
// process at some ten thousand levels).
#pragma once

#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/message.h>

namespace hadal::spec {

inline constexpr std::size_t kMaxSpecBytes = std::size_t{1} << 20;
inline constexpr int kMaxNesting = 16;

/// Where a field stands in its file, both from 1.
struct Location {
  int line = 0, column = 0;
};
/// By field path; elements of lists as "row[2].base".
using Locations = std::map<std::string, Location>;

/// Something wrong with the field at `path` ("" for the whole).
struct Problem {
  std::string path;
  std::string what;
};

/// Fills `message` from `text`. Throws ConfigError with one line per error,
///   file:line:column: unknown field 'modl'; did you mean 'model'? known fields: name, note, ...
/// `file` is only quoted.
Locations parse_text(std::string_view text, const std::string& file,
                     google::protobuf::Message& message);

/// "file:line:column: path: what" for each, one per line; without a place where the field is not in
/// the file.
std::string describe(const std::vector<Problem>& problems, const std::string& file,
                     const Locations& locations);

}  // namespace hadal::spec
