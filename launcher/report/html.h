// Text into HTML.
#pragma once

#include <string>
#include <string_view>

#include "launcher/sheet.h"

namespace hadal::launcher::report {

/// For element content and for attributes in quotes of either kind.
std::string escaped(std::string_view text);

/// Several lines for a <pre>, each without control characters, escaped.
std::string escaped_lines(std::string_view text);

/// <table> that page.js makes sortable; on a narrow screen every line becomes a card.
std::string table_of(const Sheet& sheet);

/// "sha256-…" as a Content-Security-Policy names an inline script.
std::string script_hash(std::string_view script);

}  // namespace hadal::launcher::report
