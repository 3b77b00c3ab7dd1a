// Files that the page carries with it, made into bytes of the program at build time.
#pragma once

#include <string_view>

namespace hadal::launcher::report {

std::string_view chart_js();  // Chart.js, as the system's package has it
std::string_view chart_license();
std::string_view page_css();
std::string_view page_js();

}  // namespace hadal::launcher::report
