// Fields of a spec by their path: "optimizer.learning_rate", "data.preprocess", and, as a
// shorthand for an entry of a `set` list, "model.depth".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <google/protobuf/message.h>

namespace hadal::spec {

/// Sets the field at `path` from text: a number, true or false, an enumerator, plain text without
/// quotes, or for a list its values separated by commas (empty: no values). Throws ConfigError for
/// an unknown field (with the nearest and all known), and for a value of another kind.
void set_field(google::protobuf::Message& message, std::string_view path, std::string_view value);

/// The same for "path=value".
void set_field(google::protobuf::Message& message, std::string_view assignment);

/// Text of the field at `path`, as set_field() reads it; nothing for an option that is not set.
/// Throws ConfigError for an unknown field and for a path to a group of fields.
std::optional<std::string> get_field(const google::protobuf::Message& message,
                                     std::string_view path);

/// Every field that is set as (path, text), text quoted as in a file, lists as one "[a, b]",
/// options one by one; in order of path. `include_outside_hash` false leaves out what cannot change
/// a result. Lists of messages are not taken apart.
std::vector<std::pair<std::string, std::string>> flatten(const google::protobuf::Message& message,
                                                         bool include_outside_hash = true);

/// Names of a message's fields, and of an enum's values.
std::vector<std::string> field_names(const google::protobuf::Descriptor& type);
std::vector<std::string> value_names(const google::protobuf::EnumDescriptor& type);

}  // namespace hadal::spec
