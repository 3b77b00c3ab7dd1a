// A curve as one line of text.
#pragma once

#include <span>
#include <string>

namespace hadal::launcher::watch {

/// "█▆▄▂▁": the newest of `values`, at most `width` of them, from the lowest to the highest of
/// those shown. What is not finite is a blank. "" where there are none.
std::string sparkline(std::span<const double> values, std::size_t width);

/// "██████▌    ": `share` of 0 to 1 in `width` columns, to an eighth of one.
std::string bar(double share, std::size_t width);

}  // namespace hadal::launcher::watch
