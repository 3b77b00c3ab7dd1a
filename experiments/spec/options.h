// The options of a model or a data set, written in a spec as repeated "name=value".
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <google/protobuf/repeated_field.h>

namespace hadal::spec {

using OptionList = google::protobuf::RepeatedPtrField<std::string>;
using Options = std::map<std::string, std::string>;

/// Throws ConfigError for an entry that is not name=value and for a name given twice.
Options options_of(const OptionList& list);

/// Replaces the value of `name`, or appends it.
void set_option(OptionList& list, std::string_view name, std::string_view value);

/// The list sorted by name, so that the order in a file does not matter.
OptionList sorted(const Options& options);

}  // namespace hadal::spec
