#include "experiments/spec/parse.h"

#include <algorithm>
#include <functional>
#include <set>

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include "core/base/error.h"
#include "core/base/plain_text.h"
#include "core/base/strings.h"
#include "experiments/spec/fields.h"

namespace hadal::spec {
namespace {

namespace pb = google::protobuf;

constexpr std::size_t kMostErrors = 20;
constexpr std::size_t kLongestMessage = 600;
// Elements of one list whose places are kept; finding a place costs a pass over the text.
constexpr int kMostPlaces = 100;

/// Lines for a person: the first kMostErrors and how many there were besides.
class Lines {
 public:
  bool full() const { return lines_.size() >= kMostErrors; }
  void add(std::string line) {
    if (full()) return skip();
    lines_.push_back(on_one_line(std::move(line), kLongestMessage));
  }
  void skip() { ++skipped_; }
  bool empty() const { return lines_.empty(); }
  std::string text() const {
    return join(lines_, "\n") + (skipped_ ? fmt::format("\n... and {} more", skipped_) : "");
  }

 private:
  std::vector<std::string> lines_;
  int skipped_ = 0;
};

/// The texts between double quotes in one of the parser's messages.
std::vector<std::string> quoted_parts(const std::string& message) {
  std::vector<std::string> parts;
  const std::vector<std::string> pieces = split(message, '"');
  for (std::size_t i = 1; i < pieces.size(); i += 2) parts.push_back(pieces[i]);
  return parts;
}

void visit_types(const pb::Descriptor& type, std::set<const pb::Descriptor*>& seen) {
  if (!seen.insert(&type).second) return;
  for (int i = 0; i < type.field_count(); ++i)
    if (const pb::Descriptor* inner = type.field(i)->message_type()) visit_types(*inner, seen);
}

/// Byte offset of what the tokenizer calls (line, column), both from 0: it counts a tab as up to
/// the next multiple of eight.
std::size_t offset_of(std::string_view text, int line, int column) {
  std::size_t at = 0;
  for (; line > 0 && at != std::string_view::npos; --line) at = text.find('\n', at) + 1;
  for (int c = 0; c < column && at < text.size(); ++at) c += text[at] == '\t' ? 8 - c % 8 : 1;
  return at;
}

Location location_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_start = before.rfind('\n') + 1;  // 0 when there is none
  return {static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(offset - line_start) + 1};
}

/// Says the parser's errors in our words: it does not say what it would have known.
class Collector : public pb::io::ErrorCollector {
 public:
  Collector(std::string file, std::string_view text, const pb::Descriptor& root)
      : file_(std::move(file)), text_(text) {
    visit_types(root, types_);
  }

  void AddError(int line, int column, const std::string& message) override {
    if (lines_.full()) return lines_.skip();
    std::size_t at = offset_of(text_, line, column);
    // The parser has already passed the name it does not know.
    const std::vector<std::string> quoted = quoted_parts(message);
    if (is_unknown_field(message, quoted))
      if (const std::size_t name = text_.substr(0, at).rfind(quoted[1]);
          name != std::string_view::npos)
        at = name;
    const Location where = location_of(text_, at);
    lines_.add(
        fmt::format("{}:{}:{}: {}", file_, where.line, where.column, reword(message, quoted)));
  }
  // Fields nobody knows are only warned about, so that the parser goes on to the next one.
  void AddWarning(int line, int column, const std::string& message) override {
    AddError(line, column, message);
  }

  const Lines& lines() const { return lines_; }

 private:
  static bool is_unknown_field(const std::string& message, const std::vector<std::string>& quoted) {
    return quoted.size() == 2 && message.find("has no field named") != std::string::npos;
  }

  std::string reword(const std::string& message, const std::vector<std::string>& quoted) const {
    if (is_unknown_field(message, quoted)) {
      for (const pb::Descriptor* type : types_)
        if (type->full_name() == quoted[0])
          return unknown_name("field", quoted[1], field_names(*type));
    }
    if (quoted.size() == 2 && message.starts_with("Unknown enumeration value")) {
      for (const pb::Descriptor* type : types_) {
        const pb::FieldDescriptor* field = type->FindFieldByName(quoted[1]);
        if (field && field->enum_type())
          return fmt::format("{}: {}", quoted[1],
                             unknown_name("value", quoted[0], value_names(*field->enum_type())));
      }
    }
    std::string said = message;
    if (said.size() > 1 && said[1] >= 'a' && said[1] <= 'z')
      said[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(said[0])));
    if (said.ends_with('.')) said.pop_back();
    return said;
  }

  std::string file_;
  std::string_view text_;
  std::set<const pb::Descriptor*> types_;
  Lines lines_;
};

/// Throws where brackets outside strings and comments open more than kMaxNesting levels.
void check_nesting(std::string_view text, const std::string& file) {
  int depth = 0, line = 1;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') ++line;
    if (quote) {
      if (c == '\\')
        ++i;
      else if (c == quote || c == '\n')
        quote = 0;
    } else if (c == '#') {
      while (i + 1 < text.size() && text[i + 1] != '\n') ++i;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '{' || c == '<' || c == '[') {
      if (++depth > kMaxNesting)
        throw ConfigError(
            fmt::format("{}:{}: nested more than {} levels deep", file, line, kMaxNesting));
    } else if (c == '}' || c == '>' || c == ']') {
      --depth;
    }
  }
}

void collect_locations(const pb::Message& message, const pb::TextFormat::ParseInfoTree& tree,
                       std::string_view text, const std::string& prefix, Locations& out) {
  std::vector<const pb::FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    const bool list = field->is_repeated();
    const int count =
        list ? std::min(message.GetReflection()->FieldSize(message, field), kMostPlaces) : 1;
    for (int i = 0; i < count; ++i) {
      const std::string path =
          list ? fmt::format("{}{}[{}]", prefix, field->name(), i) : prefix + field->name();
      const pb::TextFormat::ParseLocation at = tree.GetLocation(field, list ? i : -1);
      if (at.line < 0) continue;
      out[path] = location_of(text, offset_of(text, at.line, at.column));
      if (list && i == 0) out[prefix + field->name()] = out[path];
      if (field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) continue;
      const pb::Message& inner =
          list ? message.GetReflection()->GetRepeatedMessage(message, field, i)
               : message.GetReflection()->GetMessage(message, field);
      if (const auto* nested = tree.GetTreeForNested(field, list ? i : -1))
        collect_locations(inner, *nested, text, path + ".", out);
    }
  }
}

}  // namespace

Locations parse_text(std::string_view text, const std::string& file, pb::Message& message) {
  if (text.size() > kMaxSpecBytes)
    throw ConfigError(
        fmt::format("{}: {} bytes, a spec has at most {}", file, text.size(), kMaxSpecBytes));
  if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos)
    throw ConfigError(fmt::format("{}: not a text file (a zero byte at offset {})", file, zero));
  check_nesting(text, file);

  Collector collector(file, text, *message.GetDescriptor());
  pb::TextFormat::ParseInfoTree tree;
  pb::TextFormat::Parser parser;
  parser.RecordErrorsTo(&collector);
  parser.AllowUnknownField(true);  // reported by the collector, each of them
  parser.SetRecursionLimit(kMaxNesting);
  parser.WriteLocationsTo(&tree);
  const bool parsed = parser.ParseFromString(std::string(text), &message);
  if (!collector.lines().empty()) throw ConfigError(collector.lines().text());
  if (!parsed) throw ConfigError(fmt::format("{}: cannot be read as protobuf text", file));
  Locations locations;
  collect_locations(message, tree, text, "", locations);
  return locations;
}

std::string describe(const std::vector<Problem>& problems, const std::string& file,
                     const Locations& locations) {
  Lines lines;
  for (const Problem& problem : problems) {
    std::string line = file;
    if (const auto at = locations.find(problem.path); at != locations.end())
      line += fmt::format(":{}:{}", at->second.line, at->second.column);
    if (!line.empty()) line += ": ";
    if (!problem.path.empty()) line += problem.path + ": ";
    lines.add(line + problem.what);
  }
  return lines.text();
}

}  // namespace hadal::spec
