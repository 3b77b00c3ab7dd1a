// From what a file says to what a run does: every default written out, every value checked, and a
// hash that names the result.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "experiments/spec/parse.h"

#include "experiments/spec/experiment.pb.h"

namespace hadal::spec {

/// Called once the fields themselves are right, to check the names of models, data sets, optimizers
/// and schedules and to write out the options that `set` leaves to them. Reports through
/// `Problem`s. May be empty.
using Complete = std::function<void(ExperimentSpec&, std::vector<Problem>&)>;

/// Sets every single field that is not given to the default stated in the .proto, in all groups.
void fill_defaults(google::protobuf::Message& message);

/// Numbers out of their bounds or not finite, missing or many-line text, in all groups.
void check_fields(const google::protobuf::Message& message, std::vector<Problem>& problems);

/// Defaults filled, options sorted, everything checked; what is wrong goes to `problems`.
void resolve_into(ExperimentSpec& spec, const Complete& complete, std::vector<Problem>& problems);

/// The same on a copy; throws ConfigError with one line "path: what" per problem.
ExperimentSpec resolve(ExperimentSpec spec, const Complete& complete = {});

/// The text that parses back to the same spec: what a run keeps as spec.textproto.
std::string canonical_text(const ExperimentSpec& resolved);

/// 16 hexadecimal digits over all fields that can change a result, by name: comments, the order of
/// fields and options, spelled-out defaults, names and paths do not count.
std::string spec_hash(const ExperimentSpec& resolved);

struct Difference {
  std::string path;
  std::string a, b;  // "" where the spec does not have the field
};

/// Fields in which two specs differ, by path; those outside the hash left out on request.
std::vector<Difference> diff(const ExperimentSpec& a, const ExperimentSpec& b,
                             bool include_outside_hash = true);

/// "optimizer.learning_rate: 0.1 | 0.05", one line each.
std::string describe(const std::vector<Difference>& differences);

}  // namespace hadal::spec
