// Programs of the cluster that are asked a short question and answer at once: sbatch, squeue,
// scancel, ssh. A dependency of the schedulers, so that tests can answer in their place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hadal::launcher {

struct ToolOutput {
  int exit_code = 0;  // 128 + n by signal n; 124 when it was ended for taking too long
  std::string out = {};
  std::string err = {};

  bool ok() const { return exit_code == 0; }
  /// First line of what it complained about, without "sbatch: error: "; its exit code if it was
  /// silent.
  std::string complaint() const;
};

class Tools {
 public:
  virtual ~Tools() = default;
  /// Runs a program (searched in PATH) with these arguments, never through a shell, with `input` on
  /// its standard input. Throws IoError (kMissingInput) when there is no such program.
  virtual ToolOutput call(const std::vector<std::string>& arguments, std::string_view input = {},
                          double timeout_s = 60) = 0;
};

class SystemTools final : public Tools {
 public:
  ToolOutput call(const std::vector<std::string>& arguments, std::string_view input = {},
                  double timeout_s = 60) override;
};

}  // namespace hadal::launcher
