#include "experiments/spec/resolve.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/plain_text.h"
#include "core/base/strings.h"
#include "experiments/spec/fields.h"
#include "experiments/spec/options.h"

#include "experiments/spec/field.pb.h"

namespace hadal::spec {
namespace {

namespace pb = google::protobuf;
using Type = pb::FieldDescriptor::CppType;
using Problems = std::vector<Problem>;

// A remark of some paragraphs; names are bounded where they become folders.
constexpr std::size_t kMaxTextBytes = 4096;

/// An experiment inside a sweep is a fragment until a row and the axes have completed it.
bool is_fragment(const pb::Message& outer, const pb::FieldDescriptor* field) {
  return field->message_type() == ExperimentSpec::descriptor() &&
         outer.GetDescriptor() != ExperimentSpec::descriptor();
}

bool is_number(const pb::FieldDescriptor* field) {
  switch (field->cpp_type()) {
    case Type::CPPTYPE_INT32:
    case Type::CPPTYPE_INT64:
    case Type::CPPTYPE_UINT64:
    case Type::CPPTYPE_DOUBLE:
      return true;
    default:
      return false;
  }
}

std::vector<double> numbers_of(const pb::Message& message, const pb::FieldDescriptor* field) {
  const pb::Reflection& access = *message.GetReflection();
  const int count = field->is_repeated() ? access.FieldSize(message, field) : 1;
  std::vector<double> numbers;
  for (int i = 0; i < count; ++i) {
#define HADAL_GET(kind)                                                                  \
  static_cast<double>(field->is_repeated() ? access.GetRepeated##kind(message, field, i) \
                                           : access.Get##kind(message, field))
    switch (field->cpp_type()) {
      case Type::CPPTYPE_INT32:
        numbers.push_back(HADAL_GET(Int32));
        break;
      case Type::CPPTYPE_INT64:
        numbers.push_back(HADAL_GET(Int64));
        break;
      case Type::CPPTYPE_UINT64:
        numbers.push_back(HADAL_GET(UInt64));
        break;
      default:
        numbers.push_back(HADAL_GET(Double));
    }
#undef HADAL_GET
  }
  return numbers;
}

void check_bounds(const std::vector<double>& numbers, const pb::FieldOptions& options,
                  const std::string& path, Problems& problems) {
  for (double x : numbers) {
    // Written so that NaN fails.
    const auto require = [&](bool holds, std::string_view relation, double bound) {
      if (!holds) problems.push_back({path, fmt::format("{} is not {} {}", x, relation, bound)});
    };
    if (!std::isfinite(x)) {
      problems.push_back({path, fmt::format("{} is not a finite number", x)});
      continue;
    }
    if (options.HasExtension(at_least))
      require(x >= options.GetExtension(at_least), "at least", options.GetExtension(at_least));
    if (options.HasExtension(above))
      require(x > options.GetExtension(above), "above", options.GetExtension(above));
    if (options.HasExtension(at_most))
      require(x <= options.GetExtension(at_most), "at most", options.GetExtension(at_most));
    if (options.HasExtension(below))
      require(x < options.GetExtension(below), "below", options.GetExtension(below));
  }
}

std::vector<std::string> strings_of(const pb::Message& message, const pb::FieldDescriptor* field) {
  const pb::Reflection& access = *message.GetReflection();
  if (!field->is_repeated()) return {access.GetString(message, field)};
  std::vector<std::string> texts;
  for (int i = 0; i < access.FieldSize(message, field); ++i)
    texts.push_back(access.GetRepeatedString(message, field, i));
  return texts;
}

void check_strings(const std::vector<std::string>& texts, const std::string& path,
                   Problems& problems) {
  for (const std::string& text : texts) {
    if (text.size() > kMaxTextBytes)
      problems.push_back({path, fmt::format("is {} bytes of text, at most {} are taken",
                                            text.size(), kMaxTextBytes)});
    else if (const std::string trouble = trouble_in_line(text); !trouble.empty())
      problems.push_back({path, trouble});
  }
}

// The text format takes any number for an enumerator.
void check_enum(const pb::Message& message, const pb::FieldDescriptor* field,
                const std::string& path, Problems& problems) {
  HADAL_CHECK(!field->is_repeated());
  const int value = message.GetReflection()->GetEnumValue(message, field);
  if (field->enum_type()->FindValueByNumber(value) == nullptr)
    problems.push_back(
        {path, unknown_name("value", fmt::to_string(value), value_names(*field->enum_type()))});
}

void check_fields_under(const pb::Message& message, const std::string& prefix, Problems& problems) {
  const pb::Descriptor& type = *message.GetDescriptor();
  const pb::Reflection& access = *message.GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    const pb::FieldDescriptor* field = type.field(i);
    const std::string path = prefix + field->name();
    const bool given = field->is_repeated() ? access.FieldSize(message, field) > 0
                                            : access.HasField(message, field);
    if (field->options().GetExtension(required) &&
        (!given ||
         (field->cpp_type() == Type::CPPTYPE_STRING && access.GetString(message, field).empty()))) {
      problems.push_back({path, "is missing"});
      continue;
    }
    if (!given) continue;
    if (is_number(field)) {
      check_bounds(numbers_of(message, field), field->options(), path, problems);
    } else if (field->cpp_type() == Type::CPPTYPE_ENUM) {
      check_enum(message, field, path, problems);
    } else if (field->cpp_type() == Type::CPPTYPE_STRING) {
      check_strings(strings_of(message, field), path, problems);
    } else if (field->cpp_type() == Type::CPPTYPE_MESSAGE && !is_fragment(message, field)) {
      if (!field->is_repeated())
        check_fields_under(access.GetMessage(message, field), path + ".", problems);
      else
        for (int k = 0; k < access.FieldSize(message, field); ++k)
          check_fields_under(access.GetRepeatedMessage(message, field, k),
                             fmt::format("{}[{}].", path, k), problems);
    }
  }
}

/// Sorts the options by name; their names must not be those of fields beside them, whose paths they
/// would share.
void check_options(const pb::Descriptor& type, const std::string& path, OptionList* list,
                   Problems& problems) {
  try {
    const Options options = options_of(*list);
    for (const auto& [name, value] : options)
      if (type.FindFieldByName(name))
        problems.push_back({path, fmt::format("'{}' is a field, not an option", name)});
    *list = sorted(options);
  } catch (const ConfigError& error) {
    problems.push_back({path, error.what()});
  }
}

void check_schedule(const Schedule& schedule, Problems& problems) {
  const int lists = (schedule.at_epoch_size() > 0) + (schedule.at_step_size() > 0) +
                    (schedule.at_fraction_size() > 0);
  if (schedule.kind() == "steps" && lists != 1)
    problems.push_back({"schedule", fmt::format("kind 'steps' takes one of at_epoch, at_step and "
                                                "at_fraction, found {}",
                                                lists)});
  if (schedule.kind() != "steps" && lists != 0)
    problems.push_back({"schedule.kind", fmt::format("'{}' has no boundaries; at_epoch, at_step "
                                                     "and at_fraction go with 'steps'",
                                                     schedule.kind())});
  const auto check_order = [&](const auto& boundaries, const char* path) {
    if (std::adjacent_find(boundaries.begin(), boundaries.end(), std::greater_equal<>()) !=
        boundaries.end())
      problems.push_back({path, "boundaries do not ascend"});
  };
  check_order(schedule.at_epoch(), "schedule.at_epoch");
  check_order(schedule.at_step(), "schedule.at_step");
  check_order(schedule.at_fraction(), "schedule.at_fraction");

  const int boundaries =
      schedule.at_epoch_size() + schedule.at_step_size() + schedule.at_fraction_size();
  if (schedule.factors_size() > 0 && schedule.factors_size() != boundaries)
    problems.push_back({"schedule.factors", fmt::format("{} factors for {} boundaries",
                                                        schedule.factors_size(), boundaries)});

  const WarmUp& warm_up = schedule.warm_up();
  const bool has_length = warm_up.steps() > 0 || warm_up.epochs() > 0;
  if (warm_up.until_training_error() > 0 && !has_length && warm_up.learning_rate() == 0)
    problems.push_back({"schedule.warm_up.learning_rate",
                        "is missing: a warm-up until a training error has no length to rise over"});
  if (warm_up.learning_rate() > 0 && !has_length && warm_up.until_training_error() == 0)
    problems.push_back(
        {"schedule.warm_up", "never ends: set steps, epochs or until_training_error"});
}

void check_experiment(const ExperimentSpec& spec, Problems& problems) {
  if ((spec.epochs() > 0) == (spec.steps() > 0))
    problems.push_back({spec.epochs() > 0 ? "steps" : "epochs",
                        fmt::format("set epochs or steps to more than 0, and only one of them "
                                    "(found epochs {}, steps {})",
                                    spec.epochs(), spec.steps())});
  if (spec.logical_shards() > 0 && spec.global_batch() > 0 &&
      spec.global_batch() % spec.logical_shards() != 0)
    problems.push_back({"global_batch", fmt::format("{} is not divisible by logical_shards {}",
                                                    spec.global_batch(), spec.logical_shards())});
  if (spec.optimizer().nesterov() && spec.optimizer().momentum() == 0)
    problems.push_back({"optimizer.nesterov", "needs optimizer.momentum above 0"});
  if (spec.on_not_finite().rewinds() > 0 && !spec.checks().not_finite())
    problems.push_back({"on_not_finite.rewinds", "needs checks.not_finite, which is false"});
  const Data& data = spec.data();
  if (data.validation_images() > 0 &&
      (data.validation_per_class() > 0 || data.validation_per_class_extra() > 0))
    problems.push_back({"data.validation_images",
                        "is given beside validation_per_class; hold out by one of them"});
  check_schedule(spec.schedule(), problems);
}

}  // namespace

void fill_defaults(pb::Message& message) {
  const pb::Descriptor& type = *message.GetDescriptor();
  const pb::Reflection& access = *message.GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    const pb::FieldDescriptor* field = type.field(i);
    if (field->cpp_type() == Type::CPPTYPE_MESSAGE) {
      if (is_fragment(message, field)) continue;
      if (!field->is_repeated())
        fill_defaults(*access.MutableMessage(&message, field));
      else
        for (int k = 0; k < access.FieldSize(message, field); ++k)
          fill_defaults(*access.MutableRepeatedMessage(&message, field, k));
    } else if (!field->is_repeated() && !access.HasField(message, field) &&
               !field->options().GetExtension(required)) {
      set_field(message, field->name(), field->options().GetExtension(default_text));
    }
  }
}

void check_fields(const pb::Message& message, Problems& problems) {
  check_fields_under(message, "", problems);
}

void resolve_into(ExperimentSpec& spec, const Complete& complete, Problems& problems) {
  fill_defaults(spec);
  check_fields(spec, problems);
  check_options(*Model::descriptor(), "model.set", spec.mutable_model()->mutable_set(), problems);
  check_options(*Data::descriptor(), "data.set", spec.mutable_data()->mutable_set(), problems);
  check_experiment(spec, problems);
  if (!complete || !problems.empty()) return;
  complete(spec, problems);
  check_options(*Model::descriptor(), "model.set", spec.mutable_model()->mutable_set(), problems);
  check_options(*Data::descriptor(), "data.set", spec.mutable_data()->mutable_set(), problems);
}

ExperimentSpec resolve(ExperimentSpec spec, const Complete& complete) {
  Problems problems;
  resolve_into(spec, complete, problems);
  if (!problems.empty()) throw ConfigError(describe(problems, "", {}));
  return spec;
}

std::string canonical_text(const ExperimentSpec& resolved) {
  pb::TextFormat::Printer printer;
  printer.SetUseShortRepeatedPrimitives(true);
  std::string text;
  HADAL_CHECK(printer.PrintToString(resolved, &text));
  return text;
}

std::string spec_hash(const ExperimentSpec& resolved) {
  std::string text;
  for (const auto& [path, value] : flatten(resolved, false))
    text += fmt::format("{}={}\n", path, value);
  return hex64(hash64(text));
}

std::vector<Difference> diff(const ExperimentSpec& a, const ExperimentSpec& b,
                             bool include_outside_hash) {
  std::map<std::string, Difference> by_path;
  for (auto& [path, value] : flatten(a, include_outside_hash)) by_path[path].a = value;
  for (auto& [path, value] : flatten(b, include_outside_hash)) by_path[path].b = value;
  std::vector<Difference> differences;
  for (auto& [path, difference] : by_path) {
    if (difference.a == difference.b) continue;
    difference.path = path;
    differences.push_back(difference);
  }
  return differences;
}

std::string describe(const std::vector<Difference>& differences) {
  std::vector<std::string> lines;
  for (const Difference& d : differences)
    lines.push_back(
        fmt::format("{}: {} | {}", d.path, d.a.empty() ? "-" : d.a, d.b.empty() ? "-" : d.b));
  return join(lines, "\n");
}

}  // namespace hadal::spec
