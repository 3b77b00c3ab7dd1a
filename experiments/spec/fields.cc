#include "experiments/spec/fields.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "experiments/spec/options.h"

#include "experiments/spec/field.pb.h"

namespace hadal::spec {
namespace {

namespace pb = google::protobuf;
using Type = pb::FieldDescriptor::CppType;

/// The list of "name=value" of a message that has one.
const pb::FieldDescriptor* option_field(const pb::Descriptor& type) {
  const pb::FieldDescriptor* field = type.FindFieldByName("set");
  return field && field->is_repeated() && field->cpp_type() == Type::CPPTYPE_STRING ? field
                                                                                    : nullptr;
}

[[noreturn]] void unknown_field(const pb::Descriptor& type, std::string_view path,
                                std::string_view name) {
  throw ConfigError(fmt::format("{}: {}", path, unknown_name("field", name, field_names(type))));
}

/// What a path leads to: a field of a message, or an option in the message's `set` list.
template <typename Message>
struct Target {
  Message* message;
  const pb::FieldDescriptor* field;
  std::string option;  // "" for a field
};

template <typename Message, typename Step>
Target<Message> find(Message& root, std::string_view path, Step&& step) {
  Message* message = &root;
  const std::vector<std::string> names = split(path, '.');
  for (std::size_t i = 0;; ++i) {
    const pb::Descriptor& type = *message->GetDescriptor();
    const pb::FieldDescriptor* field = type.FindFieldByName(names[i]);
    const bool last = i + 1 == names.size();
    if (!field && last && !names[i].empty() && option_field(type))
      return {message, option_field(type), names[i]};
    if (!field) unknown_field(type, path, names[i]);
    if (last) return {message, field, ""};
    if (field->cpp_type() != Type::CPPTYPE_MESSAGE || field->is_repeated())
      throw ConfigError(fmt::format("{}: '{}' has no fields in it", path, names[i]));
    message = step(*message, field);
  }
}

template <typename Integer>
Integer parse_integer(std::string_view text, std::string_view path) {
  const long long value = parse_int(text, path);
  if (value < static_cast<long long>(std::numeric_limits<Integer>::lowest()) ||
      (value >= 0 && static_cast<unsigned long long>(value) >
                         static_cast<unsigned long long>(std::numeric_limits<Integer>::max())))
    throw ConfigError(fmt::format("{}: {} is out of range", path, text));
  return static_cast<Integer>(value);
}

/// One value into a single field, or appended to a list.
void put(pb::Message& message, const pb::FieldDescriptor* field, std::string_view text,
         std::string_view path) {
  const pb::Reflection& access = *message.GetReflection();
  const bool list = field->is_repeated();
  switch (field->cpp_type()) {
#define HADAL_PUT(kind, value) \
  list ? access.Add##kind(&message, field, value) : access.Set##kind(&message, field, value)
    case Type::CPPTYPE_INT32:
      return HADAL_PUT(Int32, parse_integer<std::int32_t>(text, path));
    case Type::CPPTYPE_INT64:
      return HADAL_PUT(Int64, parse_integer<std::int64_t>(text, path));
    case Type::CPPTYPE_UINT32:
      return HADAL_PUT(UInt32, parse_integer<std::uint32_t>(text, path));
    case Type::CPPTYPE_UINT64:
      return HADAL_PUT(UInt64, parse_integer<std::uint64_t>(text, path));
    case Type::CPPTYPE_DOUBLE:
      return HADAL_PUT(Double, parse_double(text, path));
    case Type::CPPTYPE_FLOAT:
      return HADAL_PUT(Float, static_cast<float>(parse_double(text, path)));
    case Type::CPPTYPE_BOOL:
      return HADAL_PUT(Bool, parse_bool(text, path));
    case Type::CPPTYPE_STRING:
      return HADAL_PUT(String, std::string(text));
    case Type::CPPTYPE_ENUM: {
      const pb::EnumValueDescriptor* value = field->enum_type()->FindValueByName(std::string(text));
      if (!value)
        throw ConfigError(fmt::format(
            "{}: {}", path, unknown_name("value", text, value_names(*field->enum_type()))));
      return HADAL_PUT(Enum, value);
    }
#undef HADAL_PUT
    case Type::CPPTYPE_MESSAGE:
      throw ConfigError(fmt::format("{}: is a group of fields; set one of {}", path,
                                    join(field_names(*field->message_type()), ", ")));
  }
}

std::string text_of(const pb::Message& message, const pb::FieldDescriptor* field, int index,
                    bool quoted) {
  const pb::Reflection& access = *message.GetReflection();
  if (!quoted && field->cpp_type() == Type::CPPTYPE_STRING)
    return index < 0 ? access.GetString(message, field)
                     : access.GetRepeatedString(message, field, index);
  std::string text;
  pb::TextFormat::PrintFieldValueToString(message, field, index, &text);
  return text;
}

std::vector<std::string> texts_of(const pb::Message& message, const pb::FieldDescriptor* field,
                                  bool quoted) {
  std::vector<std::string> texts;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i)
    texts.push_back(text_of(message, field, i, quoted));
  return texts;
}

OptionList option_list(const pb::Message& message, const pb::FieldDescriptor* field) {
  OptionList list;
  for (std::string& entry : texts_of(message, field, false)) list.Add(std::move(entry));
  return list;
}

bool is_outside_hash(const pb::Message& message, const pb::FieldDescriptor* field) {
  if (field->options().GetExtension(in_hash_unless_default))
    return text_of(message, field, -1, false) == field->options().GetExtension(default_text);
  return field->options().GetExtension(outside_hash);
}

void flatten_into(const pb::Message& message, const std::string& prefix, bool include_outside_hash,
                  std::vector<std::pair<std::string, std::string>>& out) {
  std::vector<const pb::FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    if (!include_outside_hash && is_outside_hash(message, field)) continue;
    const std::string path = prefix + field->name();
    if (field == option_field(*message.GetDescriptor())) {
      for (const std::string& entry : texts_of(message, field, false)) {
        const std::size_t equals = std::min(entry.find('='), entry.size());
        out.emplace_back(prefix + entry.substr(0, equals),
                         equals == entry.size() ? "" : entry.substr(equals + 1));
      }
    } else if (field->is_repeated()) {
      out.emplace_back(path, fmt::format("[{}]", join(texts_of(message, field, true), ", ")));
    } else if (field->cpp_type() == Type::CPPTYPE_MESSAGE) {
      flatten_into(message.GetReflection()->GetMessage(message, field), path + ".",
                   include_outside_hash, out);
    } else {
      out.emplace_back(path, text_of(message, field, -1, true));
    }
  }
}

}  // namespace

std::vector<std::string> field_names(const pb::Descriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  return names;
}

std::vector<std::string> value_names(const pb::EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) names.push_back(type.value(i)->name());
  return names;
}

void set_field(pb::Message& message, std::string_view path, std::string_view value) {
  const Target<pb::Message> target =
      find(message, path, [](pb::Message& at, const pb::FieldDescriptor* field) {
        return at.GetReflection()->MutableMessage(&at, field);
      });
  const pb::Reflection& access = *target.message->GetReflection();
  if (!target.option.empty()) {
    OptionList list = option_list(*target.message, target.field);
    set_option(list, target.option, value);
    access.ClearField(target.message, target.field);
    for (const std::string& entry : list) access.AddString(target.message, target.field, entry);
  } else if (target.field->is_repeated() && target.field->cpp_type() != Type::CPPTYPE_MESSAGE) {
    access.ClearField(target.message, target.field);
    if (trim(value).empty()) return;
    for (const std::string& part : split(value, ','))
      put(*target.message, target.field, trim(part), path);
  } else {
    put(*target.message, target.field, value, path);
  }
}

void set_field(pb::Message& message, std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos)
    throw ConfigError(fmt::format("'{}' is not key=value", assignment));
  set_field(message, trim(assignment.substr(0, equals)), trim(assignment.substr(equals + 1)));
}

std::optional<std::string> get_field(const pb::Message& message, std::string_view path) {
  const Target<const pb::Message> target =
      find(message, path, [](const pb::Message& at, const pb::FieldDescriptor* field) {
        return &at.GetReflection()->GetMessage(at, field);
      });
  if (!target.option.empty()) {
    const Options options = options_of(option_list(*target.message, target.field));
    const auto found = options.find(target.option);
    return found == options.end() ? std::nullopt : std::optional(found->second);
  }
  if (target.field->cpp_type() == Type::CPPTYPE_MESSAGE)
    throw ConfigError(fmt::format("{}: is a group of fields; name one of {}", path,
                                  join(field_names(*target.field->message_type()), ", ")));
  if (target.field->is_repeated()) return join(texts_of(*target.message, target.field, false), ",");
  return text_of(*target.message, target.field, -1, false);
}

std::vector<std::pair<std::string, std::string>> flatten(const pb::Message& message,
                                                         bool include_outside_hash) {
  std::vector<std::pair<std::string, std::string>> fields;
  flatten_into(message, "", include_outside_hash, fields);
  std::sort(fields.begin(), fields.end());
  return fields;
}

}  // namespace hadal::spec
