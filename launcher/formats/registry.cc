#include "core/base/error.h"
#include "core/base/strings.h"
#include "launcher/formats/format.h"

namespace hadal::launcher {

std::string render_terminal(std::span<const Table> tables, const FormatOptions& options);
std::string render_markdown(std::span<const Table> tables, const FormatOptions& options);
std::string render_latex(std::span<const Table> tables, const FormatOptions& options);
std::string render_csv(std::span<const Table> tables, const FormatOptions& options);
std::string render_json(std::span<const Table> tables, const FormatOptions& options);

const std::vector<TableFormat>& all_formats() {
  static const std::vector<TableFormat> formats = {
      {"terminal", render_terminal}, {"markdown", render_markdown}, {"latex", render_latex},
      {"csv", render_csv},           {"json", render_json},
  };
  return formats;
}

const TableFormat& find_format(const std::string& name) {
  std::vector<std::string> known;
  for (const TableFormat& format : all_formats()) {
    if (format.name == name) return format;
    known.push_back(format.name);
  }
  throw UsageError(unknown_name("format", name, known));
}

}  // namespace hadal::launcher
