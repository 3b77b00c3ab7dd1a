// A network cable that delays, loses and damages what goes through it: two TAP devices in two
// network namespaces, and a process that passes frames from one to the other.
//
//   bad_cable HERE THERE NAMESPACE FAULTS SEED
//
// makes HERE in its own namespace and THERE in that of the file NAMESPACE. It reads the file FAULTS
// ten times a second, which may be replaced at any time; FAULTS.seen holds what it goes by. It runs
// until it is killed.
#pragma once

#include <cstdint>
#include <string>

namespace hadal::launcher {

struct CableFaults {
  double delay_s = 0;           // of every frame, each way
  double lost = 0;              // share of frames
  double damaged = 0;           // share of TCP segments in which one bit is turned
  std::int64_t bits_per_s = 0;  // each way; 0: no limit
  bool deaf = false;            // nothing goes from THERE to HERE
  bool operator==(const CableFaults&) const = default;
};

/// As the file holds them, and back; what is no such text is a cable without faults.
std::string to_text(const CableFaults& faults);
CableFaults cable_faults_from(const std::string& text);

}  // namespace hadal::launcher
