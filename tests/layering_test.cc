// Reads the source tree and checks what the house rules say of it: who may include whom, where
// outside libraries may be named, what may lie in the root, and that nothing is left out of the
// build.
#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include "core/base/files.h"
#include "core/base/strings.h"

namespace hadal {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

const std::vector<std::string> kRooms = {"core",        "dist",     "models",
                                         "experiments", "launcher", "tests"};

// Room -> what it may include besides itself.
const std::map<std::string, std::set<std::string>> kMayInclude = {
    {"core/base", {}},
    {"core", {"core/base"}},
    {"dist", {"core", "core/base"}},
    {"models", {"core", "core/base"}},
    {"experiments", {"core", "core/base", "dist", "models"}},
    {"launcher", {"core", "core/base", "dist", "models", "experiments"}},
    {"tests", {"core", "core/base", "dist", "models", "experiments", "launcher"}},
};

struct SourceFile {
  std::string path;  // from the root, "core/base/clock.h"
  std::string text;
};

struct Include {
  std::string file, target;
  bool quoted;
};

std::string room_of(std::string_view path) {
  if (path.starts_with("core/base/")) return "core/base";
  return std::string(path.substr(0, path.find('/')));
}

bool is_source(const fs::path& path) {
  static const std::set<std::string> extensions = {".cc", ".h", ".cu", ".cuh"};
  return extensions.contains(path.extension());
}

std::vector<SourceFile> read_tree(const std::function<bool(const fs::path&)>& wanted) {
  const fs::path root = HADAL_SOURCE_DIR;
  std::vector<SourceFile> files;
  for (const std::string& room : kRooms)
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / room))
      if (entry.is_regular_file() && wanted(entry.path()))
        files.push_back({fs::relative(entry.path(), root), read_file(entry.path())});
  return files;
}

const std::vector<SourceFile>& sources() {
  static const std::vector<SourceFile> files = read_tree(is_source);
  return files;
}

std::optional<Include> parse_include(const std::string& file, std::string_view line) {
  line = trim(line);
  if (!line.starts_with('#')) return std::nullopt;
  line = trim(line.substr(1));
  if (!line.starts_with("include")) return std::nullopt;
  line = trim(line.substr(std::string_view("include").size()));
  if (line.empty() || (line[0] != '"' && line[0] != '<')) return std::nullopt;
  const bool quoted = line[0] == '"';
  const std::size_t end = line.find(quoted ? '"' : '>', 1);
  return Include{file, std::string(line.substr(1, end - 1)), quoted};
}

const std::vector<Include>& includes() {
  static const std::vector<Include> all = [] {
    std::vector<Include> found;
    for (const SourceFile& file : sources())
      for (const std::string& line : split(file.text, '\n'))
        if (const auto include = parse_include(file.path, line)) found.push_back(*include);
    return found;
  }();
  return all;
}

// Includes of outside headers that begin with one of `prefixes`, in files where they may not be.
std::vector<std::string> misplaced(const std::vector<std::string>& prefixes,
                                   const std::function<bool(const std::string&)>& allowed,
                                   const std::string& rule) {
  std::vector<std::string> offenders;
  for (const Include& include : includes()) {
    const auto begins = [&](const std::string& prefix) {
      return include.target.starts_with(prefix);
    };
    if (std::ranges::any_of(prefixes, begins) && !allowed(include.file))
      offenders.push_back(fmt::format("{} includes {}: {}", include.file, include.target, rule));
  }
  return offenders;
}

TEST(Layering, QuotedIncludesNameFilesFromTheRoot) {
  std::vector<std::string> offenders;
  for (const Include& include : includes()) {
    if (!include.quoted) continue;
    fs::path target = fs::path(HADAL_SOURCE_DIR) / include.target;
    if (include.target.ends_with(".pb.h"))
      target = fs::path(HADAL_SOURCE_DIR) /
               (include.target.substr(0, include.target.size() - 5) + ".proto");
    if (!fs::exists(target))
      offenders.push_back(fmt::format(
          "{} includes \"{}\", which is no file of this tree: quotes are for paths from the root",
          include.file, include.target));
  }
  EXPECT_THAT(offenders, IsEmpty());
}

TEST(Layering, IncludesPointOneWay) {
  std::vector<std::string> offenders;
  for (const Include& include : includes()) {
    if (!include.quoted) continue;
    const std::string from = room_of(include.file), to = room_of(include.target);
    if (from == to || !kMayInclude.contains(to)) continue;
    const std::set<std::string>& may = kMayInclude.at(from);
    if (!may.contains(to))
      offenders.push_back(
          fmt::format("{} includes \"{}\": {} may include {}", include.file, include.target, from,
                      may.empty() ? "nothing" : fmt::format("{}", fmt::join(may, ", "))));
  }
  EXPECT_THAT(offenders, IsEmpty());
}

TEST(Layering, MpiIsNamedOnlyInSourceFilesOfDist) {
  EXPECT_THAT(misplaced(
                  {"mpi.h", "mpi-ext.h"},
                  [](const std::string& file) {
                    return file.ends_with(".cc") &&
                           (file.starts_with("dist/") || file.starts_with("tests/dist/"));
                  },
                  "MPI is called in dist/*.cc only, and in no header"),
              IsEmpty());
}

TEST(Layering, OneDnnIsNamedOnlyInTheCpuBackend) {
  EXPECT_THAT(misplaced(
                  {"dnnl", "oneapi/dnnl"},
                  [](const std::string& file) { return file.starts_with("core/cpu/"); },
                  "every oneDNN call is in core/cpu"),
              IsEmpty());
}

TEST(Layering, CudaIsNamedOnlyInItsBackend) {
  EXPECT_THAT(misplaced(
                  {"cuda", "cudnn", "cublas"},
                  [](const std::string& file) {
                    return file.starts_with("core/cuda/") || file.starts_with("dist/nccl/");
                  },
                  "every call into CUDA's libraries is in core/cuda and dist/nccl"),
              IsEmpty());
  EXPECT_THAT(misplaced(
                  {"nccl"},
                  [](const std::string& file) {
                    return file.starts_with("dist/nccl/") && file.ends_with(".cc");
                  },
                  "every call into NCCL is in dist/nccl/*.cc"),
              IsEmpty());
}

TEST(Layering, CoreKnowsNoProtobuf) {
  const auto outside_core = [](const std::string& file) { return !file.starts_with("core/"); };
  std::vector<std::string> offenders =
      misplaced({"google/protobuf"}, outside_core, "core knows nothing of protobuf");
  for (const Include& include : includes())
    if (include.target.ends_with(".pb.h") && !outside_core(include.file))
      offenders.push_back(fmt::format("{} includes {}: core knows nothing of protobuf",
                                      include.file, include.target));
  EXPECT_THAT(offenders, IsEmpty());
}

TEST(Layering, EverySourceFileIsBuilt) {
  std::set<std::string> listed;  // every word of every list, as a path from the root
  for (const SourceFile& list :
       read_tree([](const fs::path& path) { return path.filename() == "CMakeLists.txt"; })) {
    std::istringstream words(list.text);
    for (std::string word; words >> word;) {
      while (word.ends_with(')')) word.pop_back();
      listed.insert((fs::path(list.path).parent_path() / word).lexically_normal());
    }
  }
  std::vector<std::string> offenders;
  for (const SourceFile& file : sources())
    if ((file.path.ends_with(".cc") || file.path.ends_with(".cu")) && !listed.contains(file.path))
      offenders.push_back(
          fmt::format("{}: no CMakeLists.txt lists it; sources are listed per folder", file.path));
  EXPECT_THAT(offenders, IsEmpty());
}

TEST(Layering, EveryHeaderIsUsedAndReadOnce) {
  std::set<std::string> included;
  for (const Include& include : includes())
    if (include.quoted) included.insert(include.target);
  std::vector<std::string> offenders;
  for (const SourceFile& file : sources()) {
    if (!file.path.ends_with(".h")) continue;
    if (!included.contains(file.path))
      offenders.push_back(fmt::format("{}: nothing includes it", file.path));
    if (file.text.find("#pragma once\n") == std::string::npos)
      offenders.push_back(fmt::format("{}: no #pragma once", file.path));
  }
  EXPECT_THAT(offenders, IsEmpty());
}

TEST(Layering, EveryRoomSaysWhatItIsFor) {
  std::vector<std::string> offenders;
  for (const std::string& room : kRooms)
    if (!fs::exists(fs::path(HADAL_SOURCE_DIR) / room / "README.md"))
      offenders.push_back(fmt::format("{}/README.md is missing: every room has a page", room));
  EXPECT_THAT(offenders, IsEmpty());
}

TEST(Layering, TheRootHoldsOnlyTheRooms) {
  std::set<std::string> allowed = {"CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md",
                                   "cmake"};
  allowed.insert(kRooms.begin(), kRooms.end());
  const std::set<std::string> ignored = {"data", "runs", "compile_commands.json"};
  std::vector<std::string> offenders;
  for (const fs::directory_entry& entry : fs::directory_iterator(HADAL_SOURCE_DIR)) {
    const std::string name = entry.path().filename();
    if (name.starts_with('.') || name.starts_with("build") || ignored.contains(name)) continue;
    if (!allowed.contains(name))
      offenders.push_back(
          fmt::format("{}: not in the root; it holds {}", name, fmt::join(allowed, ", ")));
  }
  EXPECT_THAT(offenders, IsEmpty());
}

}  // namespace
}  // namespace hadal
