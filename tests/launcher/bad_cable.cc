#include "tests/launcher/bad_cable.h"

#include <sstream>

#include <fmt/format.h>

namespace hadal::launcher {

std::string to_text(const CableFaults& faults) {
  return fmt::format("{} {} {} {} {}\n", faults.delay_s, faults.lost, faults.damaged,
                     faults.bits_per_s, faults.deaf ? 1 : 0);
}

CableFaults cable_faults_from(const std::string& text) {
  CableFaults faults;
  std::istringstream in(text);
  in >> faults.delay_s >> faults.lost >> faults.damaged >> faults.bits_per_s >> faults.deaf;
  return in ? faults : CableFaults{};
}

}  // namespace hadal::launcher
