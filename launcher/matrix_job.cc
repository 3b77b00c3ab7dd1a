#include "launcher/matrix_job.h"

#include <iostream>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"
#include "core/matrix/open_rows.h"
#include "launcher/environment.h"
#include "launcher/matrix_arguments.h"
#include "launcher/shared_folder.h"

namespace hadal::launcher {
namespace fs = std::filesystem;

void declare_matrix_job(Arguments& app, MatrixJobOptions& options) {
  app.add_option("--out", options.out, "the folder of results, made new").required();
  app.add_option("--cutoff", options.cutoff,
                 "singular values up to this part of the largest count as zero (default: the "
                 "longer side x 2.2e-16)")
      .check(Check::between(0.0, 1.0));
  app.add_option("--threads", options.threads, "of each rank (default: its share of the cores)")
      .check(Check::between(1, 1024));
}

MatrixJob::MatrixJob(const MatrixJobOptions& options, std::string command)
    : out_(without_trailing_slash(options.out)), command_(std::move(command)) {
  if (fs::exists(out_))
    throw ConfigError(fmt::format("{} exists; give another --out", out_.string()));
  require_writable_folder(out_.has_parent_path() ? out_.parent_path() : fs::path("."));
  threads_ = threads_of(options.threads, world_);
}

std::string MatrixJob::workers() {
  const auto counted = [](int count, const char* what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
  };
  return counted(comm().size(), "rank") + " x " + counted(threads_, "thread");
}

std::unique_ptr<matrix::RowSource> MatrixJob::open(const std::string& file) {
  matrix::OpenOptions options;
  if (is_root())
    options.on_note = [](const std::string& note) { std::cerr << "hadal: note: " << note << "\n"; };
  return matrix::open_rows({file}, options);
}

void MatrixJob::say(const std::string& line) {
  if (is_root()) std::cout << line << std::endl;
}

void MatrixJob::write(const std::function<nlohmann::ordered_json(const fs::path&)>& fill) {
  nlohmann::ordered_json summary;
  write_shared_folder(
      comm(), {out_}, [&](const fs::path& folder) { summary = fill(folder); },
      [&](const fs::path& folder) {
        summary["seconds"] = clock_.now_s() - started_;
        summary["environment"] = describe_environment({command_}, comm().size());
        write_file_atomically(folder / "summary.json", summary.dump(2) + "\n");
      });
  say(fmt::format("wrote  {}  {}", out_.string(), format_duration(clock_.now_s() - started_)));
}

}  // namespace hadal::launcher
