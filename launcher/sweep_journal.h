// The journal of a sweep: what happened and what was decided, one object a line, appended only.
//
//   {"time":"…Z","what":"started","run":"depth-8_seed-1","hash":"…","detail":"attempt 1"}
//
// It is also what a launcher goes on from. A result tells what a run came to; that a run was
// cancelled, how far a strategy lets it go and what was drawn for it stand here and nowhere else,
// written before anything follows from it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace hadal::launcher {

/// As far as a run's own spec says.
inline constexpr int kToTheEnd = std::numeric_limits<int>::max();

struct JournalLine {
  std::string time = {};  // "" when it is to be written: now
  std::string what = {};
  std::string run = {};   // its name; the sweep's where it is about the whole
  std::string hash = {};  // of the run
  std::string detail = {};
  std::optional<int> epochs = {};          // "granted": trained up to here; kToTheEnd is -1 there
  std::optional<std::uint64_t> draw = {};  // "drawn": which draw of the random axes
  std::string space = {};                  // "drawn": hash of what was drawn from
};

/// The line as it stands in the file.
std::string to_text(const JournalLine& line);

/// None where there is no journal. A last line that a killed writer left torn is left out; anything
/// else that cannot be read is a DataError that names the line.
std::vector<JournalLine> read_journal(const std::filesystem::path& sweep);

/// What a journal comes to.
struct JournalState {
  std::set<std::string> cancelled;           // hashes; not started until a "retry"
  std::set<std::string> retried;             // hashes; to be repeated though they diverged
  std::map<std::string, int> granted;        // hash: epochs a strategy lets the run go
  std::vector<std::uint64_t> draws;          // in their order, of the space asked for
  std::set<std::string> running;             // hashes; of the launcher that wrote last
  std::map<std::string, std::string> again;  // hash: why it waits for another attempt
  bool over = false;                         // the strategy has nothing more to start
};

JournalState replay(const std::vector<JournalLine>& lines, const std::string& space = "");

}  // namespace hadal::launcher
