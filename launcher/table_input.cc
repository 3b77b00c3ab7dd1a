#include "launcher/table_input.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "experiments/spec/fields.h"
#include "experiments/spec/load.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

bool is_sweep(const fs::path& folder) { return fs::exists(folder / "plan.json"); }

struct Group {
  std::string label;
  spec::ExperimentSpec spec;  // of the first run, without its seed
  std::vector<std::size_t> runs;
};

// "ResNet-20" from "ResNet-20, seed 1": sweeps write the seed into the name.
std::string without_seed(std::string name, std::uint64_t seed) {
  const std::string tail = fmt::format("seed {}", seed);
  if (name.ends_with(tail)) name.resize(name.size() - tail.size());
  while (!name.empty() && (name.back() == ' ' || name.back() == ',')) name.pop_back();
  return name;
}

// "resnet depth=20"
std::string describe(const spec::Model& model) {
  std::string text = model.name();
  for (const std::string& setting : model.set()) text += " " + setting;
  return text;
}

std::string differences(const spec::ExperimentSpec& spec, const spec::ExperimentSpec& from) {
  std::vector<std::string> fields;
  for (const spec::Difference& d : spec::diff(spec, from, false))
    fields.push_back(fmt::format("{}={}", d.path, d.a));
  return join(fields, ", ");
}

// Groups of the same label, but the first, say in what they differ from it.
void tell_apart(std::vector<Group>& groups) {
  std::map<std::string, std::size_t> first;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto [at, is_new] = first.emplace(groups[i].label, i);
    if (!is_new)
      groups[i].label = fmt::format("{} ({})", groups[i].label,
                                    differences(groups[i].spec, groups[at->second].spec));
  }
}

// A run repeated in another folder is the same sample of the same quantity: a finished one counts.
std::vector<RunRecord> each_once(std::vector<RunRecord> runs, std::string& note) {
  std::vector<RunRecord> once;
  std::map<std::string, std::size_t> index;
  int repeated = 0;
  for (RunRecord& run : runs) {
    const std::string id = run.spec_hash.empty() ? run.folder.string() : run.spec_hash;
    const auto [at, is_new] = index.emplace(id, once.size());
    if (is_new) {
      once.push_back(std::move(run));
      continue;
    }
    ++repeated;
    if (run.finished() && !once[at->second].finished()) once[at->second] = std::move(run);
  }
  if (repeated > 0)
    note = fmt::format("{} folders repeat a run of another one; each run counts once", repeated);
  return once;
}

/// "name=resnet depth=20"; a field that a model does not have is "unset". Whole paths where last
/// parts would be the same.
std::string label_of(const spec::ExperimentSpec& spec, const std::vector<std::string>& fields) {
  const auto short_of = [](const std::string& field) { return field.substr(field.rfind('.') + 1); };
  std::vector<std::string> parts;
  for (const std::string& field : fields) {
    const bool is_unique = std::count_if(fields.begin(), fields.end(), [&](const auto& other) {
                             return short_of(other) == short_of(field);
                           }) == 1;
    std::optional<std::string> value;
    try {
      value = spec::get_field(spec, field);
    } catch (const ConfigError& error) {
      throw UsageError(error.what());
    }
    parts.push_back((is_unique ? short_of(field) : field) + "=" + value.value_or("unset"));
  }
  return join(parts, " ");
}

/// Fields other than the seed in which specs of one cell differ.
class Mixture {
 public:
  void add(const spec::ExperimentSpec& spec) {
    std::vector<std::pair<std::string, std::string>> fields = spec::flatten(spec, false);
    for (const auto& [path, value] : fields)
      if (path != "seed") values_[path].insert(value);
    for (const auto& [path, value] : fields) ++count_[path];
    ++specs_;
  }

  std::vector<std::string> fields() const {
    std::vector<std::string> mixed;
    for (const auto& [path, values] : values_)
      if (values.size() > 1 || count_.at(path) < specs_) mixed.push_back(path);
    return mixed;
  }

 private:
  std::map<std::string, std::set<std::string>> values_;
  std::map<std::string, int> count_;
  int specs_ = 0;
};

struct Grouped {
  std::vector<std::size_t> runs;
  Mixture mixture;
};

struct NaturalLess {
  bool operator()(const std::pair<std::string, std::string>& a,
                  const std::pair<std::string, std::string>& b) const {
    if (a.first != b.first) return natural_less(a.first, b.first);
    return natural_less(a.second, b.second);
  }
};

class Finder {
 public:
  explicit Finder(ReadRuns how) : how_(how) {}

  void add(const fs::path& folder) {
    if (!fs::is_directory(folder))
      throw IoError(ExitCode::kMissingInput, folder.string() + ": no such folder");
    if (!add_if_known(folder) && !add_children(folder))
      throw IoError(ExitCode::kMissingInput,
                    fmt::format("{}: neither a sweep (plan.json) nor a run (spec.textproto), and "
                                "none in it",
                                folder.string()));
  }

  std::vector<RunRecord> runs() && {
    for (const SweepRecord& sweep : sweeps_)
      for (const SweepRecord::Run& run : sweep.runs)
        if (run.record) runs_.push_back(*run.record);
    return std::move(runs_);
  }

  std::vector<Table> tables() && {
    std::vector<Table> tables;
    for (const SweepRecord& sweep : sweeps_) tables.push_back(table_of(sweep));
    if (!runs_.empty()) tables.push_back(table_of(std::move(runs_)));
    return tables;
  }

 private:
  bool add_if_known(const fs::path& folder) {
    if (!seen_.insert(fs::canonical(folder)).second) return true;
    if (is_sweep(folder)) {
      sweeps_.push_back(read_sweep(folder, how_));
      return true;
    }
    if (auto run = how_ == ReadRuns::kAll ? read_run(folder) : read_run_result(folder)) {
      runs_.push_back(std::move(*run));
      return true;
    }
    seen_.erase(fs::canonical(folder));
    return false;
  }

  bool add_children(const fs::path& folder) {
    std::vector<fs::path> children;
    for (const auto& entry : fs::directory_iterator(folder))
      if (entry.is_directory()) children.push_back(entry.path());
    std::sort(children.begin(), children.end());
    bool any = false;
    for (const fs::path& child : children) any = add_if_known(child) || any;
    return any;
  }

  ReadRuns how_;
  std::set<fs::path> seen_;
  std::vector<SweepRecord> sweeps_;
  std::vector<RunRecord> runs_;
};

}  // namespace

Table grouped(std::vector<RunRecord> found, const std::vector<std::string>& by,
              const std::vector<std::string>& across) {
  Table table{.name = "runs", .title = {}, .note = {}, .folder = {}};
  std::map<std::pair<std::string, std::string>, Grouped, NaturalLess> groups;
  for (RunRecord& record : each_once(std::move(found), table.note)) {
    const spec::ExperimentSpec spec =
        spec::experiment_from_text(record.spec_text, (record.folder / "spec.textproto").string());
    Grouped& group = groups[{label_of(spec, by), label_of(spec, across)}];
    group.runs.push_back(table.runs.size());
    group.mixture.add(spec);
    const std::string id = record.spec_hash, name = record.name;
    table.runs.push_back(
        table_run(std::move(record), id, name, static_cast<long long>(spec.seed())));
  }
  for (auto& [label, group] : groups) {
    if (const auto mixed = group.mixture.fields(); !mixed.empty())
      table.note +=
          fmt::format("{}{} mixes runs that differ in {}", table.note.empty() ? "" : "; ",
                      label.second.empty() ? label.first : label.first + ", " + label.second,
                      join(mixed, ", "));
    add_cell(table, label.first, label.second, std::move(group.runs));
  }
  return table;
}

Table table_of(std::vector<RunRecord> found) {
  Table table{.name = "runs", .title = {}, .note = {}, .folder = {}};
  const std::vector<RunRecord> runs = each_once(std::move(found), table.note);
  std::vector<Group> groups;
  std::map<std::string, std::size_t> group_of_hash;
  for (const RunRecord& record : runs) {
    spec::ExperimentSpec spec =
        spec::experiment_from_text(record.spec_text, (record.folder / "spec.textproto").string());
    const std::uint64_t seed = spec.seed();
    const std::string name = spec.name();
    spec.clear_seed();
    const auto [at, is_new] = group_of_hash.emplace(spec::spec_hash(spec), groups.size());
    if (is_new) {
      const std::string label = without_seed(name, seed);
      groups.push_back({label.empty() ? describe(spec.model()) : label, spec, {}});
    }
    groups[at->second].runs.push_back(table.runs.size());
    table.runs.push_back(
        table_run(record, record.spec_hash, record.name, static_cast<long long>(seed)));
  }
  tell_apart(groups);
  for (Group& group : groups) add_cell(table, group.label, "", std::move(group.runs));
  return table;
}

std::vector<RunRecord> read_runs(const std::vector<fs::path>& folders) {
  Finder finder(ReadRuns::kResult);
  for (const fs::path& folder : folders) finder.add(folder);
  return std::move(finder).runs();
}

std::vector<Table> read_tables(const std::vector<fs::path>& folders, ReadRuns how) {
  Finder finder(how);
  for (const fs::path& folder : folders) finder.add(folder);
  return std::move(finder).tables();
}

}  // namespace hadal::launcher
