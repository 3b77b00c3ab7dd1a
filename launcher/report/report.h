// The page that tells what runs came to: one HTML file that needs no network, no other file and,
// but for its charts, no scripts.
//
// Texts come from files that anybody may have written. They are escaped wherever they stand, and
// the page's Content-Security-Policy runs only the two scripts it was made with and loads nothing.
#pragma once

#include <string>
#include <vector>

#include "launcher/table.h"

namespace hadal::launcher::report {

/// `made` tells when and by what, below the title.
std::string page(const std::vector<Table>& tables, const std::string& made);

struct LivePage {
  std::string html;
  std::string content_policy;  // for the header of the same name
};

/// The same for a server: it asks for itself every two seconds, and what is new takes the place of
/// what was, without losing the reader's.
LivePage live_page(const std::vector<Table>& tables, const std::string& made);

}  // namespace hadal::launcher::report
