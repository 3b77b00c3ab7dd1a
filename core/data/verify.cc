#include "core/data/verify.h"

#include <cmath>

#include <fmt/format.h>

#include "core/base/hash.h"

namespace hadal::data {
namespace fs = std::filesystem;
namespace {

FileReport verify_file(const fs::path& folder, const OfficialFile& file) {
  FileReport report{.path = file.path, .detail = "missing"};
  const fs::path path = existing_file(folder, file.path);
  if (path.empty()) return report;
  report.bytes = static_cast<std::int64_t>(fs::file_size(path));
  if (path.filename() != fs::path(file.path).filename()) {
    report.state = FileState::kInflated;
    report.detail = fmt::format("inflated copy, {} bytes", report.bytes);
    return report;
  }
  if (report.bytes != file.bytes) {
    report.state = FileState::kWrongSize;
    report.detail = fmt::format("{} bytes, wanted {}", report.bytes, file.bytes);
    return report;
  }
  const bool by_sha256 = !file.sha256.empty();
  const std::string& wanted = by_sha256 ? file.sha256 : file.md5;
  const char* kind = by_sha256 ? "sha256" : "md5";
  const std::string found = by_sha256 ? sha256_of_file(path.string()) : md5_of_file(path.string());
  report.state = found == wanted ? FileState::kGood : FileState::kWrongChecksum;
  report.detail = found == wanted ? fmt::format("{} bytes, {} {}", report.bytes, kind, found)
                                  : fmt::format("{} is {}, wanted {}", kind, found, wanted);
  return report;
}

SplitReport describe(const std::string& name, const ImageSet& set, int classes) {
  SplitReport report{
      .name = name, .count = set.count, .per_class = label_histogram(set, classes, name)};
  const auto channels = static_cast<std::size_t>(set.channels);
  std::vector<std::int64_t> sum(channels), squares(channels);
  for (std::size_t i = 0; i < set.pixels.size(); ++i) {
    sum[i % channels] += set.pixels[i];
    squares[i % channels] += std::int64_t{set.pixels[i]} * set.pixels[i];
  }
  for (std::size_t c = 0; c < channels && set.count > 0; ++c) {
    const double n = static_cast<double>(set.pixels.size() / channels);
    const double mean = static_cast<double>(sum[c]) / n;
    report.channel_mean.push_back(mean);
    report.channel_std.push_back(
        std::sqrt(std::max(0.0, static_cast<double>(squares[c]) / n - mean * mean)));
  }
  return report;
}

}  // namespace

std::vector<FileReport> verify_files(const DatasetInfo& info, const fs::path& folder) {
  std::vector<FileReport> reports;
  for (const OfficialFile& file : info.files) reports.push_back(verify_file(folder, file));
  return reports;
}

std::vector<SplitReport> describe(const Dataset& dataset) {
  return {describe("train", dataset.train, dataset.classes),
          describe("test", dataset.test, dataset.classes)};
}

}  // namespace hadal::data
