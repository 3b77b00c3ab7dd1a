// Ways of printing tables. A new one is a file of this folder and one line in registry.cc.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "launcher/sheet.h"

namespace hadal::launcher {

struct FormatOptions {
  SheetOptions sheets = {};
  int width = 100;     // of the terminal
  bool color = false;  // escape sequences for a terminal
};

struct TableFormat {
  std::string name;  // as after --format
  std::string (*render)(std::span<const Table> tables, const FormatOptions& options);
};

/// One sheet in columns for a terminal, as the default format prints them.
std::string text_of(const Sheet& sheet, const FormatOptions& options = {});

/// Every format, the default first.
const std::vector<TableFormat>& all_formats();

/// Throws UsageError that names the known ones.
const TableFormat& find_format(const std::string& name);

}  // namespace hadal::launcher
