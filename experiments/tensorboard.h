#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <utility>

namespace hadal::experiments {

/// Scalars for TensorBoard: one event file (records: length, masked CRC-32C of the length, Event,
/// masked CRC-32C of it). `tensorboard --logdir` on the folder of runs shows the curves side by
/// side.
class TensorBoardLog {
 public:
  /// A new file events.out.tfevents.<time>.<host> in `folder`. Throws IoError.
  explicit TensorBoardLog(const std::filesystem::path& folder);

  void scalars(std::int64_t step, std::span<const std::pair<std::string, double>> values);

 private:
  void record(const std::string& event);

  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace hadal::experiments
