// Tables of numbers in text: CSV, TSV and what numpy.savetxt() writes.
//
// Lines that are empty or begin with '#' are passed over. The separator is the first of tab, ';',
// ',' and '|' that the first line has outside of quotes, else blanks. Fields may be in double
// quotes, in one line; numbers are as std::from_chars reads them, whatever the locale ("1.5e-3",
// "+2", "nan", "inf"); an empty field is NaN.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/matrix/row_source.h"

namespace hadal::matrix {

/// The table in `path` as float64. Its first line is a header when a column that is numeric in the
/// second line is not in the first. `label_column` is a name of the header, or a number from 1 (-1:
/// the last): that column becomes the labels. One scan finds the rows; blocks of them are parsed
/// when they are read, once (cached()). Throws IoError; ConfigError for an unknown column;
/// DataError naming the line for text that is no number and for lines of other columns, also from
/// read().
std::unique_ptr<RowSource> open_csv(const std::filesystem::path& path,
                                    const std::string& label_column = "");

}  // namespace hadal::matrix
