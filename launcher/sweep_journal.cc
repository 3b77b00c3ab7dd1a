#include "launcher/sweep_journal.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/files.h"
#include "launcher/environment.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr const char* kJournal = "sweep.jsonl";

template <typename T>
void get(const json& from, const char* key, T& to) {
  if (const auto at = from.find(key); at != from.end()) at->get_to(to);
}

JournalLine line_from(const std::string& text, const std::string& where) {
  JournalLine line;
  try {
    const json from = json::parse(text);
    get(from, "time", line.time);
    get(from, "what", line.what);
    get(from, "run", line.run);
    get(from, "hash", line.hash);
    get(from, "detail", line.detail);
    get(from, "space", line.space);
    if (from.contains("epochs")) {
      const int epochs = from.at("epochs");
      line.epochs = epochs < 0 ? kToTheEnd : epochs;
    }
    if (from.contains("draw")) line.draw = from.at("draw").get<std::uint64_t>();
  } catch (const json::exception& error) {
    throw DataError(fmt::format("{}: damaged ({})", where, error.what()));
  }
  return line;
}

// What runs and what waits, as the launcher saw it last.
void follow(const JournalLine& line, JournalState& state) {
  static const std::set<std::string> begins = {"started", "adopted"};
  static const std::set<std::string> ends = {"finished", "failed", "drained",
                                             "again",    "paused", "stopped"};
  if (line.what == "planned") {
    state.running.clear();
    state.again.clear();
    state.over = false;
  }
  if (line.what == "over") state.over = true;
  if (ends.contains(line.what)) state.running.erase(line.hash);
  if (begins.contains(line.what)) {
    state.running.insert(line.hash);
    state.again.erase(line.hash);
  }
  if (line.what == "again") state.again[line.hash] = line.detail;
}

}  // namespace

std::string to_text(const JournalLine& line) {
  json to = {
      {"time", line.time.empty() ? utc_now() : line.time}, {"what", line.what}, {"run", line.run}};
  if (!line.hash.empty()) to["hash"] = line.hash;
  if (!line.detail.empty()) to["detail"] = line.detail;
  if (line.epochs) to["epochs"] = *line.epochs == kToTheEnd ? -1 : *line.epochs;
  if (line.draw) to["draw"] = *line.draw;
  if (!line.space.empty()) to["space"] = line.space;
  return to.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::vector<JournalLine> read_journal(const fs::path& sweep) {
  const fs::path path = sweep / kJournal;
  std::vector<JournalLine> lines;
  if (!fs::is_regular_file(path)) return lines;
  const std::string text = read_file(path);
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    lines.push_back(line_from(text.substr(begin, end - begin),
                              fmt::format("{}:{}", path.string(), lines.size() + 1)));
    begin = end + 1;
  }
  return lines;
}

JournalState replay(const std::vector<JournalLine>& lines, const std::string& space) {
  JournalState state;
  for (const JournalLine& line : lines) {
    if (line.what == "cancelled") {
      state.cancelled.insert(line.hash);
    } else if (line.what == "retry") {
      state.cancelled.erase(line.hash);
      state.retried.insert(line.hash);
    } else if (line.what == "failed") {
      state.retried.erase(line.hash);
    } else if (line.what == "granted" && line.epochs) {
      state.granted[line.hash] = *line.epochs;
    } else if (line.what == "drawn" && line.draw && line.space == space) {
      state.draws.push_back(*line.draw);
    }
    follow(line, state);
  }
  return state;
}

}  // namespace hadal::launcher
